"""Which file: no set of weights is taken before another in silence, and what is no weights is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.checkpoints import LAYERS, Toy, raw_safetensors, toy, write_checkpoint
from tests.refusals import refused
from verify.checkpoint import open_checkpoint
from verify.checkpoint.places.place import LocalFolder
from verify.cli import main
from verify.fingerprint import fingerprint

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ONE = raw_safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"abcd")
OTHER = raw_safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"abce")


def stranger(model: Toy) -> Toy:
    """Other numbers under the same names."""
    return Toy({name: x + 1 for name, x in model.tensors.items()}, model.config, {})


def both(folder: Path, shards: Toy, single: Toy) -> Path:
    """A folder with an index, its shards, and a single file."""
    write_checkpoint(folder, shards, shards=2)
    save_file(single.tensors, folder / SINGLE)
    return folder


# Several sets in one folder


def test_a_single_file_beside_other_shards_is_a_question(tmp_path: Path) -> None:
    """It names both, and what loaders take; answering it by a path reads that one."""
    folder = both(tmp_path, stranger(toy()), toy())
    said = refused(folder)
    assert f"2 sets of weights that differ: {SINGLE!r}, {INDEX!r} with 2 shards" in said
    assert "transformers takes model.safetensors, diffusers the index" in said
    by_file, by_index = open_checkpoint(folder / SINGLE), open_checkpoint(folder / INDEX)
    down = by_file.read("down", 0)
    assert np.array_equal(down + 1, by_index.read("down", 0))
    assert [len(one.files(read=False)) for one in (by_file, by_index)] == [1, 2]


def test_sets_that_hold_the_same_are_one_and_the_rest_is_named(tmp_path: Path) -> None:
    """In the model and in its fingerprint."""
    folder = both(tmp_path, toy(), toy())
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "optimizer.pt").write_bytes(b"no weights")
    shards = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    expected = (*shards, INDEX, "pytorch_model.bin")
    assert open_checkpoint(folder).not_read == expected
    record = fingerprint(folder).record
    assert ([file.name for file in record.files], record.not_read) == ([SINGLE], expected)


def test_one_bit_makes_two_sets_differ(tmp_path: Path) -> None:
    """Names, shapes and all other bytes being equal."""
    model = toy()
    other = {name: x.copy() for name, x in model.tensors.items()}
    next(iter(other.values())).view(np.uint32).flat[-1] ^= 1
    assert "that differ" in refused(both(tmp_path, model, Toy(other, model.config, {})))


@pytest.mark.parametrize(
    "names",
    [
        ("model.safetensors", "consolidated.safetensors"),
        ("model.safetensors", "model.fp16.safetensors"),
        ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.non_ema.safetensors"),
        ("adapter_model.safetensors", "model.safetensors"),
        ("model-Q4_K_M.gguf", "model-Q8_0.gguf"),
        ("model.safetensors", "model.gguf"),
        ("model.onnx", "model_quantized.onnx"),
    ],
)
def test_variants_are_a_question(tmp_path: Path, names: tuple[str, str]) -> None:
    """Whatever the kind of the second set."""
    for name, content in zip(names, (ONE, OTHER), strict=True):
        (tmp_path / name).write_bytes(content)
    said = refused(tmp_path)
    assert all(name in said for name in ("2 sets of weights that differ", *names))


def test_the_file_that_config_json_names_is_said_to_be_taken(tmp_path: Path) -> None:
    """transformers reads ``transformers_weights`` before anything else."""
    folder = write_checkpoint(tmp_path, toy())
    save_file(stranger(toy()).tensors, folder / "other.safetensors")
    (folder / "config.json").write_text(json.dumps(toy().config | {"transformers_weights": "other.safetensors"}))
    assert "transformers takes 'other.safetensors', which config.json names" in refused(folder)


def test_what_is_small_beside_a_model_is_no_second_one(tmp_path: Path) -> None:
    """It is named; an adapter, and the usual name, are asked about however small."""
    folder = write_checkpoint(tmp_path / "m", toy())
    (folder / "value_head.safetensors").write_bytes(ONE)
    assert open_checkpoint(folder).not_read == ("value_head.safetensors",)
    (folder / "adapter_model.safetensors").write_bytes(ONE)
    assert "2 sets" in refused(folder)
    shutil.move(folder / SINGLE, folder / "large.safetensors")
    (folder / "adapter_model.safetensors").rename(folder / SINGLE)
    assert "2 sets" in refused(folder)


def test_a_stale_index_is_not_read(tmp_path: Path) -> None:
    """One whose shards are gone gives way to a whole set; one that leaves out a shard of its numbering is refused."""
    folder = both(tmp_path / "gone", stranger(toy()), toy())
    (folder / "model-00001-of-00002.safetensors").unlink()
    found = open_checkpoint(folder)
    assert [file.name for file in found.files(read=False)] == [SINGLE]
    assert found.not_read == ("model-00002-of-00002.safetensors", INDEX)
    partial = write_checkpoint(tmp_path / "partial", toy(), shards=2)
    weight_map = json.loads((partial / INDEX).read_text())["weight_map"]
    first = {name: file for name, file in weight_map.items() if "00001-of" in file}
    (partial / INDEX).write_text(json.dumps({"weight_map": first}))
    assert "names 1 shards and not 'model-00002-of-00002.safetensors'" in refused(partial)


def test_numbered_shards_need_no_index_if_all_are_there(tmp_path: Path) -> None:
    """Some savers write none."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    (folder / INDEX).unlink()
    assert open_checkpoint(folder).architecture.layers == LAYERS
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "is one of 2 shards, of which 1 are there" in refused(folder)


def test_a_link_to_nothing_is_no_second_set(tmp_path: Path) -> None:
    """As a pruned cache leaves behind."""
    folder = write_checkpoint(tmp_path, toy())
    (folder / "model.fp16.safetensors").symlink_to(tmp_path / "gone")
    (folder / INDEX).symlink_to(tmp_path / "gone")
    assert open_checkpoint(folder).architecture.layers == LAYERS


def test_the_projector_beside_a_language_model_is_named_only(tmp_path: Path) -> None:
    """llama.cpp keeps the image tower in a file of its own."""
    for name, content in (("mmproj-model-f16.gguf", ONE), ("model.gguf", OTHER)):
        (tmp_path / name).write_bytes(content)
    assert "model.gguf begins with" in refused(tmp_path)


# What lies in the place of weights


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1448\n",
            "Git LFS pointer",
        ),
        (b"<!DOCTYPE html><html>Invalid credentials</html>", "web page"),
        (b"\n <html>", "web page"),
        (b"Entry not found: and so on", "is text"),
        (b'{"error": "Invalid credentials"}', "is text"),
        (b"PK\x03\x04" + bytes(30), "zip archive"),
        (b"\x80\x02}q\x00" + bytes(30), "pickle"),
        (b"\x1f\x8b\x08" + bytes(30), "gzip"),
        (b"GGUF" + bytes(30), "GGUF file"),
        (bytes(4096), "zeros"),
        (b"", "empty"),
        (raw_safetensors({}), "holds no tensor"),
        (raw_safetensors({"__metadata__": {"format": "pt"}}), "holds no tensor"),
    ],
)
def test_what_is_no_weights_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    """With the way out."""
    (tmp_path / SINGLE).write_bytes(content)
    assert says in refused(tmp_path)


def test_placeholders_of_zero_3_are_named(tmp_path: Path) -> None:
    """Matrices were kept in parts, small vectors whole."""
    folder = write_checkpoint(tmp_path, toy())
    tensors = load_file(folder / SINGLE)
    save_file({n: x if x.ndim == 1 else np.zeros(0, np.float32) for n, x in tensors.items()}, folder / SINGLE)
    assert "DeepSpeed ZeRO-3" in refused(folder)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("mp_rank_00_model_states.pt", "mp_rank_01_model_states.pt"), "Megatron and DeepSpeed"),
        (("layer_00-model_00-model_states.pt",), "Megatron and DeepSpeed"),
        (("iter_0000500/common.pt",), "Megatron and DeepSpeed"),
        (("consolidated.00.safetensors", "consolidated.01.safetensors"), "2 slices of one model"),
        (("model0-mp2.safetensors", "model1-mp2.safetensors"), "2 slices of one model"),
        (("model-rank-0-part-0.safetensors", "model-rank-1-part-0.safetensors"), "2 ranks of tensor parallelism"),
        (("__0_0.distcp", "__1_0.distcp", ".metadata"), "distributed checkpoint"),
        (("model.weights.h5",), "Keras"),
        (("weights.npz",), "NumPy"),
        (("pytorch_model.pkl",), "is a pickle"),
    ],
)
def test_other_ways_to_keep_weights_are_named(tmp_path: Path, files: tuple[str, ...], says: str) -> None:
    """None of them is read."""
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(ONE)
    assert says in refused(tmp_path)


def test_parts_of_one_rank_are_the_model(tmp_path: Path) -> None:
    """As inference servers save it where it runs on one device."""
    folder = write_checkpoint(tmp_path, toy())
    whole = load_file(folder / SINGLE)
    (folder / SINGLE).unlink()
    for n in range(2):
        part = {name: x for i, (name, x) in enumerate(sorted(whole.items())) if i % 2 == n}
        save_file(part, folder / f"model-rank-0-part-{n}.safetensors")
    np.testing.assert_array_equal(open_checkpoint(folder).read("up", 1), toy().canonical["up", 1, None])


def test_the_first_module_of_sentence_transformers_is_the_model(tmp_path: Path) -> None:
    """In a folder of its own, as in older versions, or beside the others; their weights are listed as not read."""
    for first, where in (("0_Transformer", tmp_path / "older"), ("", tmp_path / "newer")):
        write_checkpoint(where / first, toy())
        (where / "modules.json").write_text("[]")
        for module in ("1_Pooling", "2_Dense", "10_Dense"):
            (where / module).mkdir()
        for module in ("2_Dense", "10_Dense"):
            save_file({"linear.weight": np.ones((2, 3), np.float32)}, where / module / SINGLE)
        checkpoint = open_checkpoint(where)
        assert checkpoint.architecture.family == "llama"
        assert checkpoint.not_read == (f"2_Dense/{SINGLE}", f"10_Dense/{SINGLE}")
        (where / "modules.json").unlink()
    assert "3 folders in it do" in refused(tmp_path / "older")


# One folder down, and names


def test_weights_one_folder_down_are_read_where_one_folder_has_them(tmp_path: Path) -> None:
    """And the folders are named where several do; hidden ones belong to tools."""
    write_checkpoint(tmp_path / "run" / "checkpoint-500", toy())
    write_checkpoint(tmp_path / "run" / ".cache", toy())
    (tmp_path / "run" / "logs").mkdir()
    assert open_checkpoint(tmp_path / "run").name == "run/checkpoint-500"
    write_checkpoint(tmp_path / "run" / "checkpoint-1000", toy())
    assert "2 folders in it do: 'checkpoint-1000', 'checkpoint-500'" in refused(tmp_path / "run")


def test_weights_beside_a_folder_of_weights_are_taken(tmp_path: Path) -> None:
    """Folders are looked into only where there is nothing above them, pickles that are not read included."""
    folder = write_checkpoint(tmp_path, toy())
    write_checkpoint(folder / "onnx", stranger(toy()))
    assert open_checkpoint(folder).name == folder.name
    (folder / SINGLE).rename(folder / "pytorch_model.pkl")
    assert "is a pickle" in refused(folder)


@pytest.mark.parametrize(
    ("below", "name"),
    [
        ("models--acme--child/snapshots/" + "ab" * 20, "acme/child"),
        ("models--gpt2/snapshots/" + "ab" * 20, "gpt2"),
        ("models--acme--a.b_c--d/snapshots/" + "ab" * 20, "acme/a.b_c--d"),
        ("models--acme--child/snapshots/" + "ab" * 20 + "/unet", "acme/child/unet"),
        ("models--acme--child/snapshots/main", "main"),
        ("models--acme--child/refs/" + "ab" * 20, "ab" * 20),
    ],
)
def test_a_folder_of_the_hub_s_cache_is_named_as_on_the_hub(tmp_path: Path, below: str, name: str) -> None:
    """By its organisation and model; other folders by their last part."""
    (tmp_path / below).mkdir(parents=True)
    assert LocalFolder(tmp_path / below).name == name


def test_a_name_of_two_parts_is_kept_in_a_fingerprint(tmp_path: Path) -> None:
    """It is no path."""
    snapshot = write_checkpoint(tmp_path / "models--acme--child" / "snapshots" / ("ab" * 20), toy())
    made = fingerprint(snapshot)
    made.save(tmp_path / "f.safetensors")
    assert fingerprint(tmp_path / "f.safetensors").record.name == made.record.name == "acme/child"


def test_inspect_lists_weights_that_are_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says which tokenizer was found."""
    folder = write_checkpoint(tmp_path, toy(), files={"vocab.json": "{}"})
    (folder / "pytorch_model.bin").write_bytes(b"")
    for option in ((), ("--json",)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["verify", "inspect", str(folder), *option])
            main()
    page, _, content = capsys.readouterr().out.partition("{")
    assert "tokenizer: vocab.json\n" in page
    assert "1 files of weights not read:\n  pytorch_model.bin" in page
    found = json.loads("{" + content)
    assert (found["not_read"], found["tokenizer"]) == (["pytorch_model.bin"], "vocab.json")
