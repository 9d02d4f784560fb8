"""What benchmarks/peers asks, reads and counts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, mannwhitneyu

from benchmarks.pages import peers as page
from benchmarks.pages.interval import counted
from benchmarks.pages.peers import area, summary
from benchmarks.peers import awm, environments, mlaudit, model_dna, ours, provenance_kit, seedprints, weightscope
from benchmarks.peers.__main__ import PEERS, found, main
from benchmarks.peers.forks import Forks, served
from benchmarks.peers.pairs import DERIVED, DISTILLED, OTHERS, TWINS, Pair, Zoo, pairs_of, prepared
from benchmarks.peers.peer import Answer, Peer
from benchmarks.zoo.build import ZOO


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """The pairs that the shipped models give."""
    return prepared(tmp_path_factory.mktemp("zoo"))


def test_the_shipped_models_give_pairs_of_nearly_every_kind(zoo: Zoo) -> None:
    kinds = {pair.kind for pair in zoo.pairs}
    assert kinds >= {*DERIVED, DISTILLED, TWINS} - {"embeddings kept, rest new"}
    assert all((zoo.folder / name / "model.safetensors").is_file() for pair in zoo.pairs for name in (pair.a, pair.b))


def test_every_derivation_of_the_recipe_has_a_kind_and_is_one() -> None:
    named = [name for names in DERIVED.values() for name in names]
    assert sorted(named) == sorted(name for name in ZOO.models if ZOO.relation(name) == "derived")


def stranger(folder: Path, name: str, width: int) -> None:
    network = dict.fromkeys(("layers", "hidden", "heads", "kv_heads"), 2) | {"family": "llama", "width": width}
    if name.endswith("1"):  # as an older file, or a newer one that states what is so by default
        network["latent"] = 0
    (folder / name).mkdir()
    (folder / name / "lineage.json").write_text(json.dumps({"network": network}), "utf-8")


def test_no_stranger_is_in_two_pairs_of_its_kind_and_none_set_aside_is_compared(tmp_path: Path) -> None:
    widths = dict.fromkeys(["reference", *(f"stranger-{n}" for n in range(1, 16))], 64)
    widths |= {"other-shape-1": 32, "other-shape-2": 32, "other-shape-3": 32, "moe-stranger-1": 16}
    for name, width in widths.items():
        stranger(tmp_path, name, width)
    pairs, aside = pairs_of(tmp_path)
    for kind in (TWINS, OTHERS):
        models = [name for pair in pairs if pair.kind == kind for name in (pair.a, pair.b)]
        assert len(models) == len(set(models)) > 0
    assert all((widths[p.a] == widths[p.b]) == (p.kind == TWINS) for p in pairs if p.kind in (TWINS, OTHERS))
    compared = {name for pair in pairs for name in (pair.a, pair.b)}
    assert aside
    assert not compared & set(aside)


def test_strangers_of_one_recipe_share_network_and_training(tmp_path: Path) -> None:
    for name in ("reference", *(f"stranger-{n}" for n in range(1, 10))):
        stranger(tmp_path, name, 64)
    pairs, _ = pairs_of(tmp_path)
    for pair in pairs:
        assert ZOO.models[pair.a]["train"] == ZOO.models[pair.b]["train"]


@pytest.mark.parametrize(
    ("read", "output", "said"),
    [
        (
            model_dna.PEER.read,
            json.dumps({"verdict": {"verdict": "FINE_TUNE", "probability": 0.99}}),
            Answer("FINE_TUNE 0.99", True, 0.99),
        ),
        (
            model_dna.PEER.read,
            json.dumps({"verdict": {"verdict": "SAME_FAMILY_UNRESOLVED", "probability": 0.8}}),
            Answer("SAME_FAMILY_UNRESOLVED 0.80", False, 0.8),
        ),
        (
            provenance_kit.PEER.read,
            json.dumps(
                {"scores": {"provenance_decision": "Confirmed Match", "pipeline_score": 1.0, "identity_score": 0.4}}
            ),
            Answer("Confirmed Match 1.00", True, 0.4),
        ),
        (
            provenance_kit.PEER.read,
            '{"scores": {"provenance_decision": "Weak Match", "pipeline_score": 0.7, "identity_score": 0.7}}',
            Answer("Weak Match 0.70", False, 0.7),
        ),
        (
            provenance_kit.PEER.read,
            '{"scores": {"provenance_decision": "Insufficient data", "pipeline_score": NaN}}',
            Answer("Insufficient data", None, None),
        ),
        (awm.PEER.read, "  Absolute Z-Score vs negative pairs = 12.14\n", Answer("z 12.14", None, 12.14)),
        (awm.PEER.read, "Skipping analysis", Answer("no score", None, None)),
        (seedprints.PEER.read, 'noise\n{"log10_p": -2.0}\n', Answer("log10 p -2.0", True, 2.0)),
        (seedprints.PEER.read, '{"log10_p": -1.99}', Answer("log10 p -2.0", False, 1.99)),
        (seedprints.PEER.read, '{"log10_p": NaN}', Answer("p is nan", None, None)),
        (seedprints.PEER.read, '{"why": "other widths"}', Answer("other widths", None, None)),
        (weightscope.PEER.read, "**Looks like full-parameter\npost-training**", Answer("post_training", True, None)),
        (weightscope.PEER.read, "Looks like a full retrain or", Answer("full_retrain", False, None)),
        (
            mlaudit.PEER.read,
            "VERDICT: WEAK EVIDENCE\n  weighted_mean_cosine_pct: 71.500\n",
            Answer("weak evidence", False, 71.5),
        ),
    ],
)
def test_a_peers_words_are_read(read, output: str, said: Answer) -> None:
    assert read(output) == said


def test_our_own_verdict_is_read_from_our_own_report() -> None:
    report = Path(__file__).parents[1] / "examples" / "reports" / "related" / "report.json"
    answer = ours.EXACT.read(report.read_text("utf-8"))
    assert (answer.said, answer.related) == ("dependent", True)
    assert answer.score > 100


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_the_area_is_that_of_mann_and_whitney(low: list[int], high: list[int]) -> None:
    u = mannwhitneyu(high, low).statistic
    assert area([*map(float, low)], [*map(float, high)]) == pytest.approx(u / len(low) / len(high))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_of_counts_are_those_of_clopper_and_pearson(drawn: tuple[int, int]) -> None:
    called, pairs = drawn
    exact = binomtest(called, pairs).proportion_ci(0.95, "exact")
    assert counted(called, pairs) == f"{called} of {pairs} [{exact.low:.3f}, {exact.high:.3f}]"


@pytest.fixture
def forks(tmp_path: Path):
    """A process that forks commands of this Python."""
    process = served("ours", Path(sys.executable).parent, tmp_path / "forks", environments.environment(tmp_path))
    yield process
    process.close()


def test_a_forked_command_is_the_program_it_would_be(forks: Forks, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "helper.py").write_text("WORD = 'found'\n", "utf-8")
    script = tmp_path / "script.py"
    script.write_text("import os, sys, helper\nprint(helper.WORD, sys.argv[1:], os.getcwd(), __name__)\n", "utf-8")
    said = forks.run([sys.executable, str(script), "a b"], cwd=tmp_path, path=tmp_path / "code")
    assert said == f"found ['a b'] {tmp_path} __main__\n"
    assert forks.run([sys.executable, "-m", "verify", "--version"], cwd=tmp_path, path=None).strip()


def test_what_one_forked_command_does_is_unknown_to_the_next(forks: Forks, tmp_path: Path) -> None:
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("import json\njson.left = 1\nprint('first')\n", "utf-8")
    second.write_text("import json\nprint(hasattr(json, 'left'))\n", "utf-8")
    assert forks.run([sys.executable, str(first)], cwd=tmp_path, path=None) == "first\n"
    assert forks.run([sys.executable, str(second)], cwd=tmp_path, path=None) == "False\n"


@pytest.mark.parametrize("end", ["sys.exit(3)", "sys.exit('no such thing')", "raise KeyError('no such thing')"])
def test_a_forked_command_that_fails_is_said_to_and_the_next_runs(forks: Forks, tmp_path: Path, end: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import sys\nprint('no such thing')\n{end}\n", "utf-8")
    with pytest.raises(RuntimeError, match="no such thing"):
        forks.run([sys.executable, str(script)], cwd=tmp_path, path=None)
    script.write_text("print(1)\n", "utf-8")
    assert forks.run([sys.executable, str(script)], cwd=tmp_path, path=None) == "1\n"


def test_answers_are_kept_and_asked_for_once(tmp_path: Path) -> None:
    script = tmp_path / "peer.py"
    script.write_text(
        f"import json\nopen({str(tmp_path / 'asked')!r}, 'a').write('x')\n"
        "print(json.dumps({'said': 'yes', 'related': True, 'score': 1.0}))\n",
        "utf-8",
    )
    asker = Peer(
        "asker", "Asker", "a test", "any", lambda task: task.python(script), lambda out: Answer(**json.loads(out))
    )
    failing = Peer("failing", "Failing", "a test", "any", lambda task: task.python(tmp_path / "none.py"), Answer.none)
    absent = Peer("absent", "Absent", "a test", "any", lambda task: task.python(), Answer.none, checkout=True)
    zoo = Zoo(tmp_path, (Pair("fine-tuned", "a", "b"), Pair(TWINS, "c", "d")), ())
    first = found(zoo, [asker, failing, absent], {}, tmp_path / "environments", tmp_path / "answers.json")
    assert (tmp_path / "asked").read_text() == "xxx"  # two answers, and one run that is timed
    assert found(zoo, [asker, failing, absent], {}, tmp_path, tmp_path / "answers.json") == first
    assert (tmp_path / "asked").read_text() == "xxx"
    yes, no, none = first["peers"]
    assert [answer["related"] for answer in yes["answers"]] == [True, True]
    assert yes["costs"][0]["cpu"] > 0
    assert all(answer["said"].startswith("failed: ") for answer in no["answers"])
    assert no["costs"] == [{"cpu": None, "memory": None}]
    assert "give --peer absent=PATH" in none["not_run"]
    _, rows = summary(first)
    assert [row[:3] for row in rows] == [
        ["Asker", "1 of 1", "1 of 1 [0.025, 1.000]"],
        ["Failing", "0 of 1", "-"],
    ]
    text = page(first)
    assert "| Absent | a test | its code is not at hand" in text
    assert "failed: " in text


def test_an_unknown_peer_or_a_path_that_is_not_there_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for option, said in (("awm=/no/such/folder", "is not NAME=PATH with a folder"), ("nobody=/", "no peer is named")):
        monkeypatch.setattr(sys, "argv", ["peers", "--peer", option])
        with pytest.raises(SystemExit):
            main()
        assert said in capsys.readouterr().err


def test_peers_are_named_once_and_say_their_rule() -> None:
    assert len({one.name for one in PEERS}) == len(PEERS)
    assert all(one.rule and one.source for one in PEERS)
    assert {one.environment for one in PEERS} <= {"ours", *environments.REQUIREMENTS}
