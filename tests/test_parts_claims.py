"""A claim names the parts that were compared, and is paid for over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import models
from tests.checkpoints import Array
from tests.parts import CONFIG, VISION, WRAPPED, by_names, language, matrix, tower, unknown, write
from tests.strategies import stranger
from verify import replay, test_lineage
from verify.base import Phrase
from verify.claim import ClaimReport
from verify.claim.conclude import log10_alpha_of_one
from verify.claim.evidence import decide, exact_line
from verify.claim.parts import WHOLE, Pair, paired
from verify.claim.said_of_parts import said_of, spoken_of
from verify.fingerprint import PartRecord
from verify.inference import holm
from verify.statistics import UNIT_IDENTITY


def encoder(seed: int, prefix: str = "cond_stage_model.transformer.text_model.") -> dict[str, Array]:
    embed = {f"{prefix}embeddings.token_embedding.weight": matrix(np.random.default_rng([seed, 2]), 64, 16)}
    return tower(seed, prefix, hidden=64, layers=3) | embed


def in_order(report: ClaimReport, *models_: Path) -> None:
    """A report replays from the record alone, from its bytes, and with weights."""
    assert replay(report).disagreements == ()
    assert ClaimReport.from_json(report.to_json()) == report
    assert replay(report, *models_).disagreements == ()


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
    assert "Lineage report on x and y: the same in part (image towers only)" in report.citation.text
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
    assert report.answer.word == "RELATED IN PART"
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
