"""Build a recipe of models: train and derive in order of dependence, write folders.

A finished folder is never built again, so an interrupted build resumes where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import tomllib
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save

from . import derive
from .changes import CHANGES
from .config import Config

Spec = dict[str, Any]

DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
_TRAINING = ("optimiser", "peak", "rank")
"""Settings that are handed on to training as they are."""
SHAPES = tomllib.loads((Path(__file__).parent / "shapes.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Recipe:
    """Models by name, each as its table of ``models.toml`` says, and the one they are compared with."""

    models: dict[str, Spec]
    reference: str = ""

    @staticmethod
    def read(path: Path) -> Recipe:
        """A recipe from a TOML file."""
        content = tomllib.loads(path.read_text("utf-8"))
        return Recipe({spec["name"]: spec for spec in content["model"]}, content.get("reference", ""))

    def with_strangers(self, count: int) -> Recipe:
        """The same recipe with further strangers, so that there are ``count`` named ``stranger-N``."""
        names = [f"stranger-{n}" for n in range(1, count + 1)]
        more = {n: {"name": n, "train": {"data": "code"}} for n in names if n not in self.models}
        return Recipe(self.models | more, self.reference)

    def ancestors(self, name: str) -> list[str]:
        """The models that must exist before this one can be made."""
        spec = self.models[name]
        names = [spec[key] for key in ("from", "teacher") if key in spec]
        return names + [other for step in spec.get("do", []) for other in step.get("merge", {})]

    def reference_of(self, name: str) -> str:
        """The model that this one is compared with in the truth table."""
        return str(self.models[name].get("reference", self.reference))

    def relation(self, name: str) -> str:
        """How a model is related to the one it is compared with: ``derived``, ``same seed`` or ``none``."""
        spec = self.models[name]
        return "derived" if "from" in spec else "same seed" if "seed_of" in spec else "none"

    def with_ancestors(self, names: list[str]) -> list[str]:
        """The named models and all that must be made before them, in order."""
        wanted: dict[str, None] = {}
        for name in names:
            wanted |= dict.fromkeys(self.with_ancestors(self.ancestors(name))) | {name: None}
        return list(wanted)


ZOO = Recipe.read(Path(__file__).parent / "models.toml")
HELD_OUT = Recipe.read(Path(__file__).parent / "held_out.toml")
STRANGERS = Recipe.read(Path(__file__).parent / "strangers.toml")


def build(recipe: Recipe, out: Path, scale: str, names: list[str] | None = None, *, workers: int = 2) -> None:
    """Build the named models (default: all) and what they start from, in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    waiting = recipe.with_ancestors(names or list(recipe.models))
    done = {name for name in waiting if (out / name / "lineage.json").exists()}
    waiting = [name for name in waiting if name not in done]
    running: dict[Future[str], str] = {}
    with ProcessPoolExecutor(workers) as pool:
        while waiting or running:
            for name in [n for n in waiting if done.issuperset(recipe.ancestors(n))]:
                waiting.remove(name)
                running[pool.submit(build_one, recipe, out, scale, name)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                print(future.result(), flush=True)


def build_one(recipe: Recipe, out: Path, scale: str, name: str) -> str:
    """Build one model whose ancestors are already in ``out``; returns a line for the log."""
    started, model = time.perf_counter(), begin(recipe, out, scale, name)
    weights, loss = model.weights, None
    if model.steps:
        import torch

        from .train import train

        tensors, loss = train(
            {key: torch.from_numpy(value) for key, value in model.weights.items()},
            model.config,
            data=model.data,
            steps=model.steps,
            seed=seed(name + "/order"),
            teacher=model.teacher,
            **{key: value for key, value in recipe.models[name]["train"].items() if key in _TRAINING},
        )
        weights = {key: value.numpy() for key, value in tensors.items()}
    finish(recipe, out, scale, model, weights, loss)
    return f"{name}: {time.perf_counter() - started:.0f} s" + ("" if loss is None else f"  loss {loss:.3f}")


@dataclass(frozen=True)
class Unfinished:
    """A model before training: where it starts from, and what it is to be trained on."""

    name: str
    config: Config
    weights: derive.Arrays
    rng: np.random.Generator
    data: str
    steps: int
    """0 where nothing is trained."""
    teacher: tuple[Any, Config] | None


def begin(recipe: Recipe, out: Path, scale: str, name: str) -> Unfinished:
    """Initialise or derive a model whose ancestors are in ``out``."""
    spec, rng = recipe.models[name], np.random.default_rng(seed(name + "/surgery"))
    weights, config = _start(out, spec, configuration(spec, scale), rng)
    training = spec.get("train", {})
    return Unfinished(
        name=name,
        config=config,
        weights=weights,
        rng=rng,
        data=training.get("data", ""),
        steps=round(training.get("steps", 1.0) * SHAPES["scale"][scale]["steps"]) if training else 0,
        teacher=read(out, spec["teacher"], torch=True) if "teacher" in spec else None,
    )


def finish(
    recipe: Recipe, out: Path, scale: str, model: Unfinished, weights: derive.Arrays, loss: float | None
) -> None:
    """Write a trained model with the truth about it."""
    from .corpus import digest

    spec, config = recipe.models[model.name], model.config
    order = np.arange(config.vocab)
    if spec.get("shuffle_vocabulary"):
        order = model.rng.permutation(config.vocab)
        weights = derive.shuffle_vocabulary(weights, order)
    truth = {
        "name": model.name,
        "scale": scale,
        "starts_from": recipe.ancestors(model.name),
        "reference": recipe.reference_of(model.name),
        "detects": spec.get("detects", []),
        "data": model.data or None,
        "data_sha256": digest(model.data) if model.data else None,
        "loss": loss,
        "network": config.to_dict(),
    }
    documents = {"config.json": config.huggingface(), "tokenizer.json": tokenizer(order), "lineage.json": truth}
    write(out, model.name, weights, documents, spec.get("dtype", "F32"))


def configuration(spec: Spec, scale: str) -> Config:
    """The network of a model: the scale's counts times the architecture's factors, or counts of its own."""
    shape = {key: value for key, value in SHAPES["scale"][scale].items() if key not in ("steps", "strangers")}
    architecture = dict(SHAPES["architecture"][spec.get("architecture", "base")])
    for key in ("layers", "width", "hidden"):
        shape[key] = round(shape[key] * architecture.pop(key, 1))
    if "shared" in architecture:
        architecture["shared"] = round(SHAPES["scale"][scale]["hidden"] * architecture["shared"])
    if "latent" in architecture:
        for key in ("latent", "latent_query"):
            architecture[key] = round(shape["width"] * architecture[key])
        architecture["turned"] = round(shape["width"] // shape["heads"] * architecture["turned"])
    return Config(**(shape | architecture | spec.get("shape", {})))


def seed(name: str) -> int:
    """Seed of a purpose: the first eight bytes of sha256 of its name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def _start(out: Path, spec: Spec, config: Config, rng: np.random.Generator) -> tuple[derive.Arrays, Config]:
    """The weights before training."""
    if "from" not in spec:
        return _fresh(config, spec.get("seed_of", spec["name"])), config
    weights, source = read(out, spec["from"])
    for step in spec.get("do", []):
        ((action, value),) = step.items()
        if action == "prune":
            weights = derive.prune(weights, value)
        elif action == "quantise":
            weights = derive.quantise(weights, value)
        elif action == "merge":
            shares = [1 - sum(value.values()), *value.values()]
            weights = derive.merge([weights, *(read(out, other)[0] for other in value)], shares)
        elif action == "drop_layers":
            weights, source = derive.drop_layers(weights, source, value)
        elif action == "reinitialise":
            weights = derive.replace_layers(weights, _fresh(source, spec["name"]), value)
        elif action == "reinitialise_body":
            weights = derive.replace_body(weights, _fresh(source, spec["name"]))
        elif action == "upcycle":
            weights, source = derive.upcycle(weights, _fresh(config, spec["name"]), config, rng), config
        else:
            weights = CHANGES[action](weights, source, rng)
    return weights, source


def _fresh(config: Config, name: str) -> derive.Arrays:
    from .networks import initial

    return {key: value.numpy() for key, value in initial(config, seed(name)).items()}


def read(out: Path, name: str, *, torch: bool = False) -> tuple[Any, Config]:
    """The weights of a built model, in single precision, and its network."""
    config = Config(**json.loads((out / name / "lineage.json").read_text())["network"])
    arrays = {k: v.astype(np.float32) for k, v in load_file(out / name / "model.safetensors").items()}
    if not torch:
        return arrays, config
    from torch import from_numpy

    return {key: from_numpy(value) for key, value in arrays.items()}, config


def write(out: Path, name: str, weights: derive.Arrays, documents: dict[str, Spec | str], dtype: str) -> None:
    """Write the folder of a model, which appears whole or not at all.

    Parameters
    ----------
    out : folder of all models.
    name : of the model.
    weights : arrays by name.
    documents : further files by name, as text or as content for JSON.
    dtype : what weights are rounded to: F32, F16 or BF16.
    """
    part = out / f".{name}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    arrays = {key: np.ascontiguousarray(value.astype(DTYPES[dtype])) for key, value in weights.items()}
    (part / "model.safetensors").write_bytes(save(arrays, metadata={"format": "pt"}))
    for file, content in documents.items():
        said = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (part / file).write_text(said, "utf-8")
    part.rename(out / name)


def tokenizer(order: Any) -> Spec:
    """``tokenizer.json`` of a byte-level vocabulary; id ``i`` is byte ``order[i]``."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    spelling = {b: chr(b) for b in visible} | {b: chr(256 + n) for n, b in enumerate(hidden)}
    return {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {spelling[int(b)]: i for i, b in enumerate(order)},
            "merges": [],
        },
    }
