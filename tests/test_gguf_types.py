"""Every type of blocks that the gguf package decodes is read as it decodes it; the others are refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from tests.checkpoints import toy
from tests.converted import Kind, converted, refusal, shipped, write_gguf
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.formats.gguf_file import GgufTensor, parse
from verify.checkpoint.formats.gguf_models import contents
from verify.checkpoint.places.place import LocalFile, LocalFolder

INTEGERS = {Kind.I8, Kind.I16, Kind.I32, Kind.I64}
ROWS, COLUMNS = 6, 512


def blocks(kind: Kind) -> np.ndarray:
    """Random bytes as a matrix of 512 columns; any bytes are numbers."""
    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    return np.random.default_rng(int(kind)).integers(0, 256, (ROWS, COLUMNS // numbers * size), np.uint8)


def of_every_type(path: Path) -> dict[str, GgufTensor]:
    """One file with a matrix of each type that the package knows, by the package's writer."""
    writer = gguf.GGUFWriter(path, "llama")
    for kind in Kind:
        writer.add_tensor(f"{kind.name}.weight", blocks(kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return parse(LocalFile(path))[0]


def decoded(kind: Kind) -> np.ndarray | None:
    """What the package makes of the bytes; None if it cannot."""
    if kind == Kind.F64:
        return blocks(kind).view("<f8")
    try:
        with np.errstate(all="ignore"):
            return gguf.quants.dequantize(blocks(kind), kind)
    except NotImplementedError:
        return None


def test_every_type_is_decoded_by_rows_as_the_package_decodes_it(tmp_path: Path) -> None:
    """All in one file; what the package cannot decode is refused with the name of the type."""
    tensors = of_every_type(tmp_path / "m.gguf")
    read = set[Kind]()
    for kind in Kind:
        tensor, expected = tensors[f"{kind.name}.weight"], decoded(kind)
        if expected is None:
            assert f"as {kind.name}, which the gguf package does not decode" in str(refusal(tensor.read))
            continue
        read.add(kind)
        assert (tensor.shape, tensor.nbytes()) == ((ROWS, COLUMNS), blocks(kind).size)
        with np.errstate(invalid="ignore"):  # signalling NaNs among random bytes
            whole, some = (np.asarray(tensor.read(*at), np.float64) for at in ((), (np.array([0, 4]), slice(3, 300))))
            np.testing.assert_array_equal(whole, expected)
            np.testing.assert_array_equal(some, expected[[0, 4], 3:300])
    assert read >= {Kind.TQ1_0, Kind.TQ2_0, Kind.IQ1_S, Kind.IQ1_M, Kind.IQ2_XXS, Kind.IQ4_XS, Kind.MXFP4, Kind.BF16}
    assert not read & INTEGERS


def test_a_type_by_its_number_alone_is_refused_by_its_number(tmp_path: Path) -> None:
    """It is newer than the installed package: the file is sound, and the sentence says so."""
    file = write_gguf(tmp_path / "m.gguf", converted(toy(), "llama"), "llama", toy().config)
    content = bytearray(file.read_bytes())
    place = content.index(b"token_embd.weight") + len(b"token_embd.weight") + 4 + 2 * 8
    content[place : place + 4] = struct.pack("<I", 99)
    file.write_bytes(bytes(content))
    with pytest.raises(
        CheckpointError, match="'token_embd\\.weight' as type 99, which the installed gguf package is"
    ):
        open_checkpoint(file)


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.BF16])
def test_big_endian_floats_are_read(tmp_path: Path, kind: Kind) -> None:
    """Header and numbers are turned around."""
    model = toy()
    paths = [tmp_path / f"{name}.gguf" for name in ("little", "big")]
    for path, order in zip(paths, gguf.GGUFEndian, strict=True):
        tensors = converted(model, "llama")
        if order == gguf.GGUFEndian.BIG and kind == Kind.BF16:  # the writer swaps no bytes of BF16
            stored = {name: gguf.quants.quantize(value, kind) for name, value in tensors.items() if value.ndim == 2}
            tensors |= {
                name: gguf.quants.dequantize(np.ascontiguousarray(value.reshape(-1, 2)[:, ::-1]), kind).reshape(
                    tensors[name].shape
                )
                for name, value in stored.items()
            }
        write_gguf(path, tensors, "llama", model.config, kind, ["a", "b"], endianess=order)
    little, big = map(open_checkpoint, paths)
    assert big.architecture == little.architecture
    assert big.vocabulary() is not None
    for key in (("q", 1), ("embed",), ("down", 0), ("norm_attn", 1)):
        np.testing.assert_array_equal(big.read(*key), little.read(*key))


def test_big_endian_blocks_are_refused(tmp_path: Path) -> None:
    """The package decodes them in little-endian order only, and would give wrong numbers."""
    model, big = shipped("reference"), gguf.GGUFEndian.BIG
    file = write_gguf(tmp_path / "m.gguf", converted(model, "llama"), "llama", model.config, Kind.Q8_0, endianess=big)
    with pytest.raises(CheckpointError, match="is big-endian and stores"):
        open_checkpoint(file)


@pytest.mark.parametrize(
    "factor", [np.array([0.25], np.float32), np.array([0.25, 2, 4], np.float32)], ids=["matrix", "experts"]
)
def test_a_scale_beside_a_matrix_multiplies_it(tmp_path: Path, factor: np.ndarray) -> None:
    """As of NVFP4, whose blocks have scales that lack the factor of the whole matrix, one for each expert."""
    rng, kind = np.random.default_rng(0), Kind.NVFP4
    stack = len(factor) > 1
    name = "blk.0.ffn_up_exps" if stack else "blk.0.ffn_up"
    raw = rng.integers(0, 120, (3, ROWS, 36) if stack else (ROWS, 36), np.uint8)
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "qwen2moe" if stack else "llama")
    writer.add_tensor(f"{name}.weight", raw, raw_dtype=kind)
    writer.add_tensor(f"{name}.scale", factor)
    writer.add_tensor(f"{name}.input_scale", np.array([3], np.float32))
    for ending in ("header_to_file", "kv_data_to_file", "tensors_to_file"):
        getattr(writer, f"write_{ending}")()
    writer.close()
    found = contents(LocalFile(tmp_path / "m.gguf"), LocalFolder(tmp_path)).tensors
    one = "model.layers.0.mlp.experts.{}.up_proj.weight" if stack else "model.layers.0.mlp.up_proj.weight"
    assert found.keys() == {one.format(e) for e in range(len(factor))}
    for e in range(len(factor)):
        expected = gguf.quants.dequantize(raw[e] if stack else raw, kind) * factor[e]
        np.testing.assert_array_equal(found[one.format(e)].read(), expected)
        np.testing.assert_array_equal(found[one.format(e)].read(slice(1, 3)), expected[1:3])
