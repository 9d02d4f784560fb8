"""What a caller declares of a model of an unknown type: that, and nothing more, is assumed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from benchmarks.architectures.declared import declared
from tests import architectures
from tests.checkpoints import toy, write_checkpoint
from tests.commands import Run, check_refused, run
from tests.models import child, config, weights, write
from verify.base import OptionError
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.layouts.declare import declarations

__all__ = ["run"]

TURNED = "half,rotary_size=6"
WORDS = ("rms", "rotary", TURNED, "query_key_norm=none", "linear_values", "odd_in_up", "heads_alike")
RESTS_ON = {
    "unit signs": {"odd_in_up"},
    "value order": {"linear_values"},
    "value signs": {"linear_values"},
    "phases": {"rotary", TURNED, "query_key_norm=none"},
    "head order": {"heads_alike", "rotary"},
    "stream order": {"rotary"},
    "stream signs": {"rotary", "rms"},
}
"""The words that a Llama's symmetries rest on; ``half`` with its size implies ``rotary``."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama under a model type that nobody knows."""
    return unheard(tmp_path_factory.mktemp("declare") / "model", 0)


def unheard(folder: Path, seed: int, noise: float | None = None) -> Path:
    """Write a model, or its child, of a type that nobody knows."""
    c = config()
    tensors = weights(seed, c) if noise is None else child(weights(seed, c), seed + 1, noise)
    return unheard_of(write(folder, tensors, c))


def unheard_of(folder: Path) -> Path:
    """Give a model a type that nobody knows."""
    said = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(said | {"model_type": "acme"}), "utf-8")
    return folder


def used(folder: Path, words: str | None) -> set[str]:
    found = declared(open_checkpoint(Location(str(folder), declare=words)))
    return {symmetry for symmetry, reason in found.items() if not reason}


def test_names_and_shapes_prove_the_order_of_units_alone(folder: Path) -> None:
    """The record says that the table is one by likeness."""
    checkpoint = open_checkpoint(folder)
    assert used(folder, None) == {"unit order"}
    assert [(note.code, *note.values.values()) for note in checkpoint.notes] == [("config.likeness", "acme", "llama")]


def test_all_declared_of_a_llama_is_all_that_its_table_declares(folder: Path, tmp_path: Path) -> None:
    """The two ways to say it give the same tests."""
    known = write(tmp_path / "known", weights(0, config()), config())
    of_the_table = {s for s, reason in declared(open_checkpoint(known)).items() if not reason}
    assert used(folder, ",".join(WORDS)) == of_the_table == {"unit order", *RESTS_ON}


@given(st.sets(st.sampled_from(WORDS), min_size=1))
@settings(deadline=None, max_examples=60)
def test_a_symmetry_is_used_only_if_all_that_it_rests_on_is_declared(folder: Path, words: set[str]) -> None:
    """In whatever order."""
    implied = words | ({"rotary"} if TURNED in words else set())
    expected = {symmetry for symmetry, needed in RESTS_ON.items() if needed <= implied}
    assert used(folder, ",".join(sorted(words))) == {"unit order", *expected}
    shape = open_checkpoint(Location(str(folder), declare=",".join(words))).architecture
    assert shape.norm == ("rms" if "rms" in words else "layer")
    assert shape.family.startswith("layout:llama,")
    assert declarations(shape.family.partition(",")[2]) == declarations(",".join(words))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "--declare has ''; expected words among rms, "),
        ("rms,", "--declare has ''; expected words among rms, "),
        ("rmsnorm", "--declare has 'rmsnorm'; expected words among rms, "),
        ("norm=batch", "--declare has 'norm=batch'; expected one of rms, layer."),
        ("tied", "--declare has 'tied'; expected words among rms, "),
        ("uneven=true", "--declare has 'uneven=true'; expected words among rms, "),
        (
            "query_key_norm=gain",
            "--declare states query_key_norm of model, which lacks norms of q and k; leave it out.",
        ),
        ("rms,layer", "gives norm as 'rms' and 'layer'; give one."),
        ("half", "gives rotary or rotary_size alone; give both, such as half,rotary_size=64"),
        ("rotary_size=64", "gives rotary or rotary_size alone; give both"),
        ("half,rotary_size=3", "--declare has 'rotary_size=3'; expected an even number of channels."),
        (
            "half,rotary_size=4,learned",
            "says how positions turn channels, and that they are learned; give one of the two.",
        ),
        ("learned", "--declare states positions of model, which lacks a tensor of positions; leave it out."),
    ],
)
def test_what_cannot_be_declared_is_refused(folder: Path, run: Run, words: str, says: str) -> None:
    """One sentence, before anything is read at length."""
    check_refused(run("inspect", folder, "--declare", words), says)


@pytest.mark.parametrize("words", ["layer", "rms,rotary", "odd_in_up", "expert_groups=1"])
def test_nothing_is_assumed_of_latent_vectors(tmp_path: Path, words: str) -> None:
    """Their norm may subtract a mean, and which channels positions turn is not among what can be declared."""
    model = architectures.models()["deepseek_v2 hub"]
    model["config"]["model_type"] = "acme"
    there = architectures.write(tmp_path / "model", model)
    assert not used(there, words) & {"latent order", "latent signs", "key order", "key signs", "phases"}
    with pytest.raises(OptionError, match="states query_key_norm of model, which lacks plain q, k, v and o"):
        open_checkpoint(Location(str(there), declare="query_key_norm=none"))


def test_config_does_not_undo_what_is_declared(folder: Path, tmp_path: Path) -> None:
    """An entry that types of others have is not one of a type that nobody knows."""
    there = unheard(tmp_path / "model", 0)
    said = json.loads((there / "config.json").read_text("utf-8"))
    (there / "config.json").write_text(json.dumps(said | {"rope_interleave": False}), "utf-8")
    words = "interleaved,rotary_size=6,query_key_norm=none"
    shapes = [open_checkpoint(Location(str(one), declare=words)).architecture for one in (folder, there)]
    assert [shape.rotary for shape in shapes] == ["interleaved"] * 2


def test_an_activation_without_a_gate_is_not_odd(tmp_path: Path) -> None:
    """GPT-2's MLP has no `gate`, whatever is declared."""
    there = write_checkpoint(tmp_path / "model", toy("gpt2").configured(model_type="acme"))
    with pytest.raises(OptionError, match="states odd_in_up of model, which lacks an MLP with a gate"):
        open_checkpoint(Location(str(there), declare="odd_in_up"))
    assert open_checkpoint(Location(str(there), declare="learned")).architecture.positions == "learned"


def test_a_known_type_and_a_layout_say_it_all_themselves(folder: Path, tmp_path: Path) -> None:
    """So a declaration beside them is refused."""
    known = write(tmp_path / "known", weights(0, config()), config())
    with pytest.raises(OptionError, match="its model type 'llama' is known, which says what it computes; leave"):
        open_checkpoint(Location(str(known), declare="rms"))
    with pytest.raises(OptionError, match="its layout is given, which says what it computes; leave"):
        open_checkpoint(Location(str(folder), layout="llama", declare="rms"))


def test_a_report_says_what_was_declared_and_by_whom(tmp_path: Path, run: Run) -> None:
    """The page, the command that makes it again, and a replay with the models."""
    a, b = unheard(tmp_path / "a", 0), unheard(tmp_path / "b", 0, 0.3)
    words = "rms,rotary"
    report = verify.test_lineage(Location(str(a), declare=words), Location(str(b), declare=words))
    assert report.verdict == "dependent"
    assert report.provenance.options["declare_a"] == words
    page = report.to_markdown()
    assert page.count("is as stated by whoever asked for this report ('layout:llama,rms,rotary')") == 2
    assert "--declare-a rms,rotary" in page
    assert "That A and B compute what whoever asked for this report says of them" in report.answer.rests_on
    assert [note.code for note in report.a.notes] == ["config.likeness.stated"]
    path = tmp_path / "report.json"
    path.write_text(report.to_json() + "\n", "utf-8")
    replayed = run("replay", path, "--a", a, "--b", b, "--declare-a", words, "--declare-b", words)
    assert replayed.status == 0, replayed.out + replayed.err
    says = "For the report A was read with a declare ('rms,rotary'); give the same (--declare-a)."
    check_refused(run("replay", path, "--a", a, "--b", b), says)
    plain = verify.test_lineage(a, b)
    assert {r.id for r in report.exact if r.applicable} > {r.id for r in plain.exact if r.applicable}


def test_a_false_declaration_accuses_strangers(tmp_path: Path) -> None:
    """Where something fixed tells value channels apart, strangers' channels at one index are alike. They count as
    evidence where it was declared that nothing does, and not otherwise."""
    c = config(layers=2, width=64, heads=4, kv_heads=2)
    fixed = np.random.default_rng(9).standard_normal((c.kv_heads * c.head_size, c.width)).astype(np.float32)
    folders = []
    for seed in (0, 1):
        tensors = {name: x + fixed if name.endswith("v_proj.weight") else x for name, x in weights(seed, c).items()}
        folders.append(unheard_of(write(tmp_path / str(seed), tensors, c)))
    verdicts = {}
    for words in ("rms,rotary,linear_values", "rms,rotary"):
        verdicts[words] = verify.test_lineage(*(Location(str(one), declare=words) for one in folders)).verdict
    assert verdicts == {"rms,rotary,linear_values": "dependent", "rms,rotary": "no_evidence"}
