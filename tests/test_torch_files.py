"""A file of torch.save is read as a safetensors file of the same tensors is, number by number."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.checkpoints import DTYPES, LAYERS, Toy, toy, write_checkpoint
from tests.places import everything, own_cache, web
from tests.refusals import refused
from tests.server import Server
from tests.torch_files import HOOKS, Call, Global, TorchFile, saved, tensor, write
from verify import test_lineage as compared
from verify.base import UnsupportedError
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.formats.safetensors_file import contents as of_safetensors
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.formats.torch_file import contents
from verify.checkpoint.places.place import LocalFile
from verify.fingerprint import fingerprint

__all__ = ["own_cache", "web"]
SAVED = Path(__file__).parent / "torch_saved"
BIN = "pytorch_model.bin"


def read(path: Path) -> dict[str, Tensor]:
    """Tensors of a file of torch.save."""
    return contents(LocalFile(path)).tensors


def bytes_of(tensor: Tensor) -> tuple[str, tuple[int, ...], bytes]:
    """Everything that identifies a tensor."""
    return tensor.dtype, tensor.shape, b"".join(tensor.iter_bytes())


def as_bin(folder: Path, model: Toy, dtype: str = "F32", root: str | None = None, **options: Any) -> Path:
    """A checkpoint folder whose weights are one file of torch.save, perhaps with the state dict under a name."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(model.config))
    made = TorchFile(**options)
    state: Any = {name: made.add(x.astype(DTYPES[dtype])) for name, x in model.tensors.items()}
    (folder / BIN).write_bytes(made.content({"epoch": 1, root: state} if root else state))
    return folder


# What torch wrote


@pytest.mark.parametrize("name", ["views.pt", "views_protocol_5.pt", "views_before_1_6.pt"])
def test_every_type_and_view_that_torch_saved_is_read(name: str) -> None:
    """As safetensors holds it: names, types, shapes and bytes, and the numbers where floats are read."""
    found, expected = read(SAVED / name), of_safetensors(LocalFile(SAVED / "views.safetensors")).tensors
    if "before" in name:
        expected = {one: wanted for one, wanted in expected.items() if not wanted.dtype.startswith("F8")}
    assert found.keys() == expected.keys()
    for one, wanted in expected.items():
        assert bytes_of(found[one]) == bytes_of(wanted), one
        assert found[one].nbytes() == wanted.nbytes()
        if wanted.dtype[0] in "FB" and wanted.dtype != "BOOL":
            assert found[one].read().tobytes() == wanted.read().tobytes(), one


@pytest.mark.parametrize("name", ["training.ckpt", "training_before_1_6.ckpt"])
def test_of_a_training_checkpoint_the_weights_are_read(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not what lies beside: state of the optimiser, counters, settings, arrays; what is left out is logged."""
    with caplog.at_level(logging.INFO, "verify"):
        found = read(SAVED / name)
    expected = of_safetensors(LocalFile(SAVED / "training.safetensors")).tensors
    assert {name: bytes_of(x) for name, x in found.items()} == {name: bytes_of(x) for name, x in expected.items()}
    assert "'optimizer'" in caplog.text
    assert "'rng_state'" in caplog.text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("negated", "conjugates or negates"),
        ("conjugated", "conjugates or negates"),
        ("sparse", "a sparse tensor"),
        ("quantised", "a quantised tensor"),
        ("meta", "without numbers"),
        ("module", "torch.nn.modules.linear.Linear"),
        ("wrapper", "a tensor of a class of its own"),
        ("list", "holds 'list' where a dict"),
        ("array", "stores 'b' as 'numpy"),
        ("complex128", "torch.ComplexDoubleStorage"),
        ("script", "a TorchScript archive"),
    ],
)
def test_what_torch_saved_and_is_not_read_is_named(name: str, says: str) -> None:
    """With the way out."""
    with pytest.raises(UnsupportedError) as caught:
        read(SAVED / f"{name}.refused.pt")
    assert says in str(caught.value)
    assert "safetensors" in str(caught.value)


# Views of storages

KINDS = ["float32", "float64", "float16", "bfloat16", "float8_e5m2", "int64", "uint8"]


@st.composite
def views(draw: st.DrawFn) -> NDArray[Any]:
    """An array that looks at part of another, axes in any order."""
    shape = draw(st.lists(st.integers(1, 5), max_size=4))
    name = draw(st.sampled_from(KINDS))
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    x = np.arange(int(np.prod(shape)) * dtype.itemsize, dtype=np.uint8)
    array = (x * np.uint8(37)).view(dtype).reshape(shape)
    return array.transpose(draw(st.permutations(range(len(shape)))))


@st.composite
def looks(draw: st.DrawFn) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """An array, and a slice of it."""
    x = draw(views())
    steps = [st.slices(n).filter(lambda s: s.step is None or s.step > 0) for n in x.shape]
    return x, draw(st.tuples(*steps))


@given(looks(), st.sampled_from(["little", "big", None]), st.data())
def test_any_view_is_read_by_rows_and_columns(
    look: tuple[NDArray[Any], tuple[Any, ...]], byteorder: str | None, data: st.DataObject
) -> None:
    """As numpy reads the same view, whatever the order of bytes and axes; no byte beyond the storage is asked for."""
    x, chosen = look
    made = TorchFile(byteorder=byteorder)
    whole = made.add(x)
    part = x[chosen]
    # the same storage, seen through other offsets and strides
    where = [s.indices(n) for s, n in zip(chosen, x.shape, strict=True)]
    strides = whole.arguments[3]
    seen = tensor(
        "0",
        x.size,
        part.shape,
        tuple(step * stride for (_, _, step), stride in zip(where, strides, strict=True)),
        sum(start * stride for (start, _, _), stride in zip(where, strides, strict=True)) if part.size else 0,
        x.dtype.name,
    )
    file = in_memory(made.content({"whole": whole, "part": seen}))
    found = contents(file).tensors
    for name, array in {"whole": x, "part": part}.items():
        expected = np.ascontiguousarray(array).reshape(array.shape)
        assert b"".join(found[name].iter_bytes()) == expected.tobytes()
        if found[name].dtype not in ("I64", "U8"):
            rows = data.draw(st.none() | indices(array, 0))
            columns = data.draw(st.none() | indices(array, 1))
            wanted = expected if rows is None else expected[rows]
            wanted = wanted if columns is None else wanted[:, columns]
            wide = np.float32 if found[name].dtype.startswith(("F8", "BF")) else x.dtype
            with np.errstate(invalid="ignore"):
                assert found[name].read(rows, columns).tobytes() == wanted.astype(wide).tobytes()
                assert found[name].nbytes(rows, columns) == wanted.size * x.itemsize


def indices(x: NDArray[Any], axis: int) -> st.SearchStrategy[Any]:
    """A slice, or ascending indices, of an axis; None if there is none."""
    if x.ndim <= axis:
        return st.none()
    size = x.shape[axis]
    some = st.sets(st.integers(0, size - 1)) if size else st.just(set[int]())
    slices = st.slices(size).filter(lambda s: s.step is None or s.step > 0)
    return slices | some.map(lambda chosen: np.array(sorted(chosen), np.intp))


def in_memory(content: bytes) -> Any:
    """A file of bytes that refuses what is not there."""

    class Held:
        name, size = "model.pt", len(content)

        def read(self, ranges: Any) -> list[NDArray[np.uint8]]:
            assert all(0 <= start <= max(start, stop) <= len(content) for start, stop in ranges)
            return [np.frombuffer(content[start:stop], np.uint8) for start, stop in ranges]

    return Held()


def test_tied_tensors_are_read_from_one_storage(tmp_path: Path) -> None:
    """Each under its own name."""
    made = TorchFile()
    one = made.add(np.arange(6, dtype=np.float32).reshape(2, 3))
    turned = tensor("0", 6, (3, 2), (1, 3))
    found = read(write(tmp_path / "m.pt", {"a": one, "b": one, "c": turned}, made.entries))
    assert found["a"].read().tobytes() == found["b"].read().tobytes()
    assert np.array_equal(found["c"].read(), found["a"].read().T)


# Where the tensors are

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda x: {"a.weight": x}, {"a.weight"}),
        (lambda x: {"state_dict": {"a.weight": x}, "epoch": 1}, {"a.weight"}),
        (lambda x: {"run": {"model": {"a": {"weight": x, "bias": x}}, "seed": 1}}, {"weight", "bias"}),
        (lambda x: {"model": {"a": {"weight": x}, "b": {"weight": x}}}, {"a.weight", "b.weight"}),
        (lambda x: {"model": {"w": x}, "ema": {"w": x}}, {"model.w", "ema.w"}),
        (lambda x: {"module": {"w": x}, "optimizer": {"state": {"w": {"exp_avg": x}}}}, {"w"}),
        (lambda x: {"net": {"w": x}, "other": {"state": {"w": {"exp_avg": x}}, "param_groups": []}}, {"w"}),
        (lambda x: {"model": {"w": x}, "cuda_rng_state": x, "lr_scheduler": {"a": x}, "loops": {"b": x}}, {"w"}),
        (lambda x: {"optimizer.weight": x, "rng_state": x, "w": x}, {"optimizer.weight", "rng_state", "w"}),
        (lambda x: {"w": x, "_extra_state": None, "layer._extra_state": b"x", "n": 3}, {"w"}),
        (lambda x: {"w": x, 3: x, ("a",): x, None: x}, {"w"}),
        (lambda x: Call(Global("collections", "OrderedDict"), state={"_metadata": HOOKS}) if x else None, None),
    ],
)
def test_names_are_dotted_paths_without_what_all_share(tmp_path: Path, build: Any, names: set[str] | None) -> None:
    """And without state of training, which lies beside a state dict; inside one, names decide nothing."""
    made = TorchFile()
    path = write(tmp_path / "m.pt", build(made.add(X)), made.entries)
    if names is None:
        (tmp_path / BIN).write_bytes(path.read_bytes())
        path.unlink()
        assert "holds no dict of tensors" in refused(tmp_path)
    else:
        assert read(path).keys() == names


# Models


@pytest.mark.parametrize("family", ["llama", "qwen2_moe", "gpt2", "bert"])
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_a_model_is_the_same_in_both_formats(tmp_path: Path, family: str, dtype: str) -> None:
    """Canonical tensors, content digest and every number of the fingerprint."""
    model = toy(family)
    plain = write_checkpoint(tmp_path / "plain", model, dtype)
    pickled = as_bin(tmp_path / "pickled", model, dtype)
    assert everything(open_checkpoint(plain)) == everything(open_checkpoint(pickled))
    prints = [fingerprint(folder, effort="full") for folder in (plain, pickled)]
    assert prints[0].record.content_sha256 == prints[1].record.content_sha256
    assert prints[0].record.bytes_read == prints[1].record.bytes_read
    assert prints[0].arrays.keys() == prints[1].arrays.keys()
    assert all(np.array_equal(x, prints[1].arrays[name], equal_nan=True) for name, x in prints[0].arrays.items())
    assert compared(plain, pickled).verdict == "identical"


@pytest.mark.parametrize("kind", ["turned", "big", "wrapped", "parallel", "compiled", "lightning"])
def test_a_model_is_the_same_however_it_was_saved(tmp_path: Path, kind: str) -> None:
    """Transposed in memory, big-endian, under a name, under the prefixes of wrappers."""
    model = toy()
    plain = write_checkpoint(tmp_path / "plain", model)
    given = {
        "turned": Toy({n: np.asfortranarray(x) for n, x in model.tensors.items()}, model.config, {}),
        "parallel": model.prefixed("module."),
        "compiled": model.prefixed("_orig_mod."),
        "lightning": model.prefixed("net."),
    }.get(kind, model)
    root = {"wrapped": "state_dict", "lightning": "state_dict", "parallel": "model"}.get(kind)
    pickled = as_bin(tmp_path / "pickled", given, root=root, byteorder="big" if kind == "big" else "little")
    assert everything(open_checkpoint(plain)) == everything(open_checkpoint(pickled))
    assert compared(plain, pickled).verdict == "identical"


def test_a_model_and_its_average_are_two_parts(tmp_path: Path) -> None:
    """Told apart by the names that they are saved under; either can be asked for."""
    model, average = toy(), toy(seed=1)
    folder = as_bin(tmp_path / "m", model)
    made = TorchFile()
    root = {
        name: {n: made.add(x) for n, x in one.tensors.items()} for name, one in (("model", model), ("ema", average))
    }
    write(folder / BIN, root, made.entries)
    parts = {part.name for part in open_checkpoint(folder).parts}
    assert len(parts) == 2
    held = {part: everything(open_checkpoint(Location(str(folder), part=part)))["q", 0, None] for part in parts}
    expected = {one.canonical["q", 0, None].tobytes() for one in (model, average)}
    assert set(held.values()) == expected
    assert everything(open_checkpoint(folder))["q", 0, None] == model.canonical["q", 0, None].tobytes()


def test_a_quantised_model_is_decoded_as_from_safetensors(tmp_path: Path) -> None:
    """Conventions of names and scales do not depend on the file."""
    model, scale = toy(), np.float32(0.25)
    name = "model.layers.0.self_attn.q_proj.weight"
    codes = model.tensors[name].astype(ml_dtypes.float8_e4m3fn)
    folder = as_bin(tmp_path / "m", model)
    made = TorchFile()
    tensors = {n: x for n, x in model.tensors.items() if n != name} | {f"{name}_scale": np.full((1,), scale)}
    write(folder / BIN, {n: made.add(x) for n, x in (tensors | {name: codes}).items()}, made.entries)
    assert np.array_equal(open_checkpoint(folder).read("q", 0), codes.astype(np.float32) * scale)


# Folders


def sharded(folder: Path, model: Toy) -> Path:
    """Two shards and their index."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(model.config))
    shards = [f"pytorch_model-0000{n}-of-00002.bin" for n in (1, 2)]
    where = {name: shards[n % 2] for n, name in enumerate(sorted(model.tensors))}
    for shard in shards:
        (folder / shard).write_bytes(saved({n: x for n, x in model.tensors.items() if where[n] == shard}))
    (folder / f"{BIN}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder


def test_shards_are_one_model(tmp_path: Path) -> None:
    """With their index, without it, by the path of the index; never if one is missing or lies elsewhere."""
    model = toy()
    folder, plain = sharded(tmp_path / "m", model), write_checkpoint(tmp_path / "plain", model)
    expected = everything(open_checkpoint(plain))
    index = folder / f"{BIN}.index.json"
    assert everything(open_checkpoint(folder)) == everything(open_checkpoint(index)) == expected
    said = index.read_text()
    index.write_text(said.replace("pytorch_model-00002-of-00002.bin", "../pytorch_model-00002-of-00002.bin"))
    assert "expected a .bin file inside the folder" in refused(folder)
    index.write_text(said.replace("-00002-of-00002.bin", "-00002-of-00002.safetensors"))
    assert "expected a .bin file inside the folder" in refused(folder)
    index.unlink()
    assert everything(open_checkpoint(folder)) == expected
    (folder / "pytorch_model-00002-of-00002.bin").unlink()
    assert "is one of 2 shards" in refused(folder)


def test_a_folder_with_safetensors_is_read_from_them(tmp_path: Path) -> None:
    """The pickle beside them is named, and not opened, whatever it holds."""
    folder = write_checkpoint(tmp_path / "m", toy())
    (folder / BIN).write_bytes(saved(toy(seed=1).tensors))
    (folder / f"{BIN}.index.json").write_text("{")
    found = open_checkpoint(folder)
    assert np.array_equal(found.read("q", 0), toy().canonical["q", 0, None])
    assert found.not_read == (BIN, f"{BIN}.index.json")
    assert np.array_equal(open_checkpoint(folder / BIN).read("q", 0), toy(seed=1).canonical["q", 0, None])


def test_state_of_training_beside_a_model_is_no_second_one(tmp_path: Path) -> None:
    """Nor weights of another framework, which a folder of the Hub often holds too."""
    folder = as_bin(tmp_path / "run" / "checkpoint-5", toy())
    beside = (
        "optimizer.pt",
        "scheduler.pt",
        "training_args.bin",
        "rng_state.pth",
        "tf_model.h5",
        "flax_model.msgpack",
    )
    for name in beside:
        (folder / name).write_bytes(b"\x80\x02N.")
    (tmp_path / "run" / "training_args.bin").write_bytes(b"\x80\x02N.")
    found = open_checkpoint(tmp_path / "run")
    assert found.architecture.layers == LAYERS
    assert found.not_read == ("flax_model.msgpack", "tf_model.h5")
    (folder / "other.pt").write_bytes(saved(toy(seed=1).tensors))
    assert "2 sets of weights that differ" in refused(tmp_path / "run")


def test_slices_of_a_model_are_not_read_as_one(tmp_path: Path) -> None:
    """Except that the only one of its kind, as of a small Llama, is whole."""
    folder = as_bin(tmp_path / "m", toy())
    (folder / BIN).rename(folder / "consolidated.00.pth")
    assert open_checkpoint(folder).architecture.layers == LAYERS
    (folder / "consolidated.01.pth").write_bytes(saved(toy(seed=1).tensors))
    assert "2 slices of one model" in refused(folder)
    (folder / "consolidated.01.pth").unlink()
    (folder / "consolidated.00.pth").rename(folder / "mp_rank_00_model_states.pt")
    assert "Megatron and DeepSpeed" in refused(folder)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tf_model.h5", "Keras or TensorFlow weights, which is not read; if transformers wrote it"),
        ("flax_model.msgpack", "from_flax=True"),
        ("weights.pdparams", "Paddle weights, which is not read; convert it to safetensors"),
    ],
)
def test_other_frameworks_have_a_way_out(tmp_path: Path, name: str, says: str) -> None:
    """For the file, and for a folder that holds nothing else."""
    (tmp_path / name).write_bytes(b"x")
    for given_path in (tmp_path, tmp_path / name):
        assert says in refused(given_path)


def test_an_adapter_is_merged_as_from_safetensors(tmp_path: Path) -> None:
    """PEFT wrote adapter_model.bin before it wrote safetensors."""
    base = write_checkpoint(tmp_path / "base", toy())
    rng = np.random.default_rng(0)
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    shape = toy().canonical["q", 0, None].shape
    factors = {
        f"{module}.lora_A.weight": rng.standard_normal((2, shape[1])).astype(np.float32),
        f"{module}.lora_B.weight": rng.standard_normal((shape[0], 2)).astype(np.float32),
    }
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4}))
    (folder / "adapter_model.bin").write_bytes(saved(factors))
    found = open_checkpoint(Location(str(folder), base=str(base))).read("q", 0)
    a, b = factors.values()
    assert np.allclose(found, toy().canonical["q", 0, None] + 2 * b @ a, atol=1e-5)


# Elsewhere


def test_a_remote_file_is_read_by_ranges(tmp_path: Path, web: Server) -> None:
    """Opening takes the table, the pickle and a header for each tensor; reading takes the rows."""
    folder = as_bin(tmp_path / "m", toy())
    made = TorchFile()
    state = {name: made.add(x) for name, x in toy().tensors.items()}
    made.entries["data/unused"] = bytes(4_000_000)
    content = made.content({"state_dict": state})
    (folder / BIN).write_bytes(content)
    expected = everything(open_checkpoint(folder))
    web.files |= {f"/m/{path.name}": path.read_bytes() for path in folder.iterdir()}
    assert everything(open_checkpoint(f"{web.url}/m/{BIN}")) == expected
    asked = [one.range for one in web.of(BIN) if one.range]
    assert sum(stop - start for start, stop in asked) < 300_000 < len(content)
