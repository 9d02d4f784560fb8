"""Trainable tokens: some rows of the embeddings are replaced."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.tensor import Indexer, Tensor
from .changed import Changed
from .kind import Change, Kind
from .matrix import Numbers, places
from .names import Names
from .settings import Settings, Tensors, ends

_PARTS = ("trainable_tokens_delta", "token_adapter.trainable_tokens_delta")
_MOST_TOKENS = 1 << 24


@dataclass(frozen=True)
class Replaced(Changed):
    """A matrix with some rows replaced by stored ones."""

    rows: Tensor
    indices: tuple[int, ...]
    """Where each of the stored rows belongs."""

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored matrix and of the new rows."""
        return self.base.nbytes(rows, columns) + self.rows.nbytes()

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some rows and columns."""
        found: Numbers = np.array(self.base.read(rows, columns), np.float64)
        chosen = places(self.shape[0])[slice(None) if rows is None else rows]
        at = self._source[chosen]
        new = np.asarray(self.rows.read(), np.float64)
        found[at >= 0] = new[at[at >= 0]][:, slice(None) if columns is None else columns]
        return found

    @cached_property
    def _source(self) -> NDArray[np.intp]:
        """The stored row of each row; -1 where none is."""
        source = np.full(self.shape[0], -1, np.intp)
        source[list(self.indices)] = np.arange(len(self.indices))
        return source


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Replaced:
        if len(parts) != 1:
            raise settings.parts_missing(module, parts, "the rows of the tokens alone")
        (rows,) = parts.values()
        indices = _indices(settings, module)
        if len(base.shape) != 2 or rows.shape != (len(indices), base.shape[1]) or max(indices) >= base.shape[0]:
            raise settings.unfit(module, {"tokens": rows.shape}, base, f" for {len(indices)} tokens")
        return Replaced(base, rows, indices)

    return {f"{module}.weight": change}


def _indices(settings: Settings, module: str) -> tuple[int, ...]:
    key = "token_indices" if settings.config.get("peft_type") == "TRAINABLE_TOKENS" else "trainable_token_indices"
    given: Any = settings.config.get(key)
    if isinstance(given, dict):
        named = [given[name] for name in ends(module) if name in given]
        given = named[0] if len(named) == 1 else None
    numbers = isinstance(given, list) and all(type(i) is int and 0 <= i < _MOST_TOKENS for i in given)
    if not given or not numbers or len({*given}) < len(given):
        raise settings.wrong(key, module, given, "the indices of tokens, each once")
    return tuple(given)


TOKENS = Kind(_PARTS, _changes)
"""Trainable tokens."""
