"""Heads that fused rows and numbers must agree on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from tests.checkpoints import WITHOUT_HEADS, write_checkpoint
from tests.families import PUBLISHED, refused, toy
from tests.models import VOCABULARY, child
from tests.published import WIDTH
from tests.reports import words
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.wording import say

FUSED_BY_HEADS = ("phi3", "gpt_neox", "internlm2", "falcon", "chatglm", "bloom")


@pytest.mark.parametrize("family", FUSED_BY_HEADS)
def test_fused_heads_need_their_number(tmp_path: Path, family: str) -> None:
    """Which rows are whose is not in the tensors: without the counts in config.json, one sentence says so."""
    facts, keys = PUBLISHED[family], ("num_attention_heads", "n_head", "num_key_value_heads", "multi_query_group_num")
    for n, key in enumerate(key for key in keys if key in facts.config):
        model = toy(family).configured(**{key: None})
        with pytest.raises(CheckpointError, match=rf"does not say .*{key}.* cannot be taken apart"):
            open_checkpoint(write_checkpoint(tmp_path / str(n), model))


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("internlm2", {"num_key_value_heads": 0}, "does not say num_key_value_heads"),
        ("phi3", {"num_key_value_heads": "2"}, "expected a count"),
    ],
)
def test_numbers_of_heads_that_cannot_be(tmp_path: Path, family: str, changes: dict[str, Any], message: str) -> None:
    """Without a count the fused rows cannot be taken apart."""
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(write_checkpoint(tmp_path, toy(family).configured(**changes)))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("internlm2", {"num_key_value_heads": 3}),
        ("phi3", {"num_attention_heads": 10}),
        ("gpt_neox", {"num_attention_heads": 2**31 - 1}),
        ("phi3", {"num_key_value_heads": 4}),
        ("falcon", {"num_attention_heads": 2}),
        ("falcon", {"num_attention_heads": 8}),
    ],
)
def test_numbers_of_heads_that_do_not_fit_fused_rows_cost_what_is_known_of_heads(
    tmp_path: Path, family: str, changes: dict[str, Any]
) -> None:
    """They are not rounded; rows that a wrong number happens to divide still do not fit the columns of o."""
    plain = open_checkpoint(write_checkpoint(tmp_path / "plain", toy(family))).architecture
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "other", toy(family).configured(**changes)))
    assert checkpoint.architecture == plain.model_copy(update=WITHOUT_HEADS)
    assert any("heads were taken as not known" in say(note) for note in checkpoint.notes)
    assert not any(checkpoint.has(role, 0) for role in "qkv")


def test_without_heads_the_tests_of_values_are_lost_and_no_others(tmp_path: Path) -> None:
    """A lone weight file of plain matrices is compared by its units; how many heads there are is not guessed."""
    files = {"vocab.json": json.dumps(VOCABULARY)}
    models = [toy("mixtral"), toy("mixtral")]
    models[1] = replace(models[1], tensors=child(models[1].tensors, seed=1))
    prints = [
        verify.fingerprint(
            write_checkpoint(tmp_path / str(n), model.configured(num_attention_heads=None), files=files)
        )
        for n, model in enumerate(models)
    ]
    shape = prints[0].record.architecture
    assert (shape.heads, shape.kv_heads, shape.head_size, shape.linear_values) == (0, 0, 0, False)
    report = verify.test_lineage(*prints)
    assert report.verdict == "dependent"
    reasons = {test.id: words(test.reason) for test in report.tests.values() if not test.applicable}
    of_heads = reasons.keys() - refused("mixtral").keys() | {"query_key_identity"}
    assert of_heads == {"value_identity", "head_identity", "rotary_phase", "query_key_identity"}
    assert all("attention heads of A is not known" in reasons[test] for test in of_heads)
    path = tmp_path / "print.safetensors"
    prints[0].save(path)
    assert verify.Fingerprint.load(path).record == prints[0].record


def test_bytes_read_of_interleaved_heads_are_those_asked_for(tmp_path: Path) -> None:
    """Three rows of an interleaved tensor cost three rows."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy("bloom"), dtype="BF16"))
    checkpoint.read("v", 0, rows=np.array([0, 3, 5]))
    assert checkpoint.bytes_read == 3 * WIDTH * 2
