"""Canonical tensors: each is some rows of a stored tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import DamagedError, Phrase
from .formats.tensor import Indexer, Stacked, Tensor, chosen_of
from .fused import fused_heads
from .layouts.fit import Fit
from .layouts.layout import Slot
from .layouts.naming import Key
from .layouts.sublayers import STATE
from .views import Window, viewed

_MOST_EXPERTS = 1 << 14
_QUIET = np.uint32(1 << 22)  # the bit of a NaN of float32 that says it is quiet


@dataclass(frozen=True, slots=True)
class CanonicalTensor:
    """One canonical tensor: rows of a stored tensor, in ``blocks`` equal blocks."""

    tensor: Tensor
    transposed: bool
    blocks: int
    start: int
    """First row of this part in each block."""
    size: int
    """Rows of this part in each block."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Canonical shape."""
        shape = self._whole
        rows = self.blocks * self.size
        return shape if shape[:1] in ((), (rows,)) else (rows, *shape[1:])  # the same object for all of one shape

    def read(self, rows: Indexer) -> NDArray[Any]:
        """The tensor, or some of its rows, as stored numbers."""
        chosen = self._places(rows)
        return self.tensor.read(None, chosen).T if self.transposed else self.tensor.read(chosen)

    def nbytes(self, rows: Indexer) -> int:
        """Bytes of the tensor, or of some of its rows, in the file."""
        chosen = self._places(rows)
        return self.tensor.nbytes(None, chosen) if self.transposed else self.tensor.nbytes(chosen)

    def _places(self, rows: Indexer) -> Indexer:
        """Positions of these rows among the rows (if transposed, columns) of the stored tensor."""
        whole = self._whole
        if self.blocks > 1:
            first = np.arange(self.blocks, dtype=np.intp)[:, None] * (whole[0] // self.blocks)
            places = (first + np.arange(self.start, self.start + self.size, dtype=np.intp)).ravel()
            return places if rows is None else places[rows]
        if not whole or self.size == whole[0]:
            return rows
        return chosen_of(rows, self.start, self.size)

    @property
    def _whole(self) -> tuple[int, ...]:
        return self.tensor.shape[::-1] if self.transposed else self.tensor.shape


def quiet(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The array with its signalling NaNs made quiet, as any arithmetic would do, and all else unchanged to the bit.

    Any later computation with a signalling NaN would raise a floating-point exception, which numpy prints.
    """
    with np.errstate(all="ignore"):
        if not np.isnan(np.sum(x)):  # NaN too where infinities cancel
            return x
        bits = x.view(np.uint32)
        return np.where(np.isnan(x), bits | _QUIET, bits).view(np.float32)


def placed(fit: Fit, found: dict[str, Tensor]) -> tuple[dict[Key, CanonicalTensor], set[Phrase]]:
    """The tensors of a part by canonical key (a fused tensor has several), and notes on an unexpected head."""
    heads, kv_heads = fused_heads(fit.family, fit.config)
    if (single := next((name for name in fit.keys if not found[name].shape), None)) is not None:
        raise DamagedError(
            f"Tensor {single!r:.200} holds a single number; expected a matrix or a vector; obtain the file again."
        )
    stored: dict[Key, CanonicalTensor] = {}
    roles = {key[0] for keys in fit.keys.values() for key, _ in keys}
    asked = {"router", f"{STATE}down", *(role.removesuffix("_bias") for role in roles if role.endswith("_bias"))}
    held = {key: found[name].shape for name, keys in fit.keys.items() for key, _ in keys if key[0] in asked}
    for name, keys in fit.keys.items():
        for place, slot in keys:
            role, layer, expert = place
            if role.startswith(STATE):
                tensor = viewed(found[name], slot, held.get((f"{STATE}down", layer, None), (0,))[-1], axis=0)
            else:
                of = (role.removesuffix("_bias"), layer, expert)
                tensor = viewed(found[name], slot, min(found[name].shape if of == place else held.get(of, (0,))))
            number = held.get(("router", layer, None), (0,))[0] if slot.stacked == "rows" else None
            parts = _experts(tensor, number) if slot.stacked else {expert: tensor}
            for which, part in parts.items():
                key = (role, layer, which) if slot.stacked else place
                if key in stored:
                    raise DamagedError(
                        f"Tensor {name!r:.200} and {stored[key].tensor.name!r:.200} claim one place; "
                        "expected one of them."
                    )
                stored[key] = part_of(part, slot, heads, kv_heads)
    head, notes = ("unembed", None, None), set[Phrase]()
    said = fit.config.get("tie_word_embeddings")
    tied = fit.family.tied if said is None else said is True
    if tied and stored.pop(head, None) is not None and said is True:  # a stale copy: the model uses embed
        notes.add(Phrase.of("config.head_left_out"))
    has_one = "unembed" in {*fit.family.globals, *fit.family.unprefixed}
    if said is False and has_one and head not in stored:
        notes.add(Phrase.of("config.no_head"))
    return stored, notes


def _experts(tensor: Tensor, number: int | None) -> dict[int | None, Tensor]:
    """One tensor for each expert: along the first axis of a stacked tensor, or equal shares of rows of a number."""
    axes, first = len(tensor.shape), (tensor.shape or (0,))[0]
    if number and axes == 2 and number <= _MOST_EXPERTS and first % number == 0:
        size = first // number
        return {e: Window(tensor, 0, e * size, size) for e in range(number)}
    if number is not None or not isinstance(tensor, Stacked) or axes not in (2, 3) or not 0 < first <= _MOST_EXPERTS:
        raise DamagedError(
            f"Tensor {tensor.name!r:.200} of {tensor.dtype} has shape {tensor.shape}; expected the matrices or "
            f"biases of at most {_MOST_EXPERTS} experts, one after the other; obtain the file again."
        )
    return {e: tensor.entry(e) for e in range(first)}


def part_of(tensor: Tensor, slot: Slot, heads: int, kv_heads: int) -> CanonicalTensor:
    """The rows of a stored tensor that a slot names.

    Parameters
    ----------
    tensor : the stored tensor.
    slot : how it is stored.
    heads : query heads.
    kv_heads : key-value heads.

    Returns
    -------
    CanonicalTensor
        The rows.

    Raises
    ------
    CheckpointError
        If its rows cannot be shared by the parts.
    """
    transposed = slot.transposed and not tensor.is_out_in
    rows = (tensor.shape or (1,))[-1 if transposed else 0]
    blocks, shares = slot.blocks(heads, kv_heads, rows)
    unit, rest = divmod(rows, blocks * sum(shares))
    if rest:
        of_heads = "" if slot.fused == "equal" else f" of {heads} heads and {kv_heads} kv heads"
        raise DamagedError(
            f"Tensor {tensor.name!r:.200} has {rows} rows, which {slot.part[1]} fused parts{of_heads} cannot share; "
            "obtain the file again."
        )
    k = slot.part[0]
    return CanonicalTensor(tensor, transposed, blocks, unit * sum(shares[:k]), unit * shares[k])
