"""Rows of two tables of tokens pair by tokens or by number, and by whichever it is, the tests stay what they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checkpoints import Array
from tests.models import VOCABULARY, child, config, weights, write
from tests.reports import words
from verify import CheckpointError, ClaimReport, Fingerprint, FingerprintError, fingerprint, replay, test_lineage
from verify.checkpoint import Location, Vocabulary, resolve_location
from verify.cli import main
from verify.data import model
from verify.fingerprint.anchors import ANCHORS, LEAST_ANCHORS, anchors_of, numbered_rows, shared_anchors

C = config()
ON_ANCHORS = ("response_identity", "stream_identity")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent with a tokenizer; and without one it, its child, a stranger, and a child with more rows."""
    root, parent = tmp_path_factory.mktemp("bare"), weights(0, C)
    more = config(vocab=C.vocab + 8)
    longer = {n: x if x.shape[0] != C.vocab else np.concatenate([x, x[:8]]) for n, x in child(parent, 1).items()}
    write(root / "known", parent, C)
    for name, w, c in (
        ("parent", parent, C),
        ("child", child(parent, 1), C),
        ("stranger", weights(2, C), C),
        ("longer", longer, more),
    ):
        write(root / name, w, c, tokens=False)
    return {path.name: path for path in root.iterdir()}


def test_tokens_are_used_where_enough_are_known() -> None:
    """Else rows; a model without a table of tokens has neither."""
    few = Vocabulary("vocab.json", {a: i for i, a in enumerate(ANCHORS[: LEAST_ANCHORS - 1])})
    enough = Vocabulary("vocab.json", {a: 100 - i for i, a in enumerate(ANCHORS[:LEAST_ANCHORS])})
    assert anchors_of(enough, 128, 96) == ("tokens", [(i, 100 - i) for i in range(LEAST_ANCHORS)])
    assert anchors_of(enough, 128, 2) == ("tokens", [(0, 100), (1, 99)])
    assert anchors_of(few, 128, 96) == anchors_of(None, 128, 96) == ("rows", [(i, i) for i in numbered_rows(128, 96)])
    assert anchors_of(None, 0, 96) == ("tokens", [])


def test_models_without_tokenizers_pair_by_number(bare: dict[str, Path]) -> None:
    """Relatives are found by all tests, strangers by none; the record says how they were paired."""
    related = test_lineage(bare["child"], bare["parent"])
    absent = {test.id for test in related.tests.values() if not test.applicable}
    assert absent == {"expert_identity", "query_key_identity", "latent_identity", "unused_tokens"}
    assert all((related.tests[name].log10_p or 0) < -3 for name in ON_ANCHORS)
    assert (related.a.pairing, related.a.tokenizer, related.a.anchors) == ("rows", None, 96)
    assert "96 rows, by number" in related.to_markdown()
    assert test_lineage(bare["stranger"], bare["parent"]).verdict == "no_evidence"


@pytest.mark.parametrize("swap", [False, True])
def test_a_model_without_a_tokenizer_is_read_by_that_of_the_other(bare: dict[str, Path], swap: bool) -> None:
    """Whichever side lacks it; the record names the file that was lent."""
    pair = (bare["known"], bare["child"]) if swap else (bare["child"], bare["known"])
    report = test_lineage(*pair)
    lacking, having = (report.b, report.a) if swap else (report.a, report.b)
    assert (lacking.tokenizer, having.tokenizer) == ("known/vocab.json", "vocab.json")
    assert lacking.pairing == having.pairing == "tokens"
    assert all((report.tests[name].log10_p or 0) < -3 for name in ON_ANCHORS)
    assert replay(report, *pair).agrees


def test_the_reason_is_that_no_tokenizer_was_found(bare: dict[str, Path]) -> None:
    """Where tables differ in size, or one model is given by a fingerprint, whose rows are not known."""
    report = test_lineage(bare["longer"], bare["known"])
    reason = words(report.tests["stream_identity"].reason)
    assert reason.startswith("no tokenizer was found in A (looked for tokenizer.json, ")
    assert "tables of 136 and 128 rows cannot be paired by number" in reason
    kept = fingerprint(bare["known"])
    reason = words(test_lineage(bare["child"], kept).tests["stream_identity"].reason)
    assert reason.startswith("no tokenizer was found in A (")
    assert "share 0" not in report.to_markdown()
    assert replay(report).agrees


def test_a_tokenizer_that_knows_too_few_tokens_is_named(bare: dict[str, Path], tmp_path: Path) -> None:
    """It was found, and is of no use."""
    shutil.copytree(bare["longer"], tmp_path / "m")
    (tmp_path / "m" / "vocab.json").write_text(json.dumps({"a": 0}))
    reason = words(test_lineage(tmp_path / "m", bare["known"]).tests["stream_identity"].reason)
    assert reason.startswith("the tokenizer of A ('vocab.json') knows fewer than 32 anchor tokens, and tables of 136")


def test_a_tokenizer_may_be_given(bare: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a file, a folder or a model; it stands before the model's own, and enters what is read."""
    file = tmp_path / "vocab.json"
    file.write_text(json.dumps(VOCABULARY))
    given = [Location(str(bare["longer"]), tokenizer=str(path)) for path in (file, tmp_path, bare["known"])]
    records = [fingerprint(location).record for location in given]
    assert {(record.pairing, record.anchors) for record in records} == {("tokens", records[0].anchors)}
    assert records[2].tokenizer == "known/vocab.json"
    with pytest.MonkeyPatch.context() as patch:
        given_words = ["lineage", bare["longer"], bare["known"], "--tokenizer-a", file, "-q", "--json"]
        patch.setattr("sys.argv", ["verify", *map(str, given_words)])
        main()
    report = ClaimReport.from_json(capsys.readouterr().out)
    assert all(report.tests[name].applicable for name in ON_ANCHORS)


def test_what_is_kept_of_a_model_is_told_apart_by_its_tokenizer(bare: dict[str, Path], tmp_path: Path) -> None:
    """And a tokenizer from elsewhere does not make a model one from elsewhere."""
    file = tmp_path / "vocab.json"
    file.write_text(json.dumps(VOCABULARY))
    plain = resolve_location(Location(str(bare["parent"])))
    given = [resolve_location(Location(str(bare["parent"]), tokenizer=t)) for t in (str(file), Location(str(file)))]
    assert given[0].state == given[1].state != plain.state
    assert given[0].local
    file.write_text(json.dumps(VOCABULARY | {"more": 1}))
    assert resolve_location(Location(str(bare["parent"]), tokenizer=str(file))).state != plain.state


def test_a_tokenizer_that_is_not_there_is_one_sentence(bare: dict[str, Path], tmp_path: Path) -> None:
    """It says what was looked for."""
    with pytest.raises(CheckpointError, match=r"No tokenizer was found in .* \(looked for tokenizer\.json"):
        fingerprint(Location(str(bare["parent"]), tokenizer=str(tmp_path)))


def test_numbered_rows_are_shared_by_tables_of_one_size_only(bare: dict[str, Path]) -> None:
    """And never with tokens."""
    known, parent, child_, longer = (fingerprint(bare[n]).record for n in ("known", "parent", "child", "longer"))
    assert shared_anchors(parent, child_).tolist() == list(numbered_rows(128, 96))
    assert not len(shared_anchors(parent, longer))
    assert not len(shared_anchors(parent, known))


def test_other_rows_than_those_of_the_size_are_refused(bare: dict[str, Path], tmp_path: Path) -> None:
    """A pairing that its maker chose is no function of the shape."""
    made = fingerprint(bare["parent"])
    chosen = made.record.model_copy(update={"anchors": (1, *made.record.anchors[1:])})
    Fingerprint(chosen, made.arrays).save(tmp_path / "f.safetensors")
    with pytest.raises(FingerprintError, match="the numbers of rows that its size of the vocabulary gives"):
        Fingerprint.load(tmp_path / "f.safetensors")


def test_a_panel_does_not_rank_rows_known_by_number(bare: dict[str, Path]) -> None:
    """Its members are known by tokens."""
    kept = fingerprint(bare["child"])
    for pair in ((bare["child"], bare["parent"]), (fingerprint(bare["known"]), kept), (kept, bare["longer"])):
        report = test_lineage(*pair, panel="default")
        reason = words(report.tests["response_match"].reason)
        side = "A" if report.a.name == "child" else "B"
        assert reason.startswith(f"no tokenizer was found in {side} (looked for ")


# The law


def arranged(w: dict[str, Array], g: NDArray[np.intp], signs: NDArray[np.float32]) -> dict[str, Array]:
    """The same function under signed permutation of the residual stream (RMS norm)."""
    out = {}
    for name, x in w.items():
        if x.ndim == 1:
            out[name] = x[g]
        elif "o_proj" in name or "down_proj" in name:
            out[name] = x[g] * signs[:, None]
        else:
            out[name] = x[:, g] * signs
    return out


def by_largest_entry(folder: Path) -> Callable[..., object]:
    """A pairing that looks at weights: rows in the order of their first residual dimension."""
    from safetensors.numpy import load_file

    table = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
    rows = sorted(np.argsort(table[:, 0])[:96].tolist())
    return lambda *_: ("rows", [(row, row) for row in rows])


@pytest.mark.parametrize("broken", [False, True])
def test_arranging_the_stream_arranges_the_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """What the proofs of the tests on anchors ask of a pairing; one that looks at the weights does not give it."""
    rng = np.random.default_rng(3)
    g, signs = rng.permutation(C.width), rng.choice(np.float32([-1, 1]), C.width)
    made = []
    for name, w in (("plain", weights(5, C)), ("arranged", arranged(weights(5, C), g, signs))):
        folder = write(tmp_path / name, w, C, tokens=False)
        if broken:
            monkeypatch.setattr("verify.fingerprint.build.anchors_of", by_largest_entry(folder))
            monkeypatch.setattr("verify.fingerprint.build.check_record", lambda _: None)  # which refuses it
        made.append(fingerprint(folder))
    plain, moved = (one.arrays["stream.embed"].astype(np.float64) for one in made)
    assert np.array_equal(moved, plain[g] * signs[:, None]) is not broken
    for name in ("response.0.mlp", "response.1.values"):
        x, y = (one.arrays[name].astype(np.float64) for one in made)
        assert np.allclose(x, y, atol=2e-3) is not broken


def test_a_legacy_fingerprint_without_tokens_says_that_none_was_found() -> None:
    """Its record names no file and holds no anchor."""
    whole = fingerprint(model("reference"))
    bare_ = Fingerprint(whole.record.model_copy(update={"anchors": (), "tokenizer": None}), whole.arrays)
    reason = words(test_lineage(bare_, fingerprint(model("stranger-1"))).tests["stream_identity"].reason)
    assert reason.startswith("no tokenizer was found in A")
