"""What is known of the published statistics (``populations.toml``): which models are related, and by what rule."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.inference.blind import blind_order

HERE = Path(__file__).parent
_KNOWN: dict[str, Any] = tomllib.loads((HERE / "populations.toml").read_text("utf-8"))

CLAIMED: float = _KNOWN["claimed"]
DEPTH: int = _KNOWN["depth"]
PLAINEST: tuple[str, ...] = tuple(_KNOWN["plainest"])
FAMILIES: list[tuple[str, str]] = _KNOWN["families"]
SNR_DERIVED = {frozenset(pair) for pair in _KNOWN["snr_derived"]}
TRANSLATORS: list[dict[str, Any]] = _KNOWN["translators"]
KNOWN_CLAIMS: dict[str, tuple[str, str]] = {pair["id"]: (pair["a"], pair["b"]) for pair in _KNOWN["known"]}


@dataclass(frozen=True)
class Group:
    """Models whose relation is documented: the rule that puts them together, and the names that belong."""

    label: str
    rule: str
    names: tuple[str, ...]


def _groups(kind: str) -> tuple[Group, ...]:
    return tuple(Group(group["label"], group["rule"], tuple(group["names"])) for group in _KNOWN[kind])


SAME_RECIPE, DERIVED = _groups("same_recipe"), _groups("derived")


def family(name: str) -> str:
    """Family of a published stack of DEPTH layers, by its name."""
    return next(label for prefix, label in FAMILIES if name.startswith(prefix))


def representatives(names: Iterable[str]) -> list[str]:
    """One stack for each family, chosen by the sha256 of names: blind to every score."""
    chosen: dict[str, str] = {}
    ordered = sorted(set(names))
    for i in blind_order(ordered):
        chosen.setdefault(family(ordered[i]), ordered[i])
    return sorted(chosen.values())
