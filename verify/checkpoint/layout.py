"""What a family table says: where each role lies among a checkpoint's tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Slot:
    """One role's tensor: a name with ``{i}`` (layer) and ``{e}`` (expert), and how it is stored.

    The canonical matrix is [out, in] (rows of q, k, v, gate and up are units).
    """

    name: str
    transposed: bool = False
    """Stored [in, out], as by Conv1D."""
    part: tuple[int, int] = (0, 1)
    """(k, n): the k-th of n equal parts along ``out`` of a fused tensor."""


@dataclass(frozen=True)
class Family:
    """One architecture family. Adding a family is writing one of these.

    ``globals`` and ``layer`` map roles to names or slots; templates get each of ``prefixes`` in turn, and
    the first under which the required roles exist is used. Unembedding names carry no prefix.
    """

    name: str
    model_types: tuple[str, ...]
    prefixes: tuple[str, ...]
    globals: dict[str, str | Slot]
    layer: dict[str, str | Slot]
    unprefixed: dict[str, str | Slot] = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    """Regular expressions of stored constants, such as position ids: no part of what was learned."""
    outside: tuple[str, ...] = ()
    """Regular expressions of learned tensors that no test compares: poolers, task heads, token types."""
    required: tuple[str, ...] = ("embed", "q", "k", "v", "o", "norm_attn")
    norm: Literal["rms", "layer"] = "rms"
    norm_offset: Literal[0, 1] = 0
    post_norm: bool = False
    gated: bool = True
    odd_in_up: bool = True
    linear_values: bool = True
    positions: Literal["rotary", "learned", "sinusoidal", "none"] = "rotary"
