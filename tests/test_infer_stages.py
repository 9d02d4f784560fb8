"""Layers numbered inside numbered stages are inferred, one part for each width, or left out where in doubt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import verify
from tests.checkpoints import Array, Toy, write_checkpoint
from verify.checkpoint import open_checkpoint
from verify.checkpoint.layouts.infer import infer_stages

STAGES = ((0, 16, 2), (1, 24, 3), (2, 16, 1))
"""Number, width and layers of each stage of a model whose last stage is as wide as its first."""


def shapes(up: str, down: str, factor: int = 4) -> dict[str, tuple[int, ...]]:
    """Norms and MLPs of a model of stages, and what lies between them."""
    found: dict[str, tuple[int, ...]] = {"stem.weight": (16, 3, 4, 4), "head.weight": (10, 16)}
    for stage, width, layers in STAGES:
        found[f"net.stages.{stage}.downsample.reduction.weight"] = (width, 40)
        for i in range(layers):
            at = f"net.stages.{stage}.blocks.{i}."
            found |= {
                f"{at}norm.weight": (width,),
                f"{at}{up}.weight": (factor * width, width),
                f"{at}{up}.bias": (factor * width,),
                f"{at}{down}.weight": (width, 4 * width),
            }
    return found


def drawn(named: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Array]:
    """Random tensors of some shapes."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in named.items()}


@pytest.mark.parametrize(
    ("up", "down"), [("mlp.fc1", "mlp.fc2"), ("pwconv1", "pwconv2"), ("ff.net.0.proj", "ff.net.2")]
)
def test_each_width_is_a_part_and_stages_of_one_width_follow_one_another(tmp_path: Path, up: str, down: str) -> None:
    """Only hidden units are compared, as in all that is inferred; every other tensor is left out, and counted."""
    tensors = drawn(shapes(up, down))
    main = open_checkpoint(write_checkpoint(tmp_path, Toy(tensors, {}, {})))
    (other,) = main.further()
    assert [(one.architecture.width, one.architecture.layers) for one in (main, other)] == [(24, 3), (16, 3)]
    assert [one.part.name for one in (main, other)] == ["net.stages.1.blocks", "net.stages.0.blocks"]
    for one, places in ((main, [(1, 0), (1, 1), (1, 2)]), (other, [(0, 0), (0, 1), (2, 0)])):
        shape = one.architecture
        assert (shape.family, shape.odd_in_up, shape.linear_values, shape.kv_heads) == ("inferred", False, False, 0)
        assert shape.hidden == 4 * shape.width
        for layer, (stage, i) in enumerate(places):
            at = f"net.stages.{stage}.blocks.{i}."
            np.testing.assert_array_equal(one.read("up", layer), tensors[f"{at}{up}.weight"])
            np.testing.assert_array_equal(one.read("down", layer), tensors[f"{at}{down}.weight"])
    assert sum(part.numbers for part in main.parts) == sum(x.size for x in tensors.values())


def test_up_and_gate_of_diffusers_are_the_halves_of_one_tensor(tmp_path: Path) -> None:
    """A tensor with two rows for each hidden unit holds up, then the gate."""
    tensors = drawn(shapes("ff.net.0.proj", "ff.net.2", factor=8))
    main = open_checkpoint(write_checkpoint(tmp_path, Toy(tensors, {}, {})))
    stored = tensors["net.stages.1.blocks.2.ff.net.0.proj.weight"]
    np.testing.assert_array_equal(main.read("up", 2), stored[: 4 * 24])
    np.testing.assert_array_equal(main.read("gate", 2), stored[4 * 24 :])
    assert (main.architecture.gated, main.architecture.odd_in_up) == (True, False)


def test_a_child_is_dependent_and_a_stranger_is_not(tmp_path: Path) -> None:
    """Parts are paired by their names, and hidden units alone tell."""
    named = shapes("mlp.fc1", "mlp.fc2")
    parent, noise, other = (drawn(named, seed) for seed in (0, 1, 2))
    models = {"parent": parent, "child": {name: x + 0.05 * noise[name] for name, x in parent.items()}, "other": other}
    prints = {
        name: verify.fingerprint(write_checkpoint(tmp_path / name, Toy(tensors, {}, {})))
        for name, tensors in models.items()
    }
    near = verify.test_lineage(prints["child"], prints["parent"])
    assert near.verdict == "dependent"
    assert {test.id for test in near.tests.values() if test.applicable} == {"unit_identity"}
    assert sum(part.verdict == "dependent" for part in near.parts) == 2
    assert verify.test_lineage(prints["other"], prints["parent"]).verdict == "no_evidence"


@pytest.mark.parametrize(
    "changed",
    [
        {"other_norm.weight": (64,)},  # as long as its hidden units
        {"mlp.fc1.weight": (16, 16), "mlp.fc2.weight": (16, 16)},
        {"mlp.fc1.weight": (48, 16)},
        {"other.fc1.weight": (64, 16), "other.fc2.weight": (16, 64)},
    ],
)
def test_a_stage_in_doubt_is_left_out(changed: dict[str, tuple[int, ...]]) -> None:
    """What :func:`infer` would refuse is not read; the stages beside it are."""
    named = shapes("mlp.fc1", "mlp.fc2")
    whole = infer_stages(named)
    for stage, width, layers in STAGES:
        if width == 16:
            named |= {
                f"net.stages.{stage}.blocks.{i}.{name}": x for i in range(layers) for name, x in changed.items()
            }
    (left,) = infer_stages(named)
    assert len(whole) == 2
    assert (left.layer, left.stacks) == next(
        (one.layer, one.stacks) for one in whole if "stages.1." in str(one.layer)
    )


def test_layers_outside_stages_are_not_stages() -> None:
    """One number in a name, or one that counts experts, is no stage."""
    mlp = {"fc1.weight": (8, 4), "fc2.weight": (4, 8)}
    named = {f"net.blocks.{i}.{name}": x for i in range(2) for name, x in mlp.items()}
    experts = {name.replace(".fc", ".experts.0.fc"): x for name, x in named.items()}
    assert infer_stages(named | experts | {"net.blocks.0.norm.weight": (4,)}) == []


def test_convolutions_of_1_by_1_are_matrices(tmp_path: Path) -> None:
    """As in the small models of ConvNeXt V2; the same arrays are kept as of matrices."""
    plain = drawn(shapes("mlp.fc1", "mlp.fc2"))
    pointwise = {name: x[:, :, None, None] if ".mlp." in name and x.ndim == 2 else x for name, x in plain.items()}
    one, other = (
        verify.fingerprint(write_checkpoint(tmp_path / name, Toy(tensors, {}, {})))
        for name, tensors in (("plain", plain), ("pointwise", pointwise))
    )
    assert one.record.architecture == other.record.architecture
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(other.arrays[name], array)
    checkpoint = open_checkpoint(tmp_path / "pointwise")
    rows = np.array([1, 5])
    np.testing.assert_array_equal(
        checkpoint.read("up", 0, rows=rows), open_checkpoint(tmp_path / "plain").read("up", 0)[rows]
    )


def test_layers_of_several_widths_in_one_stack_are_named(tmp_path: Path) -> None:
    """As in Hiera: the refusal says which matrix has several shapes."""
    of_stages = drawn(shapes("mlp.fc1", "mlp.fc2"))
    flat = {name.removeprefix("net.stages.0."): x for name, x in of_stages.items() if "stages.0.blocks" in name}
    flat |= {
        f"blocks.9{name.partition('blocks.')[2]}": x for name, x in of_stages.items() if "stages.1.blocks" in name
    }
    with pytest.raises(verify.VerifyError, match=r"MLPs of several sizes, 'blocks\.\{i\}\.mlp\.fc1\.weight'"):
        open_checkpoint(write_checkpoint(tmp_path, Toy(flat, {}, {})))
