"""The blocks of the models of a run, stacked for matrix products, and kept on disk as one flat array a model.

Reading blocks from a fingerprint takes longer than comparing them with those of a hundred models. So the blocks by
which a model is compared are written once, beside its sketch, in the order in which their readers give them; models
of one signature have them in the same order and sizes, so those of one tell the layout of all.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ..base import write_atomically
from ..statistics import EXACT_TESTS
from ..statistics.blocks import BlockReader
from .counts import Alike, Group, reader
from .sketches import FirstSketch, load_sketch

Single = NDArray[np.float32]
Kind = Literal["sign_fixed", "sign_flipping"]
KINDS: tuple[Kind, ...] = ("sign_fixed", "sign_flipping")

LENGTH = 2.0
"""Longest vector whose products are bounded; those of a fingerprint have length 1."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Blocks of one shape, of all models of a run."""

    indices: NDArray[np.intp]
    groups: tuple[Group, ...]
    sign_fixed: tuple[Single, ...]
    """Each [groups, copies, n, models, k]."""
    sign_flipping: tuple[Single, ...]
    bounded: bool
    """Whether every number is exact in single precision, and no vector longer than :data:`LENGTH`."""
    _made: dict[tuple[Kind, int], Single] = field(default_factory=dict)
    _live: dict[Kind, tuple[NDArray[np.bool_], ...]] = field(default_factory=dict)

    def joined(self, kind: Kind, parts: int) -> Single | None:
        """The first vectors of a kind side by side, [groups, copies, n, models, k]; None if there are none."""
        vectors: tuple[Single, ...] = getattr(self, kind)[:parts]
        if len(vectors) < 2:
            return vectors[0] if vectors else None
        if (kind, parts) not in self._made:
            self._made[kind, parts] = np.concatenate(vectors, axis=-1)
        return self._made[kind, parts]

    def live(self, kind: Kind) -> tuple[NDArray[np.bool_], ...]:
        """Which vectors of a kind are not zero, each [groups, copies, n, models]."""
        if kind not in self._live:
            self._live[kind] = tuple(np.any(x, axis=-1) for x in getattr(self, kind))
        return self._live[kind]

    @property
    def size(self) -> int:
        """Bytes of its vectors."""
        return sum(x.nbytes for kind in KINDS for x in getattr(self, kind))


@dataclass(frozen=True, eq=False)
class Run:
    """Models of one signature."""

    files: tuple[Path, ...]
    """Their first-stage sketches."""

    @cached_property
    def first(self) -> FirstSketch:
        """The sketch of the first, which tells the layout of all."""
        return sketch_of(self.files[0])


_held: OrderedDict[tuple[tuple[Path, ...], BlockReader, tuple[int, ...]], tuple[Stack, ...]] = OrderedDict()
_HOLDING = Lock()  # an executor may be threads
_MOST_HELD = 400 << 20  # bytes: of two times 128 models of 24 layers they are 340 MiB


@lru_cache(maxsize=64)
def sketch_of(file: Path) -> FirstSketch:
    """A first-stage sketch, with a cache."""
    return load_sketch(file)


def blocks_file(sketch: Path) -> Path:
    """Where the blocks of a model are kept."""
    return sketch.with_suffix(".blocks")


def save_blocks(sketch: FirstSketch, path: Path) -> None:
    """Write the blocks of a model, by the readers of all counts that it has with a model like itself.

    Parameters
    ----------
    sketch : its first-stage sketch.
    path : where to write, a file of float16 arrays; readers whose numbers float16 does not hold are left out.
    """
    alone, read, found = sketch.bare, reader(), {}
    for test in EXACT_TESTS:
        if test.refusal(alone, alone) is not None:
            continue
        for counted in test.describe(alone, alone).counted:
            for source in counted.sources if counted.same_index else ():
                if (name := _name(source.read)) is not None and name not in found:
                    blocks = read(sketch, source.read, sketch.record.anchors)
                    if (flat := _flat(blocks)) is not None:
                        found[name] = flat
    write_atomically(path, save(found))


def stacks(run: Run, source: BlockReader, anchors: tuple[int, ...]) -> tuple[Stack, ...]:
    """The blocks of a run of models on a list of anchors, by one reader.

    Parameters
    ----------
    run : the models, of one signature.
    source : reads blocks.
    anchors : the list that both runs of a comparison share.
    """
    key = run.files, source, anchors
    with _HOLDING:
        if (found := _held.pop(key, None)) is None:
            found = _stacked_run(*key)
        _held[key] = found
        while sum(one.size for made in _held.values() for one in made) > _MOST_HELD and len(_held) > 2:
            _held.popitem(last=False)
    return found


def forget() -> None:
    """Free what was stacked in this process."""
    with _HOLDING:
        _held.clear()
        _opened.cache_clear()
    sketch_of.cache_clear()


def _stacked_run(files: tuple[Path, ...], source: BlockReader, anchors: tuple[int, ...]) -> tuple[Stack, ...]:
    first, name = sketch_of(files[0]), _name(source)
    layout = _read(first, source, anchors)
    if name is not None and anchors == first.record.anchors:
        flats = [_kept(file, name) for file in files]
        size = sum(x.size for alike in layout for x in (*alike.sign_fixed, *alike.sign_flipping))
        if all(flat is not None and flat.shape == (size,) for flat in flats):
            return tuple(_cut(layout, np.stack([flat for flat in flats if flat is not None])))
    models = [_read(load_sketch(file), source, anchors) for file in files]
    return tuple(_stacked([model[n] for model in models]) for n in range(len(layout)))


def _read(sketch: FirstSketch, source: BlockReader, anchors: tuple[int, ...]) -> Sequence[Alike]:
    return reader()(sketch, source, anchors)


def _name(source: BlockReader) -> str | None:
    """A name by which a reader is found again; None if it has none."""
    module, name = getattr(source, "__module__", ""), getattr(source, "__qualname__", "")
    found = getattr(sys.modules.get(module), name, None)
    return f"{module}.{name}" if name and found is source else None


def _flat(blocks: Sequence[Alike]) -> NDArray[np.float16] | None:
    """All numbers of some blocks, end to end; None if float16 does not hold them, or a vector is too long."""
    vectors = [x for alike in blocks for x in (*alike.sign_fixed, *alike.sign_flipping)]
    if not all(_short(x) for x in vectors):
        return None
    whole = np.concatenate([np.zeros(0), *(x.ravel() for x in vectors)])
    flat = whole.astype(np.float16)
    return flat if np.array_equal(flat, whole) else None


def _short(x: NDArray[Any]) -> bool:
    """Whether no vector is longer than :data:`LENGTH`; a number that is not finite is."""
    return bool((np.square(x, dtype=np.float64).sum(-1) <= LENGTH**2).all())


def _kept(file: Path, name: str) -> NDArray[np.float16] | None:
    try:
        flat: NDArray[np.float16] = _opened(blocks_file(file)).get_tensor(name)  # type: ignore[no-untyped-call]
    except (SafetensorError, OSError):
        return None
    return flat if flat.dtype == np.float16 else None


@lru_cache(maxsize=256)  # the models of a rectangle, of which one reader is stacked after the other
def _opened(file: Path) -> safe_open:
    return safe_open(file, "numpy")


def _cut(layout: Sequence[Alike], flats: NDArray[np.float16]) -> list[Stack]:
    """Blocks [groups, copies, n, models, k] from flat arrays [models, numbers]."""
    at, found = 0, []
    for alike in layout:
        kinds: list[tuple[Single, ...]] = []
        for kind in (alike.sign_fixed, alike.sign_flipping):
            arrays = []
            for x in kind:
                part = flats[:, at : at + x.size].reshape(len(flats), *x.shape)
                arrays.append(np.ascontiguousarray(part.transpose(1, 2, 3, 0, 4), dtype=np.float32))
                at += x.size
            kinds.append(tuple(arrays))
        found.append(Stack(alike.indices, alike.groups, kinds[0], kinds[1], bounded=True))
    return found


def _stacked(models: Sequence[Alike]) -> Stack:
    kinds = [
        tuple(np.stack(vectors, axis=3) for vectors in zip(*(getattr(one, kind) for one in models), strict=True))
        for kind in ("sign_fixed", "sign_flipping")
    ]
    single = [tuple(x.astype(np.float32) for x in kind) for kind in kinds]
    bounded = all(
        _short(x) and np.array_equal(x, y)
        for kind, narrow in zip(kinds, single, strict=True)
        for x, y in zip(kind, narrow, strict=True)
    )
    return Stack(models[0].indices, models[0].groups, single[0], single[1], bounded)
