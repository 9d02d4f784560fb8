"""A trained model of every family of the zoo: those that ship with the library, and those of ``families.toml``."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from verify.data import model

from .zoo.__main__ import CACHE
from .zoo.build import Recipe, build
from .zoo.changes.roles import Arrays

RECIPE = Recipe.read(Path(__file__).parent / "zoo" / "families.toml")
SCALE = "small"
SHIPPED = {"Llama": "reference", "Qwen2-MoE": "moe-fine", "GPT-2": "gpt2-reference"}
BUILT = {"Qwen2": "qwen2", "Pangu Pro MoE": "pangu", "BERT": "bert", "DeepSeek": "latent"}


def argument(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the models that do not ship."""
    parser.add_argument(
        "--zoo", type=Path, default=CACHE / "families", help="folder of trained models; absent ones are trained"
    )


def folders(zoo: Path) -> dict[str, Path]:
    """Folder of a model of every family, trained first where it is absent."""
    build(RECIPE, zoo / SCALE, SCALE)
    shipped = {title: model(name) for title, name in SHIPPED.items()}
    return shipped | {title: zoo / SCALE / name for title, name in BUILT.items()}


def write(folder: Path, like: Path, weights: Arrays) -> Path:
    """A checkpoint with other weights; returns its folder."""
    folder.mkdir(exist_ok=True)
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(like / file, folder)
    contiguous = {name: np.ascontiguousarray(x) for name, x in weights.items()}
    save_file(contiguous, folder / "model.safetensors", {"format": "pt"})
    return folder
