"""Families beyond the first: every tensor recovered, the architecture as published, relatives found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import verify
from tests.checkpoints import write_checkpoint
from tests.families import PUBLISHED, refused, toy
from tests.models import VOCABULARY, child
from tests.published import HIDDEN, LAYERS, VOCAB, WIDTH
from tests.reports import words
from verify.checkpoint import open_checkpoint
from verify.wording import say


@pytest.mark.parametrize("family", PUBLISHED)
def test_every_tensor_is_recovered_exactly(tmp_path: Path, family: str) -> None:
    """Fused tensors come apart into what they were built from, whole or by rows; nothing more is found."""
    model = toy(family)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    for key, expected in model.canonical.items():
        assert checkpoint.shape(*key) == expected.shape
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
        for rows in (np.array([5, 0, 2, 2]) % len(expected), slice(1, 3), slice(len(expected) - 1, 999)):
            np.testing.assert_array_equal(checkpoint.read(*key, rows=rows), expected[rows])
    assert {key for layer in (None, *range(2 * LAYERS)) for key in checkpoint.keys(layer)} == set(model.canonical)
    assert checkpoint.unrecognised == ()
    assert checkpoint.outside == tuple(sorted(PUBLISHED[family].rest))


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_architecture_is_the_published_one(tmp_path: Path, family: str) -> None:
    """Symmetries are those of what the family computes: an MLP is odd in up where it is gated."""
    facts = PUBLISHED[family]
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy(family)))
    found, (heads, size) = checkpoint.architecture, facts.heads
    assert found.family == (facts.named or family)
    assert found.model_type == (family if facts.model_type == "" else facts.model_type or "")
    vocab = VOCAB if "embed" in facts.globals.values() else 0
    layers = facts.layers * (1 + len(facts.further))
    assert (found.layers, found.width, found.vocab, found.heads) == (layers, WIDTH, vocab, heads)
    assert (found.kv_heads, found.head_size) == (facts.kv_heads if size else 0, size)
    sizes = (found.hidden, found.experts, found.expert_hidden, found.shared_hidden)
    assert sizes == facts.sizes
    assert (found.norm, found.norm_offset, found.post_norm) == (facts.norm, facts.offset, facts.post_norm)
    assert found.gated == found.odd_in_up == facts.gated
    assert found.linear_values == (size > 0)
    assert found.positions == facts.positions
    assert found.tied_embeddings == facts.tied
    for sublayer, role in (("attn", facts.before_attn), ("mlp", facts.before_mlp)):
        last = facts.layers - 1
        layer = last - 1 if role == "norm_out" else last
        assert checkpoint.norm_before(sublayer, last) == (None if role is None else (role, layer))


@pytest.mark.slow
@pytest.mark.parametrize("family", PUBLISHED)
def test_a_child_is_dependent_and_a_stranger_is_not(tmp_path: Path, family: str) -> None:
    """Weights with a little noise are told from weights of another seed; a test that does not apply says why."""
    parent, files = toy(family), {"vocab.json": json.dumps(VOCABULARY)}
    models = {
        "parent": parent,
        "child": replace(parent, tensors=child(parent.tensors, seed=1)),
        "stranger": toy(family, seed=2),
    }
    prints = {
        name: verify.fingerprint(write_checkpoint(tmp_path / name, model, files=files))
        for name, model in models.items()
    }
    near = verify.test_lineage(prints["child"], prints["parent"])
    far = verify.test_lineage(prints["stranger"], prints["parent"])
    assert (near.verdict, far.verdict) == ("dependent", "no_evidence")
    for report in (near, far):
        assert verify.replay(report).agrees
        reasons = {test.id: words(test.reason) for test in report.tests.values() if not test.applicable}
        assert reasons.keys() == refused(family).keys()
        for test, reason in refused(family).items():
            assert re.search(reason, reasons[test] or "")


def test_sinusoidal_positions_are_fixed_vectors(tmp_path: Path) -> None:
    """A DistilBERT made with sinusoidal positions shares them with every other."""
    model = toy("distilbert").configured(sinusoidal_pos_embds=True)
    assert open_checkpoint(write_checkpoint(tmp_path, model)).architecture.positions == "sinusoidal"


def test_baichuan_13b_has_no_rotary_positions(tmp_path: Path) -> None:
    """Its config.json gives model_max_length in place of max_position_embeddings."""
    model = toy("baichuan").configured(max_position_embeddings=None, model_max_length=64)
    assert open_checkpoint(write_checkpoint(tmp_path, model)).architecture.positions == "none"


@pytest.mark.parametrize("family", ["gemma", "opt", "falcon", "mpt", "bloom"])
def test_tied_without_saying_so(tmp_path: Path, family: str) -> None:
    """A copy in the file is stale where the family ties, unless config.json says otherwise."""
    model = toy(family).adding(**{"lm_head.weight": np.ones((VOCAB, WIDTH), np.float32)})
    assert open_checkpoint(write_checkpoint(tmp_path / "silent", model)).architecture.tied_embeddings
    untied = write_checkpoint(tmp_path / "untied", model.configured(tie_word_embeddings=False))
    assert not open_checkpoint(untied).architecture.tied_embeddings


ALONE = ("mixtral", "qwen3_moe", "phi3", "gpt_neox", "olmo2", "internlm2", "opt", "gptj", "mpt", "baichuan")


@pytest.mark.parametrize("family", [*ALONE, "qwen", "distilbert", "bloom", "gemma2", "gemma3_text"])
def test_names_tell_most_families(tmp_path: Path, family: str) -> None:
    """Without a declared type the table that understands most is taken; no symmetry of signs or values is assumed."""
    found = open_checkpoint(write_checkpoint(tmp_path, toy(family).configured(model_type=None))).architecture
    assert (found.family, found.positions) == ("gemma2" if family == "gemma3_text" else family, "unknown")
    assert not found.odd_in_up
    assert not found.linear_values


@pytest.mark.parametrize("family", ["olmo", "falcon"])
def test_what_no_table_may_claim_by_names_is_inferred(tmp_path: Path, family: str) -> None:
    """Their names are a part of another family's: MLPs are read, and nothing is assumed of the rest."""
    found = open_checkpoint(write_checkpoint(tmp_path, toy(family).configured(model_type=None))).architecture
    assert (found.family, found.hidden, found.positions) == ("inferred", HIDDEN, "unknown")
    assert not found.odd_in_up
    assert not found.linear_values


def test_a_falcon_of_groups_is_not_read_as_a_falcon_7b(tmp_path: Path) -> None:
    """Rows that fit one kv head are not those of groups, and a wrong declaration is caught by them."""
    model = toy("falcon 11b").configured(new_decoder_architecture=False)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    assert checkpoint.architecture.heads == 0
    assert any("do not fit the fused rows" in say(note) for note in checkpoint.notes)
