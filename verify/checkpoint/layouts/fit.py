"""A family table applied at a prefix: the tensors that it claims, and their settings in ``config.json``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from ...base import Phrase
from .config import config_of, configured, numbers
from .kinds import COPIES, OVER_TABLE, kind_of_word
from .layout import Family, Slot
from .naming import Key, Prefix, places


@dataclass(frozen=True)
class Fit:
    """A table and the tensors that it claims."""

    family: Family
    prefix: Prefix
    root: str
    """Prefix of all names inside layers."""
    kind: str
    keys: Mapping[str, Sequence[tuple[Key, Slot]]]
    """Canonical keys by tensor name."""
    config: dict[str, Any]
    """Settings of this part in ``config.json``."""
    declared: bool
    """Whether ``config.json`` names the table for this part."""
    asked: bool = False
    """Whether the caller asked for this table."""
    notes: frozenset[Phrase] = frozenset()
    """Sentences on what contradicts ``config.json``."""


def told_by_biases(fit: Fit, unknown: Set[str]) -> Fit:
    """The part, of layer norms if a norm has a bias that a table of RMS norms does not know, with a note.

    Parameters
    ----------
    fit : the part.
    unknown : names of its tensors that the table does not know.
    """
    norms = {name for name, keys in fit.keys.items() for (role, _, _), _ in keys if role.startswith("norm_")}
    biases = sorted(unknown & {f"{name.removesuffix('weight')}bias" for name in norms if name.endswith(".weight")})
    if fit.family.norm == "layer" or not biases:
        return fit
    note = Phrase.of("config.norm_biases", family=fit.family.name, tensor=biases[0])
    return replace(fit, family=replace(fit.family, norm="layer"), notes=fit.notes | {note})


def fit_at(
    family: Family,
    prefix: Prefix,
    ordered: Sequence[str],
    config: Mapping[str, Any],
    sections: Sequence[tuple[str, Mapping[str, Any]]],
) -> Fit:
    """Apply a table at a prefix.

    Parameters
    ----------
    family : the table.
    prefix : what names begin with.
    ordered : names of all tensors, sorted.
    config : content of ``config.json``.
    sections : its nested objects with their names.

    Returns
    -------
    Fit
        The tensors that the table claims, by canonical key.
    """
    outer, own = prefix
    root = (outer + own).partition("{")[0]
    kind = family.kind
    for word in root.split("."):
        told = kind_of_word(word)
        if told in OVER_TABLE and kind not in COPIES:
            kind = told
    said = config_of(family, root, family.kind if kind in COPIES else kind, config, sections)
    said = numbers(family, said)
    table = configured(family, said)
    keys = places(table, prefix, _beginning(ordered, outer))
    return Fit(table, prefix, root, kind, keys, said, said.get("model_type") in family.model_types)


def _beginning(ordered: Sequence[str], start: str) -> Sequence[str]:
    """Those of the sorted names that begin with ``start``."""
    return ordered[bisect_left(ordered, start) : bisect_left(ordered, start + chr(0x10FFFF))]
