"""Parts: what one file holds is told apart, each part is tested, and a claim names what was compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from tests import models
from tests.checkpoints import Array, Toy, raw_safetensors, write_checkpoint
from tests.strategies import stranger
from verify import replay, screen, test_lineage
from verify.base import CheckpointError, FingerprintError, Phrase
from verify.checkpoint import MOST_GROUPS, MOST_PARTS, Location, Part, open_checkpoint
from verify.checkpoint.layouts.divide import divide
from verify.checkpoint.layouts.kinds import kind_of
from verify.checkpoint.layouts.understand import understood
from verify.claim import ClaimReport
from verify.claim.conclude import log10_alpha_of_one
from verify.claim.evidence import decide, exact_line
from verify.claim.parts import WHOLE, Pair, paired
from verify.claim.said_of_parts import said_of, spoken_of
from verify.fingerprint import Fingerprint, PartRecord, fingerprint
from verify.inference import holm
from verify.replay.recompute import recompute
from verify.statistics import UNIT_IDENTITY

SHAPE = models.config(layers=2, width=32, hidden=48)
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "tie_word_embeddings": False,
}
VISION = {
    "model_type": "clip_vision_model",
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
AT = "model.vision_tower.vision_tower.vision_model"
WRAPPED = {"model_type": "llava", "text_config": CONFIG, "vision_config": VISION}


def matrix(rng: np.random.Generator, *shape: int) -> Array:
    return (0.05 * rng.standard_normal(shape)).astype(np.float32)


def language(seed: int, prefix: str = "language_model.", **changes: Any) -> dict[str, Array]:
    shape = replace(SHAPE, **changes) if changes else SHAPE
    return {prefix + name: value for name, value in models.weights(seed, shape).items()}


def tower(
    seed: int, prefix: str = "vision_tower.vision_model.", width: int = 16, hidden: int = 24, layers: int = 2
) -> dict[str, Array]:
    """An image tower, or a text encoder, under CLIP's names."""
    rng = np.random.default_rng([seed, 1])
    out: dict[str, Array] = {}
    for i in range(layers):
        at = f"{prefix}encoder.layers.{i}."
        sides = {f"self_attn.{r}_proj": (width, width) for r in ("q", "k", "v", "out")}
        for name, (rows, columns) in (sides | {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}).items():
            out[f"{at}{name}.weight"], out[f"{at}{name}.bias"] = matrix(rng, rows, columns), matrix(rng, rows)
        for name in ("layer_norm1", "layer_norm2"):
            out[f"{at}{name}.weight"], out[f"{at}{name}.bias"] = 1 + matrix(rng, width), matrix(rng, width)
    return out


def encoder(seed: int, prefix: str = "cond_stage_model.transformer.text_model.") -> dict[str, Array]:
    embed = {f"{prefix}embeddings.token_embedding.weight": matrix(np.random.default_rng([seed, 2]), 64, 16)}
    return tower(seed, prefix, hidden=64, layers=3) | embed


def unknown(seed: int, prefix: str = "model.diffusion_model.", blocks: int = 6, width: int = 48) -> dict[str, Array]:
    """What no table understands."""
    rng = np.random.default_rng([seed, 3])
    names = ("attn1.to_q.weight", "attn1.to_out.0.weight", "conv.weight")
    return {f"{prefix}blocks.{i}.1.{name}": matrix(rng, width, width) for i in range(blocks) for name in names}


def write(folder: Path, *parts: dict[str, Array], config: dict[str, Any] | None = None, tokens: bool = True) -> Path:
    tensors: dict[str, Array] = {}
    for part in parts:
        assert not tensors.keys() & part.keys()
        tensors |= part
    files = {"vocab.json": json.dumps(models.VOCABULARY)} if tokens else {}
    return write_checkpoint(folder, Toy(tensors, config or {}, {}), files=files)


def inventory(path: Path) -> dict[str, tuple[str, str]]:
    return {part.name: (part.kind, part.family) for part in open_checkpoint(path).parts}


def by_names(report: ClaimReport) -> dict[tuple[str, str], str]:
    return {(part.a, part.b): part.verdict for part in report.parts}


def in_order(report: ClaimReport, *models_: Path) -> None:
    """A report replays from the record alone, from its bytes, and with weights."""
    assert replay(report).disagreements == ()
    assert ClaimReport.from_json(report.to_json()) == report
    assert replay(report, *models_).disagreements == ()


# ---- what a file holds


def test_one_model_is_one_part_and_reads_as_before(tmp_path: Path) -> None:
    """Nothing else in the file: the part is the whole, and a report of two such models knows of no parts."""
    a = write(tmp_path / "a", language(0, ""), config=CONFIG)
    b = write(tmp_path / "b", language(1, ""), config=CONFIG)
    (part,) = open_checkpoint(a).parts
    tensors = language(0, "")
    assert part == Part(
        name="whole",
        kind="language model",
        family="llama",
        numbers=sum(t.size for t in tensors.values()),
        tensors=len(tensors),
    )
    made = fingerprint(a)
    assert made.parts == ()
    assert made.record.parts[0].sha256 == made.record.content_sha256
    report = test_lineage(a, b)
    assert (report.parts, report.a.parts, report.equal_tensors) == ((), (), None)
    assert report.finding.startswith("No evidence that A and B share")
    assert "Parts" not in report.to_markdown().split()


def test_every_part_is_read_with_its_own_section(tmp_path: Path) -> None:
    """Numbers of the wrapper's sections are those of its parts; the head may lie beside the wrapper."""
    text = {name.replace("language_model.model.", "model.text_model."): x for name, x in language(0).items()}
    text["lm_head.weight"] = text.pop("language_model.lm_head.weight")
    images = tower(0, "model.vision_model.")
    path = write(
        tmp_path, text, images, {"model.connector.proj.weight": np.ones((32, 16), np.float32)}, config=WRAPPED
    )
    main = open_checkpoint(path)
    (other,) = main.further()
    assert inventory(path) == {
        "model.text_model": ("language model", "llama"),
        "model.vision_model": ("image tower", "clip_vision"),
        "model.connector": ("projector", ""),
    }
    assert (main.architecture.model_type, main.architecture.positions) == ("llama", "rotary")
    assert (main.architecture.heads, main.architecture.kv_heads) == (4, 2)
    assert main.has("unembed")
    assert (other.architecture.model_type, other.architecture.heads) == ("clip_vision_model", 2)
    assert other.architecture.linear_values
    assert sum(part.numbers for part in main.parts) == sum(x.size for x in (text | images).values()) + 32 * 16


def test_numbers_of_the_wrapper_do_not_spoil_a_tower(tmp_path: Path) -> None:
    """A flat config.json speaks of the language model: a tower beside it is read without."""
    path = write(tmp_path, language(0, ""), tower(0, f"{AT}."), config=CONFIG | {"model_type": "llava"})
    assert inventory(path) == {"model": ("language model", "llama"), AT: ("image tower", "clip_vision")}
    assert open_checkpoint(path).architecture.heads == 4


def test_a_tower_that_does_not_hold_together_is_not_understood(tmp_path: Path) -> None:
    """Beside the main part, what a table claims and cannot read becomes a part that is not understood."""
    images = tower(0)
    del images["vision_tower.vision_model.encoder.layers.1.mlp.fc2.weight"]
    path = write(tmp_path, language(0), images, config=WRAPPED)
    assert inventory(path)["vision_tower"] == ("image tower", "")


def test_the_main_part_is_the_largest_and_no_copy(tmp_path: Path) -> None:
    """A copy of averages sorts before the weights and is as large."""
    path = write(tmp_path, language(0, ""), language(1, "ema_model."), config=CONFIG)
    assert open_checkpoint(path).part.name == "model"
    assert inventory(path)["ema_model.model"] == ("EMA copy", "llama")


def test_the_declared_table_reads_what_several_could(tmp_path: Path) -> None:
    """Of tables at one prefix, the one that the part's section names; else the one that understands most."""
    sandwich = {
        f"language_model.model.layers.{i}.{name}_feedforward_layernorm.weight": np.ones(32, np.float32)
        for i in range(2)
        for name in ("pre", "post")
    }
    for kind, family in (("gemma3_text", "gemma2"), ("unheard_of", "gemma2"), ("llama", "llama")):
        config = {"model_type": "wrapper", "text_config": CONFIG | {"model_type": kind}}
        path = write(tmp_path / kind, language(0) | sandwich, config=config)
        found = open_checkpoint(path).architecture
        assert found.family == family
        assert (found.positions == "unknown") == (kind == "unheard_of")


def test_drafts_heads_adapters_and_copies_are_named(tmp_path: Path) -> None:
    """What nothing understands is told by the words of its names, and costs the part beside it no test."""
    rng = np.random.default_rng(0)
    beside = {
        "mtp.layers.0.self_attn.q_proj.weight": matrix(rng, 8, 8),
        "model_ema.blocks.0.mlp.weight": matrix(rng, 8, 8),
        "adapters.0.attn.down.weight": matrix(rng, 8, 8),
        "audio_encoder.layers.0.attention.x.weight": matrix(rng, 8, 8),
        "first_stage_model.mid.attn.weight": matrix(rng, 8, 8),
        "score.weight": matrix(rng, 2, 32),
    }
    path = write(tmp_path / "a", language(0, ""), beside, config=CONFIG)
    other = write(tmp_path / "b", language(1, ""), config=CONFIG)
    assert {name: kind for name, (kind, family) in inventory(path).items() if not family} == {
        "mtp": "draft layers",
        "model_ema": "EMA copy",
        "adapters": "adapter",
        "audio_encoder": "audio tower",
        "first_stage_model": "autoencoder",
        "inside model": "other",
    }
    assert open_checkpoint(path).unrecognised == ("score.weight",)
    report = test_lineage(path, other)
    assert sum(test.applicable for test in report.tests.values()) == 5
    inside = beside | {"model.layers.0.self_attn.strange.weight": matrix(rng, 8, 8)}
    report = test_lineage(write(tmp_path / "c", language(0, ""), inside, config=CONFIG), other)
    assert not report.tests["value_identity"].applicable


def test_an_encoder_with_its_decoder_is_one_part(tmp_path: Path) -> None:
    """Both stacks are of one table, which compares layers of either."""
    from tests.families import toy

    assert inventory(write_checkpoint(tmp_path, toy("t5"))) == {"whole": ("encoder and decoder", "t5")}


def test_what_no_table_understands_is_inferred_part_by_part(tmp_path: Path) -> None:
    """Two stacks of different shapes are two parts, not a refusal."""
    rng = np.random.default_rng(0)
    tensors: dict[str, Array] = {}
    for prefix, width, hidden in (("speech_net", 12, 20), ("text_net", 16, 28)):
        for i in range(2):
            at = f"{prefix}.stack.{i}."
            tensors |= {
                f"{at}lin1.weight": matrix(rng, hidden, width),
                f"{at}lin2.weight": matrix(rng, width, hidden),
            }
            tensors[f"{at}norm.weight"] = matrix(rng, width)
    found = inventory(write(tmp_path, tensors))
    assert {name: what for name, what in found.items() if what[1]} == {
        "text_net": ("language model", "inferred"),
        "speech_net": ("audio tower", "inferred"),
    }


# ---- what a claim says


def test_strangers_in_language_that_share_an_image_tower(tmp_path: Path) -> None:
    """No relation of the models; the shared tower is a finding of its own, and replay follows both."""
    paths = [write(tmp_path / n, language(s), tower(9), config=WRAPPED) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    assert report.verdict == "no_evidence"
    assert by_names(report) == {
        ("language_model.model", "language_model.model"): "no_evidence",
        ("vision_tower.vision_model", "vision_tower.vision_model"): "identical",
    }
    assert report.finding.startswith("No evidence that the language models of A and B (")
    assert "The image towers of A and B (" in report.finding
    assert "hold the same weights" in report.finding
    assert report.parts[1].log10_p is not None
    assert report.parts[1].log10_p < -20
    in_order(report, *paths)


def test_a_tower_alone_is_named_first_with_its_share(tmp_path: Path) -> None:
    """Where the language part is not understood, the first words are of the tower, and nobody may say more."""
    config = {"model_type": "novel", "vision_config": VISION}
    paths = [
        write(tmp_path / n, unknown(s, "model.text_model."), tower(9), config=config) for n, s in (("x", 0), ("y", 1))
    ]
    report = test_lineage(*paths)
    assert report.verdict == "dependent"
    for text in (report.finding, report.may_say):
        assert text.startswith("The image towers of A and B (")
        assert "% of the numbers of each)" in text.partition(".")[0]
    assert "A and B share" not in report.finding
    assert "parts that were not compared" in report.may_not_say
    assert "Lineage claim report: dependent (image towers only)" in report.citation.text
    assert any("No test looked at" in line and "'model.text_model'" in line for line in report.limitations)
    in_order(report, *paths)


def test_a_child_in_language_with_another_tower(tmp_path: Path) -> None:
    """The language models are related; of the towers nothing is found, and both are said."""
    parent = language(0)
    child = models.child(parent, 1, noise=0.05)
    paths = [
        write(tmp_path / "c", child, tower(1), config=WRAPPED),
        write(tmp_path / "p", parent, tower(2), config=WRAPPED),
    ]
    report = test_lineage(*paths)
    assert report.verdict == "dependent"
    assert report.finding.startswith("The language models of A and B (")
    assert "No evidence was found that the image towers of A and B (" in report.finding
    assert [part.verdict for part in report.parts] == ["dependent", "no_evidence"]
    page = report.to_markdown()
    assert "image tower `vision_tower.vision_model`" in page
    assert "said of" in page
    in_order(report, *paths)


def test_a_model_inside_another_is_compared_with_the_model(tmp_path: Path) -> None:
    """What one file alone holds is listed as such."""
    parent = language(0, "")
    child = {f"language_model.{name}": x for name, x in models.child(parent, 1, noise=0.05).items()}
    paths = [write(tmp_path / "c", child, tower(1), config=WRAPPED), write(tmp_path / "p", parent, config=CONFIG)]
    report = test_lineage(*paths)
    assert report.verdict == "dependent"
    assert by_names(report) == {("language_model.model", "whole"): "dependent"}
    assert "100% of B's" in report.finding
    assert "only in A" in report.to_markdown()
    in_order(report, *paths)


def test_a_shared_encoder_is_not_the_whole_model(tmp_path: Path) -> None:
    """Image models that share a frozen text encoder: the claim is of the encoder."""
    paths = [write(tmp_path / n, encoder(9), unknown(s), tokens=False) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    assert report.verdict == "dependent"
    assert report.finding.startswith("The text encoders of A and B (")
    assert any("denoiser 'model.diffusion_model'" in line for line in report.limitations)
    in_order(report, *paths)


def test_the_same_unknown_part_with_another_encoder_is_found(tmp_path: Path) -> None:
    """What is equal to the bit, and larger than what could be tested, is said first."""
    paths = [write(tmp_path / n, encoder(s), unknown(9), tokens=False) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    assert report.verdict == "no_evidence"
    assert report.finding.startswith("The denoisers of A and B (")
    assert report.finding.partition(".")[0].endswith("hold the same numbers to the last bit")
    assert by_names(report)["model.diffusion_model", "model.diffusion_model"] == "identical"
    assert any("may be a public component" in line for line in report.limitations)
    in_order(report, *paths)


def test_equal_tensors_inside_unequal_parts_are_listed(tmp_path: Path) -> None:
    """Bytes equal in name and shape are a finding, and what is equal everywhere is none."""
    rng = np.random.default_rng(0)
    both: dict[str, Any] = {
        "model.diffusion_model.shared.weight": matrix(rng, 40, 40),
        "model.diffusion_model.ones.weight": np.ones((400, 4), np.float32),
        "model.diffusion_model.zeros.weight": np.zeros((400, 4), np.float32),
        "model.diffusion_model.mask": np.tril(np.ones((40, 40), np.float32)),
        "model.diffusion_model.ids": np.arange(4096),
        "model.diffusion_model.few": matrix(rng, 5),
    }
    paths = [write(tmp_path / n, encoder(s), unknown(s), both, tokens=False) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    assert report.equal_tensors is not None
    assert (report.equal_tensors.tensors, report.equal_tensors.numbers) == (1, 1600)
    assert report.equal_tensors.names == ("model.diffusion_model.shared.weight",)
    assert "1 are equal in both to the last bit" in report.finding
    in_order(report, *paths)
    del both["model.diffusion_model.shared.weight"]
    paths = [write(tmp_path / n, encoder(s), unknown(s), both, tokens=False) for n, s in (("v", 0), ("w", 1))]
    assert test_lineage(*paths).equal_tensors is None


def test_a_part_that_holm_rejects_is_not_called_untestable() -> None:
    """Its p-value pays for the parts that were not rejected before it, which are fewer than all."""
    result = UNIT_IDENTITY(stranger(0), stranger(1)).model_copy(update={"attainable_log10_p": -3.2})
    assert decide([exact_line([result], holm([-50.0, -3.2])[1], 1e-3, parts=2)]) == "dependent"
    assert decide([exact_line([result], holm([-50.0, -2.9])[1], 1e-3, parts=2)]) == "untestable"


@pytest.mark.parametrize("name", ["model.rotary_emb.cos_cached", "freqs_cis", "audio.positional_table"])
def test_a_table_of_a_formula_is_not_called_weights(tmp_path: Path, name: str) -> None:
    """Strangers compute it alike, and nothing in it tells so; that it may be one is said where it is found."""
    table = {name: np.cos(np.outer(np.arange(256), 1e4 ** -(np.arange(8) / 8))).astype(np.float32)}
    paths = [write(tmp_path / n, language(s, ""), table, config=CONFIG) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    assert report.verdict == "no_evidence"
    assert "same weights" not in report.finding + report.may_say
    assert "hold the same numbers to the last bit. So many" in report.finding
    assert report.finding.endswith("or a table computed by a formula.")
    assert any("computed by a formula" in line for line in report.limitations)
    in_order(report, *paths)


def test_a_part_of_constants_alone_is_not_the_same_weights(tmp_path: Path) -> None:
    """Two parts of ones hold equal numbers, which says nothing."""
    ones = {f"vae.blocks.{i}.weight": np.ones((64, 64), np.float32) for i in range(3)}
    report = test_lineage(*(write(tmp_path / n, encoder(s), ones, tokens=False) for n, s in (("x", 0), ("y", 1))))
    assert by_names(report)["vae", "vae"] == "untestable"
    assert "same weights" not in report.finding


def test_three_towers_are_told_apart_by_name(tmp_path: Path) -> None:
    """Parts of one kind are paired by name and named in every sentence."""
    towers = [f"vision_{one}.vision_model." for one in "abc"]

    def of(seed: int, shared: str) -> list[dict[str, Array]]:
        return [tower(9 if name == shared else 10 * seed + n, name) for n, name in enumerate(towers)]

    paths = [write(tmp_path / n, language(s), *of(s, towers[1]), config=WRAPPED) for n, s in (("x", 1), ("y", 2))]
    report = test_lineage(*paths)
    assert {a: verdict for (a, b), verdict in by_names(report).items()} == {
        "language_model.model": "no_evidence",
        "vision_a.vision_model": "no_evidence",
        "vision_b.vision_model": "identical",
        "vision_c.vision_model": "no_evidence",
    }
    assert "The image towers 'vision_b.vision_model' of A and B" in report.finding
    in_order(report, *paths)


def test_p_values_are_paid_for_over_parts(tmp_path: Path) -> None:
    """The headline's p-value, and each part's, is Holm's over all pairs that a test applies to."""
    parent = language(0)
    child = models.child(parent, 1, noise=1.5)
    paths = [
        write(tmp_path / "c", child, tower(1), config=WRAPPED),
        write(tmp_path / "p", parent, tower(2), config=WRAPPED),
    ]
    report = test_lineage(*paths, searched=7)
    raw = [part.log10_p for part in report.parts if part.log10_p is not None]
    assert len(raw) == 2
    expected = [min(0.0, value + np.log10(7)) for value in holm(raw)]
    assert [part.adjusted_log10_p for part in report.parts] == pytest.approx(expected)
    assert report.log10_p == report.parts[0].adjusted_log10_p
    assert report.log10_p is not None
    assert raw[0] < report.log10_p < 0
    assert "2 pairs of parts" in report.multiplicity
    test = report.tests["unit_identity"]
    assert log10_alpha_of_one(1e-3, 5, 7, 2) == pytest.approx(log10_alpha_of_one(1e-3, 5, 7) - np.log10(2))
    assert test.detectable_share is not None


def test_most_of_both_models_is_said_of_the_models(tmp_path: Path) -> None:
    """From the stated share on, and then the part and its share stand beside the p-value; below, never."""
    for rest, plain in ((600, True), (6000, False)):
        extra = {"multi_modal_projector.weight": np.ones((rest, 1), np.float32)}
        paths = [write(tmp_path / f"{n}{rest}", language(s), extra, config=WRAPPED) for n, s in (("x", 0), ("y", 1))]
        text = test_lineage(*paths).finding
        assert ("A and B share" in text) == plain
        assert "language models" in text.partition(";")[0]


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_headline_of_the_whole_needs_most_of_both(own_a: int, rest_a: int, own_b: int, rest_b: int) -> None:
    """Whatever the sizes."""
    side_a, side_b = (
        (
            PartRecord(name="text", kind="text encoder", family="clip_text", numbers=own, tensors=1),
            PartRecord(name="unet", kind="denoiser", numbers=rest, tensors=1),
        )
        for own, rest in ((own_a, rest_a), (own_b, rest_b))
    )
    pair = Pair(side_a[0], side_b[0])
    said, _ = spoken_of(pair, side_a, side_b)
    most = min(own_a / (own_a + rest_a), own_b / (own_b + rest_b)) >= WHOLE
    assert said == (Phrase.of("pair") if most else said_of(pair, side_a, side_b))


def test_beside_another_model_a_part_is_named_whatever_its_share() -> None:
    """A large public tower is not the model, and neither is a language model beside a small tower."""
    for kind, beside in (("image tower", "language model"), ("language model", "image tower")):
        large = PartRecord(name="large", kind=kind, family="llama", numbers=97, tensors=1)
        small = PartRecord(name="small", kind=beside, family="llama", numbers=3, tensors=1)
        parts = (large, small)
        assert spoken_of(Pair(large, large), parts, parts)[0] == said_of(Pair(large, large), parts, parts)
        copy = small.model_copy(update={"kind": "EMA copy"})
        assert spoken_of(Pair(large, large), (large, copy), (large, copy))[0] == Phrase.of("pair")


# ---- pairing


PART = st.builds(
    PartRecord,
    name=st.sampled_from("abcd"),
    kind=st.sampled_from(["language model", "text encoder", "image tower", "EMA copy", "other"]),
    family=st.sampled_from(["", "llama", "clip_text"]),
    numbers=st.integers(0, 5),
    tensors=st.just(1),
)
MAIN = st.builds(
    PartRecord,
    name=st.just("main"),
    kind=st.sampled_from(["language model", "image tower"]),
    family=st.just("llama"),
    numbers=st.integers(0, 5),
    tensors=st.just(1),
)
INVENTORY = st.tuples(MAIN, st.lists(PART, max_size=4, unique_by=lambda part: part.name)).map(lambda x: (x[0], *x[1]))


@settings(max_examples=60)
@given(INVENTORY, INVENTORY)
def test_pairs_hold_each_part_once_and_begin_with_one_that_can_be_tested(
    a: tuple[PartRecord, ...], b: tuple[PartRecord, ...]
) -> None:
    """Whatever two files hold; and which side is called A does not matter."""
    pairs = paired(a, b)
    assert pairs[0].understood
    assert len({pair.a.name for pair in pairs}) == len({pair.b.name for pair in pairs}) == len(pairs)
    swapped = {(pair.b.name, pair.a.name) for pair in paired(b, a)}
    assert swapped == {(pair.a.name, pair.b.name) for pair in pairs}


# ---- fingerprints and replay


def test_parts_stand_in_the_fingerprint_file(tmp_path: Path) -> None:
    """Saved and read back, at every effort, and the same with workers."""
    path = write(tmp_path / "m", language(0), tower(0), unknown(0, "other_net."), config=WRAPPED)
    made = fingerprint(path)
    assert [part.record.part for part in made.parts] == ["vision_tower.vision_model"]
    made.save(tmp_path / "f.safetensors")
    for other in (Fingerprint.load(tmp_path / "f.safetensors"), fingerprint(path, workers=2)):
        assert other.to_bytes() == made.to_bytes()
    for effort in ("standard", "screen"):
        lesser = fingerprint(path, effort=effort)
        assert all(part.sha256 is None for part in lesser.record.parts)
        assert all(tensor.sha256 is None for tensor in lesser.record.rest)
        for one, other in zip((lesser, *lesser.parts), (made.at(effort), *made.at(effort).parts), strict=True):
            assert one.arrays.keys() == other.arrays.keys()
            for name, array in one.arrays.items():
                np.testing.assert_array_equal(array, other.arrays[name])
    report = test_lineage(tmp_path / "f.safetensors", path, effort="standard")
    assert replay(report).agrees


def test_a_part_alone_can_be_read(tmp_path: Path) -> None:
    """By its name; another name is an error that lists those there are."""
    path = write(tmp_path, language(0), tower(0), config=WRAPPED)
    part = fingerprint(Location(str(path), part="vision_tower.vision_model"))
    assert part.record.architecture.family == "clip_vision"
    whole_file = fingerprint(path)
    for name, array in whole_file.parts[0].arrays.items():
        np.testing.assert_array_equal(part.arrays[name], array)
    with pytest.raises(CheckpointError, match=r"no part 'nose'.*'language_model.model'"):
        open_checkpoint(Location(str(path), part="nose"))


def test_weights_equal_under_other_prefixes_are_the_same(tmp_path: Path) -> None:
    """The digest of a part does not depend on what its names begin with."""
    x = write(tmp_path / "x", language(0), tower(9), unknown(9, "a_unet."), config=WRAPPED)
    y = write(tmp_path / "y", language(1), tower(9, "visual.vision_model."), unknown(9, "unet."), config=WRAPPED)
    report = test_lineage(x, y)
    assert by_names(report)["vision_tower.vision_model", "visual.vision_model"] == "identical"
    assert by_names(report)["a_unet", "unet"] == "identical"


STRANGE = {"name": "x", "part": "x", "dtype": "F32", "telling": True}
FIRST = "part.0.units.0.mlp.up"
NINE = np.full((1, 24, 32), 9, np.float16)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("main", lambda main: main.pop("further")),
        ("main", lambda main: main.update(further=3)),
        ("main", lambda main: main.update(further=[[[]]])),
        ("arrays", lambda arrays: arrays.pop(FIRST)),
        ("arrays", lambda arrays: arrays.update({"part.1.units.0.mlp.up": arrays[FIRST]})),
        ("arrays", lambda arrays: arrays.update({FIRST: NINE})),
        ("further", lambda parts: parts[0].update(name="another")),
        ("further", lambda parts: parts[0].update(part="language_model.model")),
        ("further", lambda parts: parts.append(parts[0])),
        ("main", lambda main: main["parts"].append(main["parts"][0])),
        ("main", lambda main: main["parts"][0].update(numbers=-1)),
        ("main", lambda main: main["parts"][0].update(family="gpt2")),
        ("main", lambda main: main.update(part="nose")),
        ("main", lambda main: main["parts"].reverse()),
        ("main", lambda main: main["parts"][1].update(family="gpt2")),
        ("main", lambda main: main["parts"][1].update(kind="copy of B, as its maker admits")),
        ("main", lambda main: main["parts"][1].update(numbers=(1 << 53) - 1)),
        ("main", lambda main: main.update(rest=[STRANGE | {"shape": [1 << 52] * 100}])),
        ("main", lambda main: main["parts"].extend(_many_parts(200))),
    ],
)
def test_a_fingerprint_whose_parts_do_not_agree_is_refused(tmp_path: Path, what: str, change: Any) -> None:
    """Records, arrays and inventory describe one another."""
    fingerprint(write(tmp_path / "m", language(0), tower(0), config=WRAPPED)).save(tmp_path / "f.safetensors")
    content = (tmp_path / "f.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])["__metadata__"]
    arrays = load_file(tmp_path / "f.safetensors")
    record = json.loads(head["verify.fingerprint"])
    change({"main": record, "further": record["further"], "arrays": arrays}[what])
    head["verify.fingerprint"] = json.dumps(record)
    save_file(arrays, tmp_path / "g.safetensors", metadata=head)
    with pytest.raises(FingerprintError, match=r"g\.safetensors"):
        Fingerprint.load(tmp_path / "g.safetensors")


def _many_parts(number: int) -> list[dict[str, Any]]:
    return [PartRecord(name=f"p{n}", kind="other", numbers=1, tensors=1).model_dump() for n in range(number)]


def test_a_report_whose_parts_do_not_follow_is_noticed(tmp_path: Path) -> None:
    """Counts, p-values, verdicts, pairs and subjects of further parts are made again from the record."""
    paths = [write(tmp_path / n, language(s), tower(s), config=WRAPPED) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    first, second = report.parts
    unit = second.tests["unit_identity"]
    few = unit.model_copy(update={"counts": tuple(c.model_copy(update={"count": c.n}) for c in unit.counts)})
    named = report.a.parts[0].model_copy(update={"kind": "copy of B"})
    forged: list[dict[str, Any]] = [
        {"parts": (first, second.model_copy(update={"verdict": "dependent"}))},
        {"parts": (first, second.model_copy(update={"log10_p": -9.0}))},
        {"parts": (first, second.model_copy(update={"tests": {**second.tests, "unit_identity": few}}))},
        {"parts": (first, second.model_copy(update={"subject_a": None}))},
        {"parts": (first,)},
        {"parts": ()},
        {"a": report.a.model_copy(update={"part": "vision_tower.vision_model"})},
        {"a": report.a.model_copy(update={"parts": ()})},
        {"a": report.a.model_copy(update={"parts": (named, *report.a.parts[1:])})},
        {"a": report.a.model_copy(update={"parts": report.a.parts[::-1] * 2})},
        {"a": report.a.model_copy(update={"parts": (report.a.parts[1], report.a.parts[1])})},
        {"log10_p": -9.0},
    ]
    for change in forged:
        assert not replay(report.model_copy(update=change).sealed()).agrees, change
    shrunk = report.a.parts[0].model_copy(update={"numbers": 1})
    made, _ = recompute(
        report.model_copy(update={"a": report.a.model_copy(update={"parts": (shrunk, *report.a.parts[1:])})})
    )
    assert made.finding != report.finding


def test_a_screen_says_that_it_compares_main_parts(tmp_path: Path) -> None:
    """And which models have others."""
    x = write(tmp_path / "x", language(0), tower(9), config=WRAPPED)
    y = write(tmp_path / "y", language(1, ""), config=CONFIG)
    (line,) = [s for s in screen([x, y]).record.statements if "several parts" in s]
    assert line.endswith(": x.")


# ---- hostile files


def header(shapes: dict[str, tuple[int, ...]]) -> bytes:
    at, entries = 0, {}
    for name, shape in shapes.items():
        size = 4 * int(np.prod(shape))
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return raw_safetensors(entries, bytes(at))


def test_more_models_in_one_file_than_anybody_publishes(tmp_path: Path) -> None:
    """One sentence, before anything is read or compared."""
    shapes = {f"m{n}.{name}": (1,) * x.ndim for n in range(300) for name, x in language(0, "").items()}
    (tmp_path / "model.safetensors").write_bytes(header(shapes))
    with pytest.raises(CheckpointError, match=f"more than {MOST_PARTS}"):
        open_checkpoint(tmp_path)


def test_thousands_of_parts_that_nothing_understands(tmp_path: Path) -> None:
    """The largest are named, the others counted together, and no number is lost."""
    shapes = {name: x.shape for name, x in language(0, "").items()}
    shapes |= {f"thing{n}.block.0.weight": (1 + n % 7,) for n in range(3000)}
    shapes |= {".".join(["vision"] * n) + ".0.weight": (3,) for n in range(1, 60)}
    (tmp_path / "model.safetensors").write_bytes(header(shapes))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    checkpoint = open_checkpoint(tmp_path)
    assert len(checkpoint.parts) == 1 + MOST_GROUPS + 1
    assert sum(part.numbers for part in checkpoint.parts) == sum(int(np.prod(shape)) for shape in shapes.values())
    assert sum(part.tensors for part in checkpoint.parts) == len(shapes)


NAMES = st.lists(
    st.sampled_from(
        [
            "model",
            "vision",
            "layers",
            "0",
            "1",
            "ema",
            "mtp",
            "",
            "inside model",
            "beside",
            "weight",
            "whole",
            "no prefix",
        ]
    ),
    min_size=1,
    max_size=6,
).map(".".join)


@settings(max_examples=40, deadline=None)
@given(st.sets(NAMES, max_size=12))
def test_every_tensor_is_in_one_part(names: set[str]) -> None:
    """Whatever they are called; parts have different names and count every number once."""
    shapes: dict[str, tuple[int, ...]] = {name: x.shape for name, x in language(0, "").items()}
    shapes |= dict.fromkeys(names, (3, 5))
    division = divide(understood("m", shapes, CONFIG), shapes)
    assert len({part.name for part in division.parts}) == len(division.parts)
    assert sum(part.tensors for part in division.parts) == len(shapes)
    assert sum(part.numbers for part in division.parts) == sum(int(np.prod(shape)) for shape in shapes.values())
    held = [name for names in division.groups.values() for name in names]
    assert len(held) == len(set(held))


def test_kinds_by_words() -> None:
    """A word before any number tells, the first that does; others are named by how they begin."""
    assert kind_of("model.mm_projector.0.weight") == ("projector", "model.mm_projector")
    assert kind_of("model.layers.0.vision.weight") == (None, "model.layers")
    assert kind_of("net.blocks.0.weight") == (None, "net")
    assert kind_of("bias") == (None, "no prefix")
