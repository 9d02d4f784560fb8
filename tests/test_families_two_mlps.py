"""Blocks with two MLPs: the second is read as the shared one, and hidden units are all that is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checkpoints import Array, Toy, write_checkpoint
from verify.checkpoint import Checkpoint, open_checkpoint

WIDTH, HIDDEN, BLOCKS = 16, 40, 3
NAMES = {
    "mmdit": ("transformer_blocks.{}.ff.net.{}", "transformer_blocks.{}.ff_context.net.{}", "0.proj", "2"),
    "qwen_image": ("transformer_blocks.{}.img_mlp.net.{}", "transformer_blocks.{}.txt_mlp.net.{}", "0.proj", "2"),
    "flux": ("double_blocks.{}.img_mlp.{}", "double_blocks.{}.txt_mlp.{}", "0", "2"),
    "flux2": ("transformer_blocks.{}.ff.{}", "transformer_blocks.{}.ff_context.{}", "linear_in", "linear_out"),
    "conformer": ("encoder.layers.{}.ffn1.{}", "encoder.layers.{}.ffn2.{}", "intermediate_dense", "output_dense"),
    "parakeet": ("encoder.layers.{}.feed_forward1.{}", "encoder.layers.{}.feed_forward2.{}", "linear1", "linear2"),
    "granite_speech": ("encoder.layers.{}.ff1.{}", "encoder.layers.{}.ff2.{}", "up_proj", "down_proj"),
}


def blocks(family: str) -> dict[str, Array]:
    """Both MLPs of every block, and a norm of its stream."""
    first, second, up, down = NAMES[family]
    rng, factor, tensors = np.random.default_rng(0), 2 if family == "flux2" else 1, dict[str, Array]()
    for i in range(BLOCKS):
        for name in (first, second):
            tensors[name.format(i, up) + ".weight"] = rng.standard_normal((factor * HIDDEN, WIDTH), np.float32)
            tensors[name.format(i, down) + ".weight"] = rng.standard_normal((WIDTH, HIDDEN), np.float32)
        tensors[first.partition("{}")[0] + f"{i}.norm1.weight"] = np.ones(WIDTH, np.float32)
    return tensors


def opened(tensors: dict[str, Array], folder: Path) -> Checkpoint:
    """A model without config.json."""
    return open_checkpoint(write_checkpoint(folder, Toy(tensors, {}, {})))


@pytest.mark.parametrize("family", NAMES)
def test_both_mlps_of_a_block_are_read(tmp_path: Path, family: str) -> None:
    """Whatever stands before the names; nothing but hidden units is taken to be symmetric."""
    tensors = blocks(family)
    checkpoint, shape = (one := opened(tensors, tmp_path)), one.architecture
    assert (shape.family, shape.layers, shape.hidden, shape.shared_hidden) == (family, BLOCKS, HIDDEN, HIDDEN)
    assert (shape.odd_in_up, shape.linear_values, shape.positions, shape.kv_heads) == (False, False, "unknown", 0)
    first, second, up, down = NAMES[family]
    for prefix, name in (("", first), ("shared_", second)):
        stored = tensors[name.format(1, up) + ".weight"]
        np.testing.assert_array_equal(checkpoint.read(f"{prefix}up", 1), stored[-HIDDEN:])
        np.testing.assert_array_equal(checkpoint.read(f"{prefix}down", 1), tensors[name.format(1, down) + ".weight"])
        if family == "flux2":
            np.testing.assert_array_equal(checkpoint.read(f"{prefix}gate", 1), stored[:HIDDEN])


def test_the_last_block_may_have_no_mlp_for_text(tmp_path: Path) -> None:
    """As in Stable Diffusion 3."""
    tensors = {name: x for name, x in blocks("mmdit").items() if f"{BLOCKS - 1}.ff_context" not in name}
    checkpoint = opened(tensors, tmp_path)
    assert checkpoint.architecture.layers == BLOCKS
    assert not checkpoint.has("shared_up", BLOCKS - 1)


def test_blocks_with_one_mlp_are_inferred(tmp_path: Path) -> None:
    """Without MLPs for text no table of two fits."""
    tensors = {name: x for name, x in blocks("mmdit").items() if "ff_context" not in name}
    assert opened(tensors, tmp_path).architecture.family == "inferred"
