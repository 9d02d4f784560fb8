"""Split q, k and v stored in one tensor, and check that the heads fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..base import DamagedError, Phrase
from .formats.tensor import Tensor
from .hostile import count
from .layouts.config import nested
from .layouts.describe import HEADS
from .layouts.fit import Fit
from .layouts.layout import Family, Slot, slot_of

BY_HEADS = ("heads", "groups", "each head")
"""Arrangements of parts that only the number of heads tells apart."""


def fitting(fit: Fit, found: Mapping[str, Tensor]) -> Fit:
    """The part, without q, k and v if they are fused by heads and their rows do not fit o.

    A wrong number of heads would split one head in two, so attention then counts as unknown, with a note.

    Raises
    ------
    CheckpointError
        If ``config.json`` does not give the heads of a fused tensor.
    """
    heads, kv_heads = fused_heads(fit.family, fit.config)
    queries, columns = set[int](), set[int]()
    for name, pairs in fit.keys.items():
        for (role, _, _), slot in pairs:
            turned = slot.transposed and not found[name].is_out_in
            shape = found[name].shape[::-1] if turned else found[name].shape
            if role == "q" and _by_heads(slot) and len(shape) == 2:
                blocks, shares = (1, (0,)) if heads % kv_heads else slot.blocks(heads, kv_heads, shape[0])
                unit, rest = divmod(shape[0], max(1, blocks * sum(shares)))
                queries.add(0 if rest else unit * blocks * shares[0])
            if role == "o" and len(shape) == 2:
                columns.add(shape[1])
    if queries <= columns or not columns:
        return fit
    layer = {role: entry for role, entry in fit.family.layer.items() if not _by_heads(slot_of(entry))}
    note = Phrase.of("config.fused_heads", heads=heads, kv_heads=kv_heads, columns=min(columns))
    told = {name: [(key, slot) for key, slot in keys if not _by_heads(slot)] for name, keys in fit.keys.items()}
    return replace(
        fit,
        family=replace(fit.family, layer=layer, attention="unknown", linear_values=False),
        keys={name: keys for name, keys in told.items() if keys},
        notes=frozenset({note}),
    )


def fused_heads(family: Family, config: dict[str, Any]) -> tuple[int, int]:
    """Heads and kv heads, needed to split a fused tensor of q, k and v; 1 if nothing is fused.

    Raises
    ------
    CheckpointError
        If ``config.json`` does not give them.
    """
    tables = (family.globals, family.layer, *family.stacks, family.unprefixed)
    if not any(_by_heads(slot_of(entry)) for table in tables for entry in table.values()):
        return 1, 1
    heads = count(config, *HEADS)
    entries = () if isinstance(family.kv_heads, int) else family.kv_heads
    said = {entry: nested(config, entry) for entry in entries}
    kv_heads = family.kv_heads if isinstance(family.kv_heads, int) else count(said, *entries)
    if not heads or not kv_heads:
        named = HEADS if not heads or isinstance(family.kv_heads, int) else family.kv_heads
        raise DamagedError(
            f"config.json does not say {' or '.join(named)}, without which the fused q, k and v of a "
            f"{family.name} model cannot be taken apart; put the model's config.json beside its weights."
        )
    return heads, kv_heads


def _by_heads(slot: Slot) -> bool:
    """Whether a stored tensor must be split by heads."""
    return slot.fused in BY_HEADS
