"""``python -m benchmarks.offset_study``: the size of every exact test where entries have means, offsets or one sign.

Strangers of random weights, written as checkpoints and read again, so that what the sketch makes of a common mean is
what is tested. Writes ``tables/offsets.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

import verify
from verify.inference import log10_p_signs
from verify.statistics import EXACT_TESTS
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.blocks import BlockReader, agreement, unit_pairs, values
from verify.statistics.stream_identity import correlations_of_dimensions
from verify.statistics.swaps import differences

from .pages import publish
from .zoo.build import tokenizer
from .zoo.config import Config

LEVELS = (0.05, 0.01, 0.001)
SHAPE = Config(family="llama", layers=2, width=64, hidden=96, heads=4, kv_heads=2, vocab=256)
GROUP = 16
"""Inputs that share a scale."""

Array = NDArray[np.float64]
Offset = Callable[[Array, float, np.random.Generator], Array]
"""A matrix with independent entries of mean 0 and standard deviation 1, and the strength, to one with an offset."""


def _common(x: Array, strength: float, _: np.random.Generator) -> Array:
    return x + strength


def _rows(x: Array, strength: float, rng: np.random.Generator) -> Array:
    return x + strength * rng.standard_normal((len(x), 1))


def _columns(x: Array, strength: float, rng: np.random.Generator) -> Array:
    return x + strength * rng.standard_normal((1, x.shape[1]))


def _public_columns(x: Array, strength: float, _: np.random.Generator) -> Array:
    return x + strength * np.cos(np.arange(x.shape[1]))


def _positive(x: Array, strength: float, rng: np.random.Generator) -> Array:
    """Uniform on (0, 1) from half a standard deviation on, else partly positive."""
    return rng.uniform(-1, 1, x.shape) + min(1.0, 2 * strength)


def _quantised(x: Array, strength: float, _: np.random.Generator) -> Array:
    """Four bits in groups of inputs, decoded with a zero point that is ``strength`` codes off."""
    groups = x.reshape(len(x), -1, GROUP)
    scale = np.abs(groups).max(-1, keepdims=True) / 7.5
    decoded: Array = (np.clip(np.round(groups / scale), -8, 7) + strength) * scale
    return decoded.reshape(x.shape)


def _hubs(x: Array, strength: float, rng: np.random.Generator) -> Array:
    """Three directions in which all rows lie on one side, of rows of unequal length."""
    sides = np.abs(rng.standard_normal((len(x), 3))) @ rng.standard_normal((3, x.shape[1]))
    return (x + strength * sides) * np.exp(rng.standard_normal((len(x), 1)))


def _constant(x: Array, strength: float, _: np.random.Generator) -> Array:
    return np.full_like(x, strength)


OFFSETS: dict[str, Offset] = {
    "common mean": _common,
    "means of rows": _rows,
    "means of columns": _columns,
    "means of columns, the same in all models": _public_columns,
    "uniform, up to all positive": _positive,
    "zero point off by so many codes": _quantised,
    "three one-sided directions, heavy rows": _hubs,
    "constant": _constant,
}


STRENGTHS: dict[str, tuple[float, ...]] = dict.fromkeys(OFFSETS, (1.0,)) | {
    "common mean": (0.1, 1.0, 10.0),
    "zero point off by so many codes": (1.0, 10.0),
}
SIGNS = ("signs singly", "signs by differences", "stream singly", "stream by differences")
ONE_SIDED = ("common mean", "zero point off by so many codes")


def write(folder: Path, rng: np.random.Generator, offset: Offset | None = None, strength: float = 0.0) -> Path:
    """A model of random weights, all of whose matrices have the offset; returns its folder."""
    c = SHAPE
    shapes = {"model.embed_tokens.weight": (c.vocab, c.width), "lm_head.weight": (c.vocab, c.width)}
    tensors: dict[str, Any] = {"model.norm.weight": rng.uniform(0.5, 1.5, c.width)}
    for i in range(c.layers):
        at, kv = f"model.layers.{i}.", c.kv_heads * c.head_size
        shapes |= {
            f"{at}self_attn.{r}_proj.weight": (n, c.width)
            for r, n in zip("qkvo", (c.width, kv, kv, c.width), strict=True)
        }
        shapes |= {f"{at}mlp.{role}_proj.weight": (c.hidden, c.width) for role in ("gate", "up")}
        shapes[f"{at}mlp.down_proj.weight"] = c.width, c.hidden
        for norm in ("input", "post_attention"):
            tensors[f"{at}{norm}_layernorm.weight"] = rng.uniform(0.5, 1.5, c.width)
    for name, shape in shapes.items():
        x = rng.standard_normal(shape)
        tensors[name] = 0.05 * (x if offset is None else offset(x, strength, rng))
    folder.mkdir(parents=True)
    save_file({name: x.astype(np.float32) for name, x in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(c.huggingface()))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(range(256)), ensure_ascii=False), "utf-8")
    return folder


def chain(folder: Path, seed: int, offsets: Iterable[Offset | None], strength: float) -> Iterator[verify.Fingerprint]:
    """Strangers with these offsets, one after another; each model with the one before it is a pair.

    A model is drawn after those before it, and its law given them is invariant, so the p-values of the pairs are as
    those of pairs drawn for themselves.
    """
    rng = np.random.default_rng(seed)
    for i, offset in enumerate(offsets):
        path = write(folder / f"{i}", rng, offset, strength)
        yield verify.fingerprint(path, effort="standard")
        shutil.rmtree(path)


def signs(a: verify.Fingerprint, b: verify.Fingerprint) -> dict[str, float]:
    """log10 p of signs, none set aside: one index at a time, which a common mean makes agree, and by differences."""
    products = [x for component in (unit_pairs, values) for x in _products(component, a, b)]
    cosines = correlations_of_dimensions(*on_shared_anchors(a, b))
    found = {}
    for what, arrays in (("signs", products), ("stream", [np.where(np.isfinite(cosines), cosines, 0.0)])):
        found[f"{what} singly"] = _p([x.diagonal() for x in arrays])
        found[f"{what} by differences"] = _p([differences(x, np.ones(len(x), dtype=bool)) for x in arrays])
    return found


def _p(parts: list[Array]) -> float:
    numbers = np.concatenate(parts)
    agreeing, opposed = int((numbers > 0).sum()), int((numbers < 0).sum())
    return log10_p_signs(agreeing, agreeing + opposed)


def _products(component: BlockReader, a: verify.Fingerprint, b: verify.Fingerprint) -> list[Array]:
    """Of the blocks of one layer and slot."""
    grid = component(b)
    return [agreement(block, grid[layer][slot]) for layer, row in component(a).items() for slot, block in row.items()]


def main() -> None:
    """Draw, test and tabulate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offset_study", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="pairs per row")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rows = [("none", 0.0, True)]
    rows += [(kind, strength, True) for kind, strengths in STRENGTHS.items() for strength in strengths]
    rows += [(kind, 1.0, False) for kind in ONE_SIDED]
    columns = [*(test.id for test in EXACT_TESTS), *SIGNS]
    with ProcessPoolExecutor(options.workers) as pool:
        found = []
        for row in pool.map(_row, [(n, *row, options.pairs) for n, row in enumerate(rows)]):
            found.append(row)
            print(row, flush=True)
    publish("offsets", {"pairs": options.pairs, "levels": LEVELS, "columns": columns, "rows": found})


def _row(job: tuple[int, str, float, bool, int]) -> dict[str, Any]:
    """Pairs rejected at each level, by test and by the signs one at a time; and pairs with signs set aside."""
    number, kind, strength, both, pairs = job
    found: dict[str, list[float]] = {}
    aside = 0
    with tempfile.TemporaryDirectory() as folder:
        offsets = [OFFSETS.get(kind) if both or i % 2 == 0 else None for i in range(pairs + 1)]
        for a, b in pairwise(chain(Path(folder), number, offsets, strength)):
            results = [test(a, b) for test in EXACT_TESTS]
            aside += any(result.set_aside for result in results)
            for name, log10_p in ({r.id: r.log10_p for r in results} | signs(a, b)).items():
                found.setdefault(name, []).append(0.0 if log10_p is None else log10_p)
    rejected = {name: [int(np.sum(np.array(x) <= np.log10(level))) for level in LEVELS] for name, x in found.items()}
    row = {"offset": kind, "strength": strength, "models": "both" if both else "one"}
    return row | {"rejected": rejected, "set_aside": aside}


if __name__ == "__main__":
    main()
