"""Evasions that need no training: one function each, of weights and a strength, and the registry of all.

Each takes the weights of a Llama of the zoo, its network, a strength, a generator and the weights of a stranger, and
gives other weights and their network. Strength 0 changes nothing. Those marked ``free`` keep the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..zoo import derive
from ..zoo.build import ZOO
from ..zoo.changes import ALL, CHANGES, changed, heads, stream
from ..zoo.changes.draws import basis, turns
from ..zoo.changes.roles import Arrays, Roles, roles, stored
from ..zoo.changes.tokens import UNUSED
from ..zoo.config import Config
from .spreads import reverse_spreads

Rng = np.random.Generator
Strength = float | str
Attacked = tuple[Arrays, Config]

_UNITS = ("unit_order", "unit_signs")
_VALUES = ("value_order", "value_signs", "value_basis")
_HEADS = ("head_order", "query_order")
_STREAM = ("stream_signs", "stream_order", "stream_rotation")
GROUPS = {
    "units": _UNITS,
    "value channels": _VALUES,
    "heads": _HEADS,
    "stream": _STREAM,
    "phases": ("phases",),
    "unused rows": ("unused_redrawn",),
}
"""Changes that keep the function, by what they hide."""
HIDDEN_BUT_TWO = tuple(next(iter(step)) for step in ZOO.models["obfuscated"]["do"])
"""The changes of the zoo's model ``obfuscated``: all but phases and unused rows."""


@dataclass(frozen=True)
class Evasion:
    """One way to hide a copy."""

    title: str
    unit: str
    """What a strength is."""
    strengths: tuple[Strength, ...]
    do: Callable[[Arrays, Config, Strength, Rng, Arrays], Attacked]
    free: bool = False
    """Whether the function is kept at every strength."""
    repaired: tuple[Strength, ...] = ()
    """Strengths after which a short training repairs the copy, in cells of their own."""


def of_layers(names: tuple[str, ...], w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """Changes that stay inside a layer, in a share of the layers."""
    chosen = rng.permutation(c.layers)[: round(share * c.layers)]
    after = changed(w, c, rng, *names)
    return {n: after[n] if any(f".layers.{i}." in n for i in chosen) else x for n, x in w.items()}, c


def rotated(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """Gains folded and the stream rotated: in random planes, by angles up to a share of half a turn."""
    found, n = roles(w, c), c.width
    stream.folded_gains(found, c, rng)
    planes = basis(n, rng)
    angles = rng.uniform(-np.pi * share, np.pi * share, n // 2)
    stream.multiply(found, c, planes.T @ turns(angles, interleaved=False) @ planes)
    return stored(found, c), c


def turned(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """Rotary planes turned by angles up to a share of half a turn."""

    def draw(n: int, rng: Rng) -> np.ndarray:
        return turns(rng.uniform(-np.pi * share, np.pi * share, n // 2), interleaved=heads.interleaved(c))

    found = roles(w, c)
    heads.turn(found, c, rng, draw)
    return stored(found, c), c


def redrawn(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """A share of the rows of unused tokens drawn anew."""
    after = changed(w, c, rng, "unused_redrawn")
    kept = rng.permutation(UNUSED)[round(share * len(UNUSED)) :]
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        after[name][kept] = w[name][kept]
    return after, c


def everything(w: Arrays, c: Config, but: str, rng: Rng, _other: Arrays) -> Attacked:
    """Every change that keeps the function, but those of one group."""
    left = GROUPS[but.removeprefix("all but ")] if but != "all changes" else ()
    return changed(w, c, rng, *(n for n in ALL if CHANGES[n].applies(c) and n not in left)), c


def upside_down(w: Arrays, c: Config, _which: str, _rng: Rng, _other: Arrays) -> Attacked:
    """The spreads of attention weights by layer turned upside down, which the disputed statistic reads."""
    found = roles(w, c)
    reverse_spreads(found, c)
    return stored(found, c), c


def noisy(w: Arrays, c: Config, size: float, rng: Rng, _other: Arrays) -> Attacked:
    """Gaussian noise on every matrix, in standard deviations of its entries."""
    return {
        n: (x + size * x.std() * rng.standard_normal(x.shape)).astype(np.float32) if x.ndim > 1 else x
        for n, x in w.items()
    }, c


def pruned(w: Arrays, c: Config, share: float, _rng: Rng, _other: Arrays) -> Attacked:
    """The smallest entries of each projection set to zero."""
    return derive.prune(w, share), c


def rounded(w: Arrays, c: Config, bits: float, _rng: Rng, _other: Arrays) -> Attacked:
    """Each row of each projection rounded to integers of so many bits; 0 bits stands for no rounding."""
    return (derive.quantise(w, int(bits)) if bits else w), c


def merged(w: Arrays, c: Config, share: float, _rng: Rng, other: Arrays) -> Attacked:
    """Linear interpolation with a stranger."""
    return derive.merge([w, other], [1 - share, share]), c


def reinitialised(w: Arrays, c: Config, count: float, rng: Rng, _other: Arrays) -> Attacked:
    """Whole layers drawn anew."""
    return derive.replace_layers(w, fresh(w, rng), rng.permutation(c.layers)[: int(count)].tolist()), c


def reset(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """Of every projection, a share of the singular directions, the weakest first, drawn anew with their values."""

    def one(x: np.ndarray) -> np.ndarray:
        u, s, v = np.linalg.svd(x, full_matrices=False)
        k = len(s) - round(share * len(s))
        left, right = (np.linalg.qr(rng.standard_normal((n, len(s) - k)))[0] for n in x.shape)
        return (x - (u[:, k:] * s[k:]) @ v[k:] + (left * s[k:]) @ right.T).astype(np.float32)

    return {n: one(x) if "_proj" in n else x for n, x in w.items()}, c


def narrower(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """A share of the hidden units of every MLP removed, the others in their order."""
    found, kept = roles(w, c), c.hidden - round(share * c.hidden)
    for i in range(c.layers):
        _take(found, i, np.sort(rng.permutation(c.hidden)[:kept]))
    after = replace(c, hidden=kept)
    return stored(found, after), after


def wider(w: Arrays, c: Config, share: float, rng: Rng, _other: Arrays) -> Attacked:
    """Idle hidden units put at random places among the others: rows like theirs, and columns of zeros."""
    found, more = roles(w, c), round(share * c.hidden)
    for i in range(c.layers):
        for key in ("gate", "up"):
            rows = found[f"{i}.{key}"]
            drawn = rows.std() * rng.standard_normal((more, c.width))
            found[f"{i}.{key}"] = np.concatenate([rows, drawn])
        found[f"{i}.down"] = np.pad(found[f"{i}.down"], ((0, 0), (0, more)))
        places = np.full(c.hidden + more, c.hidden)
        old = np.sort(rng.permutation(c.hidden + more)[: c.hidden])
        places[old] = np.arange(c.hidden)
        places[np.setdiff1d(np.arange(c.hidden + more), old)] += np.arange(more)
        _take(found, i, places)
    after = replace(c, hidden=c.hidden + more)
    return stored(found, after), after


def shallower(w: Arrays, c: Config, count: float, rng: Rng, _other: Arrays) -> Attacked:
    """Whole layers removed."""
    return derive.drop_layers(w, c, rng.permutation(c.layers)[: int(count)].tolist())


def deeper(w: Arrays, c: Config, count: float, rng: Rng, _other: Arrays) -> Attacked:
    """Idle layers, which write nothing to the stream, put between the others."""
    after = replace(c, layers=c.layers + int(count))
    old = np.sort(rng.permutation(after.layers)[: c.layers]).tolist()
    drawn = fresh(w, rng)
    new = {n: x for n, x in w.items() if ".layers." not in n}
    for i in range(after.layers):
        source, j = (w, old.index(i)) if i in old else (drawn, 0)
        for name in (n for n in w if f".layers.{j}." in n):
            idle = i not in old and name.endswith(("o_proj.weight", "down_proj.weight"))
            new[name.replace(f".layers.{j}.", f".layers.{i}.")] = source[name] * np.float32(not idle)
    return new, after


def together(w: Arrays, c: Config, level: float, rng: Rng, other: Arrays) -> Attacked:
    """Noise, pruning and rounding, all stronger with each level."""
    if not level:
        return w, c
    w, _ = noisy(w, c, 0.25 * level, rng, other)
    w, _ = pruned(w, c, 0.25 * level, rng, other)
    return rounded(w, c, 6 - level, rng, other)


def hidden_then_noisy(w: Arrays, c: Config, size: float, rng: Rng, other: Arrays) -> Attacked:
    """Units, channels, heads and stream hidden, but phases and unused rows forgotten; then noise."""
    return noisy(changed(w, c, rng, *HIDDEN_BUT_TWO), c, size, rng, other)


def fresh(w: Arrays, rng: Rng) -> Arrays:
    """Weights as at the start of a training: Gaussian, gains 1."""
    return {
        n: (0.02 * rng.standard_normal(x.shape) if x.ndim > 1 else np.ones_like(x)).astype(np.float32)
        for n, x in w.items()
    }


def _take(found: Roles, i: int, units: np.ndarray) -> None:
    """Keep these units of an MLP, in this order."""
    for key in ("gate", "up"):
        found[f"{i}.{key}"] = found[f"{i}.{key}"][units]
    found[f"{i}.down"] = found[f"{i}.down"][:, units]


_HALVES = (0.5, 1.0)
_OF_LAYERS = "share of layers"
_OF_HALF = "largest angle, of half a turn"
_SD = "sd of the noise, in sd of the matrix"

EVASIONS = {
    "units": Evasion("units re-ordered and flipped", _OF_LAYERS, _HALVES, partial(of_layers, _UNITS), free=True),
    "values": Evasion("value channels rotated", _OF_LAYERS, _HALVES, partial(of_layers, _VALUES), free=True),
    "heads": Evasion("heads re-ordered", _OF_LAYERS, (1.0,), partial(of_layers, _HEADS), free=True),
    "stream": Evasion("stream rotated", _OF_HALF, (0.25, 1.0), rotated, free=True),
    "phases": Evasion("rotary planes turned", _OF_HALF, _HALVES, turned, free=True),
    "unused": Evasion("unused rows redrawn", "share of rows", _HALVES, redrawn, free=True),
    "wider": Evasion("idle units added", "of the units there were", _HALVES, wider, free=True),
    "deeper": Evasion("idle layers added", "layers added", (1, 4), deeper, free=True),
    "spreads": Evasion("spreads of attention reversed", "curves", ("all",), upside_down, free=True),
    "everything": Evasion(
        "changes that keep the function, together",
        "which",
        (*(f"all but {name}" for name in GROUPS), "all changes"),
        everything,
        free=True,
    ),
    "noise": Evasion("noise", _SD, (0.1, 0.3, 1.0, 2.0, 4.0), noisy, repaired=(2.0,)),
    "pruning": Evasion("pruning", "share of entries", (0.5, 0.8, 0.9, 0.95, 0.98), pruned, repaired=(0.98,)),
    "rounding": Evasion("quantisation", "bits", (8, 4, 3, 2), rounded),
    "together": Evasion("noise, pruning and quantisation", "level", (1, 2, 3), together, repaired=(3,)),
    "hidden_noise": Evasion(
        "all but phases and unused rows, then noise", _SD, (0.3, 1.0, 2.0), hidden_then_noisy, repaired=(1.0,)
    ),
    "merging": Evasion(
        "merged with a stranger",
        "share of the stranger",
        (0.4, 0.6, 0.8, 0.9, 0.95),
        merged,
        repaired=(0.8,),
    ),
    "reinitialised": Evasion("layers drawn anew", "layers of 4", (1, 2, 3, 4), reinitialised, repaired=(4,)),
    "reset": Evasion(
        "low-rank resets", "share of singular directions", (0.25, 0.5, 0.75, 0.9), reset, repaired=(0.9,)
    ),
    "narrower": Evasion("units removed", "share of units", (0.25, 0.5, 0.9), narrower, repaired=(0.9,)),
    "shallower": Evasion("layers removed", "layers of 4", (1, 2, 3), shallower, repaired=(3,)),
}
"""By name; strengths grow."""
