"""RWKV 5 to 7: hidden units are compared, whatever the names, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import verify
from tests import rwkv
from tests.checkpoints import Toy, write_checkpoint
from tests.models import child
from verify.checkpoint import open_checkpoint

MAKERS: list[tuple[Callable[[int, int], Toy], int, tuple[str, str]]] = [
    (rwkv.hub, 5, ("rwkv", "rwkv.blocks.1.feed_forward.")),
    (rwkv.hub, 6, ("rwkv", "rwkv.blocks.1.feed_forward.")),
    (rwkv.original, 5, ("rwkv_original", "blocks.1.ffn.")),
    (rwkv.original, 6, ("rwkv_original", "blocks.1.ffn.")),
    (rwkv.original, 7, ("rwkv_original", "blocks.1.ffn.")),
    (rwkv.fla, 6, ("rwkv_fla", "model.layers.1.ffn.")),
    (rwkv.fla, 7, ("rwkv_fla", "model.layers.1.ffn.")),
]
EACH = pytest.mark.parametrize(("make", "version", "table"), MAKERS)


@EACH
def test_each_set_of_names_is_read_whole(
    tmp_path: Path, make: Callable[[int, int], Toy], version: int, table: tuple[str, str]
) -> None:
    """Every tensor is understood; a child is found by its units, and a stranger is not."""
    parent = make(version, 0)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path / "m", parent))
    assert (checkpoint.architecture.family, checkpoint.architecture.hidden) == (table[0], rwkv.HIDDEN)
    assert checkpoint.unrecognised == ()
    a, b, c = (
        verify.fingerprint(write_checkpoint(tmp_path / name, model))
        for name, model in (
            ("a", parent),
            ("b", replace(parent, tensors=child(parent.tensors, seed=1))),
            ("c", make(version, 2)),
        )
    )
    near, far = verify.test_lineage(b, a), verify.test_lineage(c, a)
    assert {test.id for test in near.tests.values() if test.applicable} <= {"unit_identity", "response_identity"}
    assert (near.verdict, far.verdict) == ("dependent", "no_evidence")


@EACH
def test_units_are_exchangeable_and_their_signs_are_not(
    make: Callable[[int, int], Toy], version: int, table: tuple[str, str]
) -> None:
    """By a forward pass of an MLP."""
    tensors, rng, at = dict(make(version, 0).tensors), np.random.default_rng(0), table[1]
    x, order = rng.standard_normal((6, rwkv.WIDTH)), rng.permutation(rwkv.HIDDEN)
    key = next(name for name in tensors if name.startswith(f"{at}key.") and name.endswith("weight"))
    before = rwkv.mlp_outputs(tensors, at, x)
    moved = tensors | {key: tensors[key][order]}
    assert np.abs(rwkv.mlp_outputs(moved, at, x) - before).max() > 1e-2
    moved |= {f"{at}value.weight": tensors[f"{at}value.weight"][:, order]}
    np.testing.assert_allclose(rwkv.mlp_outputs(moved, at, x), before, atol=1e-9)
    flipped = tensors | {name: -tensors[name] for name in (key, f"{at}value.weight")}
    assert np.abs(rwkv.mlp_outputs(flipped, at, x) - before).max() > 1e-2


def test_value_channels_have_an_order_and_no_signs() -> None:
    """By a forward pass of RWKV 5: a norm of each head subtracts a mean, so that no test of values applies."""
    tensors, rng, at = dict(rwkv.hub(5, 0).tensors), np.random.default_rng(0), "rwkv.blocks.1.attention."
    x = rng.standard_normal((6, rwkv.WIDTH))
    order = np.concatenate([h * rwkv.SIZE + rng.permutation(rwkv.SIZE) for h in range(rwkv.HEADS)])
    before = rwkv.time_mixing(tensors, at, x)
    rows = ("value.weight", "gate.weight", "ln_x.weight", "ln_x.bias")
    moved = tensors | {at + name: tensors[at + name][order] for name in rows}
    moved |= {f"{at}output.weight": tensors[f"{at}output.weight"][:, order]}
    np.testing.assert_allclose(rwkv.time_mixing(moved, at, x), before, atol=1e-9)
    sign = rng.choice([-1, 1], rwkv.WIDTH).astype(np.float32)
    signed = tensors | {
        f"{at}value.weight": tensors[f"{at}value.weight"] * sign[:, None],
        f"{at}ln_x.bias": tensors[f"{at}ln_x.bias"] * sign,
        f"{at}output.weight": tensors[f"{at}output.weight"] * sign,
    }
    assert np.abs(rwkv.time_mixing(signed, at, x) - before).max() > 1e-2
