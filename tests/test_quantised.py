"""Every quantised matrix decodes to its published formula, by any rows; what is not understood is refused.

The encoders here are written from the formats, number by number, and share nothing with the library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import verify
from tests.checkpoints import raw_safetensors
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.places.place import LocalFile

Array = NDArray[Any]
MODELS = Path(verify.__file__).parent / "data" / "models"
MODULE = "model.layers.0.mlp.up_proj"


class Encoded(NamedTuple):
    """What lies in a file, what config.json says, and the matrix that is meant."""

    parts: dict[str, Array]
    config: dict[str, Any]
    meant: Array


def gptq(w: Array, bits: int = 4, group: int = 8, form: str | None = None, ordered: bool = False) -> Encoded:
    """As AutoGPTQ packs: zeros less one, groups of input channels in any order, three bits across words."""
    out, size = w.shape
    groups = size // group
    g_idx = np.arange(size) // group
    if ordered:
        g_idx = np.random.default_rng(1).permutation(g_idx)
    scales = np.empty((groups, out), np.float16)
    zeros = np.empty((groups, out), np.int64)
    codes = np.empty((size, out), np.int64)
    for g in range(groups):
        block = w.T[g_idx == g]
        low = block.min(0)
        scales[g] = (block.max(0) - low) / (2**bits - 1) + 1e-3
        zeros[g] = np.clip(np.round(-low / scales[g].astype(np.float32)), 1, 2**bits - 1)
        codes[g_idx == g] = np.clip(np.round(block / scales[g].astype(np.float32)) + zeros[g], 0, 2**bits - 1)
    v1 = 0 if form == "gptq_v2" else 1
    packed = (zeros - v1).astype(np.uint64)
    parts = {
        "qweight": pack_columns(codes.astype(np.uint64), bits),
        "qzeros": np.ascontiguousarray(pack_columns(packed.T, bits).T),
        "scales": scales,
        "g_idx": g_idx.astype(np.int32),
    }
    said: dict[str, Any] = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": ordered}
    if form:
        said["checkpoint_format"] = form
    meant = scales.astype(np.float32)[g_idx] * (codes - zeros[g_idx])
    return Encoded(parts, {"quantization_config": said}, meant.T.astype(np.float32))


def pack_columns(codes: NDArray[np.uint64], bits: int) -> Array:
    """Codes of each column one after the other in 32-bit words, low bits first."""
    rows = []
    for column in codes.T:
        whole = sum(int(code) << (bits * n) for n, code in enumerate(column))
        words = -(-len(column) * bits // 32)
        rows.append([whole >> (32 * n) & 0xFFFFFFFF for n in range(words)])
    return np.array(rows, np.uint32).T.copy().view(np.int32)


def gptq_without_order(w: Array) -> Encoded:
    """Older files have no g_idx; the settings say the group size."""
    made = gptq(w)
    return made._replace(parts={name: part for name, part in made.parts.items() if name != "g_idx"})


def gptq_of_one_group(w: Array) -> Encoded:
    """A group size of -1 is one group."""
    made = gptq_without_order(w)
    one = gptq(w, group=w.shape[1])
    parts = {name: one.parts[name] for name in made.parts}
    return Encoded(parts, {"quantization_config": one.config["quantization_config"] | {"group_size": -1}}, one.meant)


def awq(w: Array, group: int = 8) -> Encoded:
    """As AutoAWQ packs: eight outputs in a word, nibble i from column order[i]."""
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    rng = np.random.default_rng(2)
    out, size = w.shape
    scales = rng.uniform(0.01, 1, (size // group, out)).astype(np.float16)
    zeros, codes = rng.integers(0, 16, (size // group, out)), rng.integers(0, 16, (size, out))

    def packed(numbers: Array) -> Array:
        words = np.zeros((len(numbers), out // 8), np.uint32)
        for column in range(out // 8):
            for i in range(8):
                words[:, column] |= (numbers[:, column * 8 + order[i]] << (4 * i)).astype(np.uint32)
        return words.view(np.int32)

    spread = np.repeat(np.arange(size // group), group)
    meant = scales.astype(np.float32)[spread] * (codes - zeros[spread])
    said = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
    parts = {"qweight": packed(codes), "qzeros": packed(zeros), "scales": scales}
    return Encoded(parts, {"quantization_config": said}, meant.T.astype(np.float32))


def llm_int8(w: Array) -> Encoded:
    """Rows scaled to 127 by their largest absolute number."""
    largest = np.abs(w).max(1).astype(np.float32)
    codes = np.round(w / largest[:, None] * 127).astype(np.int8)
    parts = {"weight": codes, "SCB": largest, "weight_format": np.array(0, np.uint8)}
    said = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    return Encoded(parts, {"quantization_config": said}, codes * largest[:, None] / np.float32(127))


NF4 = np.linspace(-1, 1, 16).astype(np.float32) ** 3  # any table: the file holds the one that is meant


def bits4(w: Array, kind: str = "nf4", block: int = 16, nested: bool = False, odd: bool = False) -> Encoded:
    """Blocks of the flattened matrix by their largest absolute number; two numbers in a byte, the first high."""
    flat = w.ravel().astype(np.float32)
    padded = np.concatenate([flat, np.zeros(-len(flat) % block, np.float32)]).reshape(-1, block)
    sizes = np.abs(padded).max(1) + np.float32(0.01)
    parts: dict[str, Array] = {"weight.quant_map": NF4}
    state: dict[str, Any] = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(w.shape)}
    if nested:
        table, offset = np.linspace(-1, 1, 256).astype(np.float32), float(np.float32(sizes.mean()))
        rows = np.array_split(np.arange(len(sizes)), range(4, len(sizes), 4))
        scale = np.array(
            [np.abs(sizes[row] - np.float32(offset)).max() + np.float32(0.01) for row in rows], np.float32
        )
        spread = np.concatenate([np.full(len(row), n) for n, row in enumerate(rows)])
        coded = np.abs(((sizes - np.float32(offset)) / scale[spread])[:, None] - table).argmin(1)
        sizes = table[coded] * scale[spread] + np.float32(offset)
        parts |= {"weight.absmax": coded.astype(np.uint8), "weight.nested_absmax": scale}
        parts["weight.nested_quant_map"] = table
        state |= {"nested_blocksize": 4, "nested_offset": offset, "nested_dtype": "float32"}
    else:
        parts["weight.absmax"] = sizes
    codes = np.abs(padded[:, :, None] / sizes[:, None, None] - NF4).argmin(2)
    numbers = codes.ravel()[: len(flat)]
    even = np.concatenate([numbers, np.zeros(len(numbers) % 2, np.int64)])
    packed = (even[0::2] << 4 | even[1::2]).astype(np.uint8)
    parts["weight"] = packed.view(np.float16)[:, None] if odd else packed[:, None]
    text = json.dumps(state).encode()
    parts[f"weight.quant_state.bitsandbytes__{kind}"] = np.frombuffer(text, np.uint8)
    meant = (NF4[codes] * sizes[:, None]).ravel()[: len(flat)].reshape(w.shape)
    return Encoded(parts, {"quantization_config": {"quant_method": "bitsandbytes"}}, meant)


def packed_tensors(
    w: Array, bits: int = 4, group: int | None = 8, zeros: bool = False, order: bool = False
) -> Encoded:
    """compressed-tensors pack-quantized: signed codes with half their range added, words along the input."""
    out, size = w.shape
    half, per = 2 ** (bits - 1), 32 // bits
    rng = np.random.default_rng(3)
    groups = 1 if group is None else size // group
    g_idx = np.arange(size) // (size // groups)
    if order:
        g_idx = rng.permutation(g_idx)
    codes = rng.integers(-half, half, (out, size))
    scale = rng.uniform(0.1, 1, (out, groups)).astype(ml_dtypes.bfloat16)
    zero = rng.integers(-half, half, (out, groups)) if zeros else np.zeros((out, groups), np.int64)

    def packed(numbers: Array) -> Array:
        words = np.zeros((len(numbers), -(-numbers.shape[1] // per)), np.uint32)
        for i in range(numbers.shape[1]):
            words[:, i // per] |= ((numbers[:, i] + half) << (bits * (i % per))).astype(np.uint32)
        return words.view(np.int32)

    parts: dict[str, Array] = {"weight_packed": packed(codes), "weight_scale": scale}
    parts["weight_shape"] = np.array([out, size], np.int64)
    if zeros:
        parts["weight_zero_point"] = np.ascontiguousarray(packed(zero.T).T)
    if order:
        parts["weight_g_idx"] = g_idx.astype(np.int32)
    meant = scale.astype(np.float32)[:, g_idx] * (codes - zero[:, g_idx])
    return Encoded(parts, {"quantization_config": {"quant_method": "compressed-tensors"}}, meant.astype(np.float32))


def int_tensors(w: Array, zeros: bool) -> Encoded:
    """compressed-tensors int-quantized: int8 with a scale for each row."""
    scale = (np.abs(w).max(1, keepdims=True) / 127).astype(np.float32)
    zero = np.random.default_rng(0).integers(-9, 9, scale.shape).astype(np.int8)
    codes = np.clip(np.round(w / scale), -110, 110).astype(np.int8)
    parts = {"weight": codes, "weight_scale": scale} | ({"weight_zero_point": zero} if zeros else {})
    meant = scale * (codes.astype(np.float32) - (zero if zeros else 0))
    return Encoded(parts, {"quantization_config": {"quant_method": "compressed-tensors"}}, meant.astype(np.float32))


def float8(w: Array, scales: str) -> Encoded:
    """float8 with scales of the whole matrix, of rows, of groups in rows, or of blocks."""
    out, size = w.shape
    rng = np.random.default_rng(4)
    codes = w.astype(ml_dtypes.float8_e4m3fn)
    said: dict[str, Any] = {"quant_method": "fp8"}
    name = "weight_scale"
    if scales == "blocks":
        name, said["weight_block_size"] = "weight_scale_inv", [3, 5]
        scale = rng.uniform(0.1, 1, (-(-out // 3), -(-size // 5))).astype(np.float32)
        spread = np.repeat(np.repeat(scale, 3, 0)[:out], 5, 1)[:, :size]
    else:
        shape = {"whole": (), "one": (1,), "rows": (out, 1), "vector": (out,), "groups": (out, size // 8)}[scales]
        scale = rng.uniform(0.1, 1, shape).astype(np.float32)
        columns = scale if scales == "groups" else np.broadcast_to(scale.reshape(-1, 1), (out, 1))
        spread = np.repeat(columns, size // columns.shape[1], 1)
    return Encoded({"weight": codes, name: scale}, {"quantization_config": said}, codes.astype(np.float32) * spread)


CONVENTIONS: dict[str, Callable[[Array], Encoded]] = {
    "gptq 4": gptq,
    "gptq 8": lambda w: gptq(w, bits=8),
    "gptq 2": lambda w: gptq(w, bits=2, group=16),
    "gptq 3": lambda w: gptq(w, bits=3, group=16),
    "gptq v2": lambda w: gptq(w, form="gptq_v2"),
    "gptq act order": lambda w: gptq(w, ordered=True),
    "gptq no g_idx": gptq_without_order,
    "gptq one group": gptq_of_one_group,
    "awq": awq,
    "llm.int8": llm_int8,
    "nf4": bits4,
    "fp4": lambda w: bits4(w, "fp4"),
    "nf4 nested": lambda w: bits4(w, nested=True),
    "nf4 in float16": lambda w: bits4(w, odd=True),
    "packed 4": packed_tensors,
    "packed 8": lambda w: packed_tensors(w, bits=8),
    "packed rows": lambda w: packed_tensors(w, group=None),
    "packed zeros": lambda w: packed_tensors(w, zeros=True),
    "packed act order": lambda w: packed_tensors(w, order=True),
    "int8": lambda w: int_tensors(w, zeros=False),
    "int8 zeros": lambda w: int_tensors(w, zeros=True),
    **{
        f"float8 {kind}": lambda w, kind=kind: float8(w, kind)
        for kind in ("whole", "one", "rows", "vector", "groups", "blocks")
    },
}


def logical(folder: Path, made: Encoded, config: dict[str, Any] | None = None) -> dict[str, Tensor]:
    """The tensors that the library makes of stored parts."""
    file = folder / "model.safetensors"
    save_file({f"{MODULE}.{name}": np.ascontiguousarray(part) for name, part in made.parts.items()}, file)
    return dequantised(contents(LocalFile(file)).tensors, made.config if config is None else config)


@pytest.mark.parametrize("name", CONVENTIONS)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_any_rows_are_those_of_the_published_formula(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """One matrix of the original shape; any rows and columns equal the formula's; bytes are those of the parts."""
    out, size = data.draw(st.sampled_from([(32, 64), (64, 32), (96, 32), (32, 32)]))
    w = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal((out, size)).astype(np.float32)
    made = CONVENTIONS[name](w)
    found = logical(tmp_path_factory.mktemp("q"), made)
    assert list(found) == [f"{MODULE}.weight"]
    tensor = found[f"{MODULE}.weight"]
    assert tensor.shape == (out, size)
    assert tensor.is_out_in
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-6, atol=1e-7)
    rows = data.draw(st.lists(st.integers(0, out - 1), max_size=9, unique=True).map(sorted))
    for chosen in (np.array(rows, np.intp), slice(out // 3, out // 3 + 5), slice(0, 0), slice(1, out, 3)):
        np.testing.assert_array_equal(tensor.read(chosen), tensor.read()[chosen])
        np.testing.assert_array_equal(tensor.read(chosen, slice(2, 9)), tensor.read()[chosen][:, 2:9])
    whole = sum(part.nbytes for part in made.parts.values())
    assert tensor.nbytes() == whole
    assert whole // 2 <= tensor.nbytes(slice(0, out // 2)) <= whole // 2 + 1
    assert sum(map(len, tensor.iter_bytes())) == whole


@pytest.mark.parametrize("name", ["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"])
def test_every_code_of_eight_bits_is_the_number_that_it_means(tmp_path: Path, name: str) -> None:
    """All 256 codes, by the definition of the exponent and the mantissa."""
    file = tmp_path / "model.safetensors"
    entry = {"dtype": name, "shape": [16, 16], "data_offsets": [0, 256]}
    file.write_bytes(raw_safetensors({"w.weight": entry}, bytes(range(256))))
    found = dequantised(contents(LocalFile(file)).tensors, {})["w.weight"].read()
    bias = {"F8_E4M3": 7, "F8_E5M2": 15, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 16}[name]
    mantissa = 3 if "E4M3" in name else 2
    for code, value in enumerate(found.ravel()):
        sign, low = -1.0 if code >> 7 else 1.0, code & (2**mantissa - 1)
        exponent = code >> mantissa & (2 ** (7 - mantissa) - 1)
        special = code & 127 == 127 if name == "F8_E4M3" else exponent == 31 and name == "F8_E5M2"
        if name.endswith("FNUZ"):
            special = code == 128
        number = (
            2.0 ** (1 - bias) * low if not exponent else 2.0 ** (exponent - bias) * (2**mantissa + low)
        ) / 2**mantissa
        assert not np.isfinite(value) if special else value == sign * number, code


def refusals() -> dict[str, tuple[Encoded, str]]:
    """Encodings with one thing wrong, and what the refusal must say."""
    w = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)

    def without(made: Encoded, *names: str) -> Encoded:
        return made._replace(parts={name: part for name, part in made.parts.items() if name not in names})

    def having(made: Encoded, **parts: Array) -> Encoded:
        return made._replace(parts=made.parts | parts)

    def said(made: Encoded, **entries: Any) -> Encoded:
        return made._replace(config={"quantization_config": made.config["quantization_config"] | entries})

    state = "weight.quant_state.bitsandbytes__nf4"
    bad_state = np.frombuffer(b'{"shape": [1, 1e9], "blocksize": 0}', np.uint8)
    return {
        "gptq of marlin": (said(gptq(w), checkpoint_format="marlin"), "marlin"),
        "gptq of 5 bits": (said(gptq(w), bits=5), "2, 3, 4 or 8 bits"),
        "gptq group out of range": (having(gptq(w), g_idx=np.full(64, 8, np.int32)), "groups 0 to 7"),
        "gptq short order": (having(gptq(w), g_idx=np.zeros(63, np.int32)), "g_idx"),
        "gptq zeros": (having(gptq(w), qzeros=np.zeros((8, 3), np.int32)), "qzeros"),
        "gptq no zeros": (without(gptq(w), "qzeros"), "not read"),
        "awq gemv": (said(awq(w), version="gemv"), "gemv"),
        "awq scales": (having(awq(w), scales=np.ones((8, 31), np.float16)), "scales"),
        "no method, no order": (
            Encoded(gptq_without_order(w).parts, {}, w),
            "not read",
        ),
        "bitsandbytes tiles": (having(llm_int8(w), weight_format=np.array(2, np.uint8)), "rearranged"),
        "bitsandbytes rows": (having(llm_int8(w), SCB=np.ones(31, np.float32)), "SCB"),
        "nf4 without state": (without(bits4(w), state), "quant_state"),
        "nf4 hostile state": (having(bits4(w), **{state: bad_state}), "counts"),
        "nf4 short": (having(bits4(w), weight=np.zeros((9, 1), np.uint8)), "half a byte"),
        "nf4 no second table": (without(bits4(w, nested=True), "weight.nested_quant_map"), "nested_quant_map"),
        "packed huge": (having(packed_tensors(w), weight_shape=np.array([2**40, 64], np.int64)), "weight_packed"),
        "packed negative": (having(packed_tensors(w), weight_shape=np.array([-32, 64], np.int64)), "weight_packed"),
        "packed groups": (having(packed_tensors(w), weight_scale=np.ones((31, 8), np.float32)), "weight_scale"),
        "float8 odd scales": (having(float8(w, "rows"), weight_scale=np.ones((5, 7), np.float32)), "block"),
        "float8 unscaled though quantised": (without(float8(w, "rows"), "weight_scale"), "not read"),
        "scaled floats": (having(float8(w, "rows"), weight=w), "not read"),
        "nvfp4": (having(float8(w, "rows"), weight_scale_2=np.ones((), np.float32)), "not read"),
        "bitnet": (having(float8(w, "one"), weight=np.zeros((8, 64), np.uint8)), "not read"),
        "mlx": (
            Encoded(
                {
                    "weight": np.zeros((32, 8), np.uint32),
                    "scales": np.ones((32, 1), np.float16),
                    "biases": np.ones((32, 1), np.float16),
                },
                {},
                w,
            ),
            "not read",
        ),
        "another method": (said(gptq(w), quant_method="hqq"), "hqq"),
        "no settings": (gptq(w)._replace(config={"quantization_config": 3}), "expected an object"),
    }


def read_all(folder: Path, made: Encoded) -> None:
    for tensor in logical(folder, made).values():
        tensor.read()


@pytest.mark.parametrize("name", refusals())
def test_what_is_not_understood_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    """Never misread: the tensor or entry, what was found, and what to do."""
    made, expected = refusals()[name]
    with pytest.raises(CheckpointError, match=expected) as caught:
        read_all(tmp_path, made)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_integers_without_scales_are_refused_where_numbers_are_needed(tmp_path: Path, dtype: type) -> None:
    """A matrix of a layer that is stored as plain integers has no meaning that is known."""
    weights = load_file(MODELS / "reference" / "model.safetensors")
    weights["model.layers.0.mlp.up_proj.weight"] = np.zeros((176, 64), dtype)
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((MODELS / "reference" / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"layers\.0\.mlp\.up_proj\.weight' as [IU]8, with no scales"):
        verify.fingerprint(tmp_path)


def test_names_by_chance_are_left_alone(tmp_path: Path) -> None:
    """Floats that share a name with a part of some convention are tensors like any other."""
    parts = {"B": np.ones((2, 2), np.float32), "s": np.ones(2, np.float32), "scales": np.ones(3, np.float32)}
    found = logical(tmp_path, Encoded(parts, {}, np.zeros(0)))
    assert sorted(found) == [f"{MODULE}.{name}" for name in ("B", "s", "scales")]


def quantise(model: str, folder: Path, encode: Callable[[Array], Encoded]) -> Path:
    """A shipped model with every matrix in its layers stored by a convention."""
    folder.mkdir()
    stored: dict[str, Array] = {}
    config = json.loads((MODELS / model / "config.json").read_text())
    for name, weight in load_file(MODELS / model / "model.safetensors").items():
        if weight.ndim == 2 and re.search(r"\.(layers|h)\.", name):
            made = encode(weight.astype(np.float32) if ".layers." in name else weight.T.astype(np.float32))
            stored |= {f"{name.removesuffix('.weight')}.{part}": value for part, value in made.parts.items()}
            config |= made.config
        else:
            stored[name] = weight
    save_file({name: np.ascontiguousarray(value) for name, value in stored.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes((MODELS / model / "tokenizer.json").read_bytes())
    return folder


@pytest.mark.parametrize("name", ["gptq 4", "nf4 nested", "llm.int8"])
def test_a_quantised_child_is_dependent_on_its_parent(tmp_path: Path, name: str) -> None:
    """And so strongly that what rounding costs does not matter; a stranger is still a stranger."""
    child = quantise("fine-tuned", tmp_path / "child", CONVENTIONS[name])
    report = verify.test_lineage(child, MODELS / "reference")
    assert report.verdict == "dependent"
    assert report.log10_p is not None
    assert report.log10_p < -50
    assert verify.test_lineage(child, MODELS / "stranger-1").verdict == "no_evidence"


def test_matrices_that_the_family_stores_the_other_way_round_are_turned(tmp_path: Path) -> None:
    """GPT-2 stores [in, out] and its quantisers [out, in], which in a square matrix no shape would tell."""
    child = open_checkpoint(quantise("gpt2-reference", tmp_path / "child", CONVENTIONS["llm.int8"]))
    parent = open_checkpoint(MODELS / "gpt2-reference")
    for key in parent.keys(0):
        np.testing.assert_allclose(child.read(*key), parent.read(*key), atol=0.02 * np.abs(parent.read(*key)).max())


def test_scales_of_activations_are_no_tensors_of_the_model(tmp_path: Path) -> None:
    """Calibration is left out; bytes read are those that are stored."""
    scale = {"input_scale": np.ones((), np.float32)}
    folder = quantise("reference", tmp_path / "q", lambda w: (m := float8(w, "rows"))._replace(parts=m.parts | scale))
    weights = contents(LocalFile(folder / "model.safetensors"))
    assert any(name.endswith("input_scale") for name in weights.tensors)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.unrecognised == ()
    shape = checkpoint.shape("up", 0)
    checkpoint.read("up", 0)
    assert checkpoint.bytes_read == shape[0] * shape[1] + 4 * shape[0]


# ---- zero points


def symmetric_gptq(w: Array, bits: int, stored: str, group: int = 16) -> Encoded:
    """Codes around 2^(bits - 1), which every zero point is; ``stored`` as it is, less one, or as GPTQModel does."""
    out, size = w.shape
    half = 2 ** (bits - 1)
    blocks = w.T.reshape(size // group, group, out)
    scales = (np.abs(blocks).max(1) / (half - 0.5) + 1e-6).astype(np.float16)
    codes = np.clip(np.round(blocks / scales[:, None].astype(np.float32)) + half, 0, 2 * half - 1)
    zeros = np.full((out, size // group), half - (stored == "less one"), np.uint64)
    qzeros = np.ascontiguousarray(pack_columns(zeros, bits).T)
    if stored == "by GPTQModel":
        constant = {3: [0x24924924, 0x92492492, 0x49249249]}.get(bits) or [
            sum(1 << (bits * n) for n in range(32 // bits))
        ]
        taken = np.resize(np.array(constant, np.uint32), qzeros.shape[1])
        qzeros = (qzeros.view(np.uint32) - taken).view(np.int32)
    parts = {
        "qweight": pack_columns(codes.reshape(size, out).astype(np.uint64), bits),
        "qzeros": qzeros,
        "scales": scales,
        "g_idx": (np.arange(size) // group).astype(np.int32),
    }
    meant = (scales.astype(np.float32)[:, None] * (codes - half)).reshape(size, out).T
    said = {"quant_method": "gptq", "bits": bits, "group_size": group, "sym": True}
    return Encoded(parts, {"quantization_config": said}, meant.astype(np.float32))


@pytest.mark.parametrize("form", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("stored", ["as it is", "less one", "by GPTQModel"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("sym", [True, None])
def test_symmetric_zero_points_are_read_as_they_are_stored_whatever_is_declared(
    tmp_path: Path, bits: int, stored: str, form: str, sym: bool | None
) -> None:
    w = np.random.default_rng(bits).standard_normal((64, 64)).astype(np.float32)
    made = symmetric_gptq(w, bits, stored)
    made.config["quantization_config"] |= {"checkpoint_format": form, "sym": sym}
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-6)
    agrees = (stored == "as it is") == (form == "gptq_v2")
    assert tensor.notes == () if agrees else "as their numbers say" in tensor.notes[0]


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("stored", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("declared", ["gptq", "gptq_v2"])
def test_asymmetric_zero_points_tell_their_convention_by_where_their_middle_lies(
    tmp_path: Path, bits: int, stored: str, declared: str
) -> None:
    """Groups of any skewed numbers: the middle of the least and the largest is what counts, not the mean."""
    rng = np.random.default_rng(bits)
    w = (rng.standard_t(5, (128, 256)) + 0.2 * rng.standard_normal((128, 1))).astype(np.float32)
    made = gptq(w, bits=bits, group=16, form=stored)
    made.config["quantization_config"]["checkpoint_format"] = declared
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-5, atol=1e-6)
    assert bool(tensor.notes) is (stored != declared)


def test_few_zero_points_and_fine_steps_tell_nothing_and_the_declared_convention_holds(tmp_path: Path) -> None:
    w = np.random.default_rng(0).standard_normal((32, 256)).astype(np.float32)
    for bits, group in ((4, 256), (8, 8)):
        made = gptq(w, bits=bits, group=group, form="gptq_v2")
        made.config["quantization_config"]["checkpoint_format"] = "gptq"
        tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
        scale = made.parts["scales"].astype(np.float32)[made.parts["g_idx"]].T
        np.testing.assert_allclose(tensor.read(), made.meant - scale, rtol=1e-4, atol=1e-5)
        assert tensor.notes == ()


def test_a_zero_of_nought_that_was_stored_less_one_took_it_from_its_neighbour_and_gets_it_back(
    tmp_path: Path,
) -> None:
    """The one is taken from whole words, and added to whole words."""
    w = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
    w[3] = np.abs(w[3])  # its least number is at code 0 where zero itself need not be a code
    made = gptq(w, form="gptq_v2")
    zeros = made.parts["qzeros"].view(np.uint32) & ~np.uint32(0xF000)
    made.parts["qzeros"] = (zeros - np.uint32(0x11111111)).view(np.int32)
    made.config["quantization_config"]["checkpoint_format"] = "gptq"
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    others = [n for n in range(32) if n % 8 != 3]
    np.testing.assert_allclose(tensor.read()[others], made.meant[others], rtol=1e-6)


@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize("symmetric", [True, False])
def test_zero_points_of_awq_that_another_tool_stored_less_one_are_read_so(
    tmp_path: Path, less: int, symmetric: bool
) -> None:
    rng = np.random.default_rng(4)
    made = awq(rng.standard_normal((128, 256)).astype(np.float32))
    zeros = np.full((32, 128), 8) if symmetric else np.clip(np.round(rng.normal(7.5, 1, (32, 128))), 1, 15)
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    words = np.zeros((32, 16), np.uint32)
    for i in range(8):
        words |= ((zeros[:, order[i] :: 8].astype(np.int64) - less) << (4 * i)).astype(np.uint32)
    before = logical(tmp_path, made)[f"{MODULE}.weight"]
    codes = np.array(before.read(), np.float64) / np.repeat(made.parts["scales"].astype(np.float64), 8, 0).T
    assert before.notes == ()
    made.parts["qzeros"] = words.view(np.int32)
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    steps = tensor.read() / np.repeat(made.parts["scales"].astype(np.float64), 8, 0).T
    whole = np.round(steps + np.repeat(zeros, 8, 0).T)
    assert whole.min() == 0
    assert whole.max() == 15
    assert len(codes) == len(whole)
    assert bool(tensor.notes) is bool(less)


def test_reading_zero_points_does_not_depend_on_the_order_of_units(tmp_path: Path) -> None:
    """Else a null of permuted units would be broken by how one of two models is read."""
    rng = np.random.default_rng(5)
    w = rng.standard_normal((128, 256)).astype(np.float32)
    order = rng.permutation(128)
    for form in ("gptq", "gptq_v2"):
        one, other = gptq(w, bits=3, group=16, form=form), gptq(w[order], bits=3, group=16, form=form)
        for made in (one, other):
            made.config["quantization_config"]["checkpoint_format"] = "gptq"
        plain, moved = (logical(tmp_path, made)[f"{MODULE}.weight"].read() for made in (one, other))
        np.testing.assert_array_equal(plain[order], moved)
