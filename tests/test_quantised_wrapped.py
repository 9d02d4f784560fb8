"""Tensors of torchao's own classes mean the same in safetensors and in torch.save; nothing about them is guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.encoders import MODULE, Array, Encoded, logical
from tests.newer_encoders import in_bytes
from tests.newest_encoders import (
    NEWEST,
    aqlm,
    in_runs,
    int4_rows,
    int4_tiles,
    marlin,
    of_class,
    prescaled,
    tiled_float8,
    vptq,
)
from tests.torch_files import HOOKS, Call, Global, TorchFile
from verify.base import CheckpointError
from verify.checkpoint.formats.conventions import Stack
from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents as of_safetensors
from verify.checkpoint.formats.strided import StridedTensor
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.formats.torch_file import contents as of_torch
from verify.checkpoint.places.place import LocalFile

W = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
OF_TORCHAO = [name for name in NEWEST if name.startswith("torchao")]
WHOLE = f"{MODULE}.weight"
LAYOUT = Call(Global("torch.serialization", "_get_layout"), ("torch.strided",))
FROM_TYPE, WRAPPING = (
    Global("torch._tensor", "_rebuild_from_type_v2"),
    Global("torch._utils", "_rebuild_wrapper_subclass"),
)
MODULES = {"MXTensor": "torchao.prototype.mx_formats.mx_tensor"}
PREFERENCE = Call(Global("torchao.quantization.quantize_.common.kernel_preference", "KernelPreference"), ("auto",))


def wrapped(made: Encoded, file: TorchFile, **further: Any) -> Call:
    """The tensor as torch.save describes one of a class of its own."""
    said = json.loads((made.metadata or {})[WHOLE])
    kind = Global(MODULES.get(said["_type"], "torchao.quantization"), said["_type"])
    attributes = said["_data"] | {"kernel_preference": PREFERENCE, "act_quant_kwargs": None} | further
    if isinstance(elements := attributes.get("elem_dtype"), dict):
        attributes["elem_dtype"] = Global("torch", elements["_data"])
    state = {name.removeprefix("_weight_"): file.add(x) for name, x in made.parts.items()} | attributes
    shape = made.meant.shape
    given = (kind, Global("torch", "bfloat16"), shape, (shape[1], 1), 0, LAYOUT, "cpu", False)
    return Call(FROM_TYPE, (WRAPPING, kind, given, state))


def in_torch_save(folder: Path, made: Encoded, root: Callable[[Call], Any] | None = None, **further: Any) -> Tensor:
    """The matrix that is read of it."""
    file, path = TorchFile(), folder / "pytorch_model.bin"
    one = wrapped(made, file, **further)
    path.write_bytes(file.content({WHOLE: root(one) if root else one}))
    (found,) = dequantised(of_torch(LocalFile(path)).tensors, made.config).values()
    return found


@pytest.mark.parametrize("name", OF_TORCHAO)
def test_a_tensor_in_torch_save_is_that_in_safetensors(tmp_path: Path, name: str) -> None:
    """The class, shape and attributes in the pickle say what the metadata of safetensors says."""
    made = NEWEST[name](W)
    found = in_torch_save(tmp_path, made)
    np.testing.assert_allclose(found.read(), made.meant, rtol=1e-6, atol=1e-7)
    expected = logical(tmp_path, made)[WHOLE]
    np.testing.assert_array_equal(found.read(), expected.read())
    assert (found.dtype, found.shape, found.nbytes()) == (expected.dtype, expected.shape, expected.nbytes())
    assert b"".join(found.iter_bytes()) == b"".join(expected.iter_bytes())


def test_a_parameter_of_such_a_class_is_read(tmp_path: Path) -> None:
    """torch wraps what is trained."""
    parameter = Global("torch._utils", "_rebuild_parameter")
    made = int4_rows(W)
    found = in_torch_save(tmp_path, made, lambda one: Call(parameter, (one, False, HOOKS)))
    np.testing.assert_allclose(found.read(), made.meant, rtol=1e-6, atol=1e-7)


def several_blocks() -> dict[str, Encoded]:
    """Matrices of several tiles of scales, the last ones partial."""
    w = np.random.default_rng(1).standard_normal((200, 320)).astype(np.float32)
    return {
        "mxfp8": in_runs(w, "MXTensor", four=False, swizzled=True),
        "nvfp4": in_runs(w, "NVFP4Tensor", four=True, swizzled=True, whole=True),
        "float8 in tiles": tiled_float8(w),
    }


@pytest.mark.parametrize("name", several_blocks())
def test_several_blocks_are_each_where_they_belong(tmp_path: Path, name: str) -> None:
    """Whole and by rows."""
    made = several_blocks()[name]
    found = logical(tmp_path, made)[WHOLE]
    np.testing.assert_allclose(found.read(), made.meant, rtol=1e-6, atol=1e-7)
    rows = np.array([0, 31, 32, 127, 128, 199], np.intp)
    np.testing.assert_array_equal(found.read(rows), found.read()[rows])


def test_experts_in_one_tensor_are_each_its_matrix(tmp_path: Path) -> None:
    """Every part has a first axis for them, the metadata states the shape with it."""
    for encode in (int4_rows, int4_tiles, lambda w: in_runs(w, "NVFP4Tensor", four=True, swizzled=False)):
        one = encode(W)
        said = json.loads((one.metadata or {})[WHOLE])
        said["_data"]["shape"] = [3, *said["_data"].get("shape", [])]
        stored = {f"{MODULE}.{name}": np.stack([part] * 3) for name, part in one.parts.items()}
        save_file(stored, tmp_path / "m.safetensors", {WHOLE: json.dumps(said)})
        stack = dequantised(of_safetensors(LocalFile(tmp_path / "m.safetensors")).tensors, one.config)[WHOLE]
        assert isinstance(stack, Stack)
        np.testing.assert_allclose(stack.read(), np.stack([one.meant] * 3), rtol=1e-6, atol=1e-7)


def swizzled_experts(rows: int) -> Encoded:
    """Two experts whose scales may lie in one order."""
    one = in_runs(np.ones((rows, 64), np.float32), "NVFP4Tensor", four=True, swizzled=True)
    return one._replace(parts={name: np.stack([part] * 2) for name, part in one.parts.items()})


def test_scales_of_experts_in_one_order_are_read_only_if_each_has_whole_tiles(tmp_path: Path) -> None:
    """Else tiles span experts, in as many bytes."""
    found = logical(tmp_path, swizzled_experts(128))[WHOLE]
    assert found.shape == (2, 128, 64)
    with pytest.raises(CheckpointError, match="whole tiles of 128 rows"):
        logical(tmp_path, swizzled_experts(127))


def with_said(made: Encoded, kind: str | None = None, **attributes: Any) -> Encoded:
    """With another class or attributes in the metadata."""
    said = json.loads((made.metadata or {})[WHOLE])
    said = said | {"_type": kind or said["_type"], "_data": said["_data"] | attributes}
    return made._replace(metadata={WHOLE: json.dumps(said)})


def having(made: Encoded, **parts: Array) -> Encoded:
    """With other parts."""
    return made._replace(parts=made.parts | parts)


def refused() -> dict[str, tuple[Encoded, str]]:
    """What must not be read, and a word of the sentence."""
    rows, tiles, mx = int4_rows(W), int4_tiles(W), in_runs(W, "MXTensor", four=True, swizzled=False)
    float8 = of_class("Float8Tensor", {"qdata": mx.parts["_weight_qdata"], "scale": np.ones((32, 1), np.float32)}, W)
    return {
        "an unknown class": (with_said(rows, "Int4PreshuffledTensor"), "Int4PreshuffledTensor"),
        "a class that is no text": (with_said(rows, kind="NoneType"), "NoneType"),
        "an unknown attribute": (with_said(rows, rotation=True), "'rotation'"),
        "elements that are no type": (with_said(mx, elem_dtype=[1]), "'elem_dtype'"),
        "swizzled in no known way": (with_said(mx, is_swizzled_scales="yes"), "'is_swizzled_scales'"),
        "6-bit floats": (with_said(mx, elem_dtype="fp6_e2m3"), "'fp6_e2m3'"),
        "scales that are no tiles": (with_said(mx, is_swizzled_scales=True), "whole tiles of scales"),
        "int4 without metadata": (rows._replace(metadata=None), "zero_point of BF16"),
        "int4 of split groups": (
            having(rows, _weight_scale=np.ones((3, 32), np.float32), _weight_zero_point=np.ones((3, 32), np.float32)),
            "whole groups",
        ),
        "tiles of no shape": (with_said(tiles, shape=None), "a shape"),
        "tiles of another shape": (with_said(tiles, shape=[40, 64]), "qdata"),
        "tiles of a huge shape": (with_said(tiles, shape=[2**40, 2**40]), "qdata"),
        "bytes called float8": (float8, "qdata U8"),
        "zeros that are floats": (
            having(in_bytes(W, "torchao"), _weight_zero_point=np.zeros((32, 2), np.float32)),
            "zero_point",
        ),
        "factors of other inputs": (
            having(prescaled(rows, "_weight_act_pre_scale"), _weight_act_pre_scale=np.ones(63, np.float32)),
            "act_pre_scale",
        ),
        "svdquant": (
            having(NEWEST["modelopt int4 prescaled"](W), svdquant_lora_a=np.ones((4, 64), np.float32)),
            "not read",
        ),
        "codebooks of other sizes": (
            having(aqlm(W, 1, 8, 1, 8), codebooks=np.ones((1, 100, 1, 8), np.float16)),
            "a power of two",
        ),
        "codebooks of huge vectors": (
            having(aqlm(W, 1, 8, 1, 8), codebooks=np.ones((1, 1, 64, 512), np.float16)),
            "in proportion",
        ),
        "vptq of no sizes": (
            vptq(W)._replace(config={"quantization_config": {"quant_method": "vptq"}}),
            "packed ind",
        ),
        "vptq not packed": (of_vptq(is_indice_packed=False), "packed indices"),
        "vptq of other columns": (of_vptq(group_size=32), "32 columns of 5 bits; expected 64 columns"),
        "vptq of other rows": (of_vptq(out_features=128), r"expected I32 \(1, 16, 10\)"),
        "vptq of words for sizes": (of_vptq(vector_lens=[-1, "8"]), "packed indices"),
        "vptq of larger remainders": (of_vptq(num_res_centroids=[-1, 4096]), "at most 32 bits"),
        "vptq without what it says": (of_vptq(enable_norm=False), "as its settings say"),
        "vptq of a column twice": (having(vptq(W), perm=np.zeros(64, np.int16)), "each column once"),
        "vptq of a short order": (having(vptq(W), perm=np.arange(63, dtype=np.int16)), "perm of I16"),
        "vptq of an index beyond": (
            having(vptq(W, vectors=20), indices=np.full((1, 4, 10), -1, np.int32)),
            "indices of 20 vectors",
        ),
        "vptq of another method": (
            vptq(W)._replace(config={"quantization_config": {"quant_method": "gptq"}}),
            "a way of quantising that is not read",
        ),
        "marlin of 8 bits": (of_marlin(bits=8), "4 bits, B"),
        "marlin of half a tile": (having(marlin(W, 4), s=np.ones((4, 32), np.float16)), "whole tiles of 64"),
        "marlin of split groups": (having(marlin(W, 4), s=np.ones((3, 64), np.float16)), "whole tiles of 64"),
        "marlin of short codes": (having(marlin(W, 4), B=np.ones((4, 127), np.int32)), r"expected I32 \(4, 128\)"),
        "marlin in 2:4": (
            Encoded({"B_24": np.ones((2, 2), np.int32), "s": W}, marlin(W, 4).config, W),
            "a way of quantising that is not read",
        ),
        "codebooks in the order of a product": (
            having(aqlm(W, 1, 8, 1, 8), codes=np.ones((8, 32, 1), np.int8)),
            r"scales of F16 \(32, 1, 1, 1\)",
        ),
    }


def of_vptq(**said: Any) -> Encoded:
    """A matrix of VPTQ of which the settings say something else."""
    made = vptq(W)
    settings = made.config["quantization_config"]
    layer = settings["config_for_layers"][MODULE] | said
    return made._replace(config={"quantization_config": settings | {"config_for_layers": {MODULE: layer}}})


def of_marlin(**said: Any) -> Encoded:
    """A matrix of Marlin of which the settings say something else."""
    made = marlin(W, 4)
    return made._replace(config={"quantization_config": made.config["quantization_config"] | said})


@pytest.mark.parametrize("name", refused())
def test_what_is_not_certain_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    """Never guessed."""
    made, expected = refused()[name]
    with pytest.raises(CheckpointError, match=expected) as caught:
        logical(tmp_path, made)[WHOLE].read()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_sizes_of_vptq_may_be_told_for_all_modules_of_a_name(tmp_path: Path) -> None:
    """As its ``shared_layer_config`` does."""
    made = vptq(W)
    (said,) = made.config["quantization_config"]["config_for_layers"].values()
    shared = {"quant_method": "vptq", "shared_layer_config": {MODULE.rpartition(".")[2]: said}}
    found = logical(tmp_path, made._replace(config={"quantization_config": shared}))[WHOLE]
    np.testing.assert_allclose(found.read(), made.meant, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("method", ["eetq", "higgs", "spqr", "fp_quant", "exl3", "bitblas"])
def test_methods_that_are_not_read_are_named(tmp_path: Path, method: str) -> None:
    """With those that are, and the way out."""
    made = Encoded({"weight": W}, {"quantization_config": {"quant_method": method}}, W)
    with pytest.raises(CheckpointError, match=f"quantised by '{method}'; this version reads gptq.* dequantise the"):
        logical(tmp_path, made)


@pytest.mark.parametrize("name", ["indices", "B", "perm", "s"])
def test_words_of_many_meanings_are_tensors_like_any_other(tmp_path: Path, name: str) -> None:
    """Where nothing beside them makes them parts of a quantised matrix."""
    for config in ({}, {"quantization_config": {"quant_method": "gptq", "bits": 4}}):
        found = logical(tmp_path, Encoded({name: np.ones((2, 2), np.int32)}, config, W))
        assert sorted(found) == [f"{MODULE}.{name}"]


def test_integers_called_codes_without_codebooks_are_no_quantised_matrix(tmp_path: Path) -> None:
    """They are a tensor like any other."""
    made = Encoded({"codes": np.ones((2, 2), np.int8)}, {}, np.zeros(0))
    assert sorted(logical(tmp_path, made)) == [f"{MODULE}.codes"]


def test_an_unknown_attribute_in_torch_save_is_refused(tmp_path: Path) -> None:
    """It may change what the numbers mean; one that is None does not."""
    with pytest.raises(CheckpointError, match="'rotation'"):
        in_torch_save(tmp_path, int4_rows(W), rotation=3)
    in_torch_save(tmp_path, int4_rows(W), rotation=None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: (*a[:1], Global("torchao.quantization", "Int4PreshuffledTensor"), *a[2:]), "Int4Preshuffled"),
        (lambda a: (*a[:1], Global("transformers.models", "Own"), *a[2:]), "a tensor of a class of its own"),
        (lambda a: (*a[:2], a[2][:4], a[3]), "impossible arguments"),
        (lambda a: (*a[:2], (*a[2][:2], (32, -1), *a[2][3:]), a[3]), "impossible arguments"),
        (lambda a: (*a[:3], [1]), "attributes of a tensor in Opaque"),
        (lambda a: (*a[:3], {"scale": a[3]["scale"]}), "no numbers"),
    ],
)
def test_a_spoilt_description_costs_a_sentence(
    tmp_path: Path, change: Callable[[tuple[Any, ...]], tuple[Any, ...]], says: str
) -> None:
    """And nothing is called or imported."""

    def spoilt(one: Call) -> Call:
        return Call(one.function, change(one.arguments))

    with pytest.raises(CheckpointError, match=says):
        in_torch_save(tmp_path, int4_rows(W), spoilt)


def test_a_class_alone_is_not_called(tmp_path: Path) -> None:
    """Only torch's own function makes such a tensor."""
    for kind in (Global("torchao.quantization", "Int4Tensor"), WRAPPING):
        with pytest.raises(CheckpointError, match="a call of"):
            in_torch_save(tmp_path, int4_rows(W), lambda _, kind=kind: Call(kind, ()))


def test_a_part_and_the_whole_of_it_are_not_both_held(tmp_path: Path) -> None:
    """A name for two tensors says nothing of either."""
    file, path = TorchFile(), tmp_path / "pytorch_model.bin"
    path.write_bytes(file.content({WHOLE: wrapped(int4_rows(W), file), f"{MODULE}._weight_qdata": file.add(W)}))
    with pytest.raises(CheckpointError, match="two tensors named"):
        of_torch(LocalFile(path))


def test_codes_that_lie_in_another_order_are_read_by_rows_or_refused(tmp_path: Path) -> None:
    """A view of turned bytes is read as it is, but not as numbers of another size."""
    made, path = NEWEST["modelopt int4"](W), tmp_path / "pytorch_model.bin"
    file = TorchFile()
    path.write_bytes(file.content({f"{MODULE}.{part}": file.add(x.T.copy().T) for part, x in made.parts.items()}))
    found = of_torch(LocalFile(path)).tensors
    np.testing.assert_allclose(dequantised(found, made.config)[WHOLE].read(), made.meant, rtol=1e-6)
    turned = found[f"{MODULE}.weight"]
    assert isinstance(turned, StridedTensor)
    with pytest.raises(CheckpointError, match="a view in another order"):
        turned.viewed("I32", (16, 16))
