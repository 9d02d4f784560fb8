"""Tensors that no table reads: tables inferred from names and shapes, with the tensors that these claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from math import prod
from typing import Any

from ...base import CheckpointError
from .config import config_of, numbers, sections_of
from .fit import Fit
from .infer import infer, infer_stages
from .kinds import kind_of_word, words_of
from .layout import Family, Slot, as_matrix, slot_of
from .naming import Key, places


def inferred(shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], group: str = "") -> list[Fit]:
    """Infer tables from names and shapes, for all tensors or for a group.

    Where that is refused, convolutions of 1 by 1 are taken for the matrices that they are.

    Parameters
    ----------
    shapes : stored shape by tensor name.
    config : content of ``config.json``.
    group : name of the group of tensors; empty for all.

    Returns
    -------
    list of Fit
        One inferred table with the tensors that it claims; or, where that claims more numbers, one for each width of
        layers inside stages.

    Raises
    ------
    CheckpointError
        As :func:`infer`, if no layers are inside stages.
    """
    try:
        return _inferred_as_stored(shapes, config, group)
    except CheckpointError as error:
        matrices = {name: as_matrix(shape) for name, shape in shapes.items()}
        if matrices == dict(shapes):
            raise
        try:
            return _inferred_as_stored(matrices, config, group)
        except CheckpointError:
            raise error from None


def _inferred_as_stored(shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], group: str) -> list[Fit]:
    stages = infer_stages(shapes)
    try:
        families = [infer(shapes)]
    except CheckpointError:
        if not stages:
            raise
        families = []
    claims = [[(family, places(family, ("", ""), shapes)) for family in found] for found in (families, stages)]
    found = max(claims, key=lambda claim: sum(prod(shapes[name]) for _, keys in claim for name in keys))
    return [_inferred(family, keys, config, group, of_stage=bool(found is claims[1])) for family, keys in found]


def _inferred(
    family: Family,
    keys: Mapping[str, Sequence[tuple[Key, Slot]]],
    config: Mapping[str, Any],
    group: str,
    *,
    of_stage: bool,
) -> Fit:
    root = f"{group}." if group else "".join(f"{word}." for word in _shared(keys))
    if of_stage:
        root = slot_of(next(iter(family.layer.values()))).name.partition("{i}")[0]
    kind = next((kind for word in reversed(root.split(".")) if (kind := kind_of_word(word))), None)
    kind = kind or ("language model" if "embed" in family.globals else "other")
    said = numbers(family, config_of(family, root, kind, config, list(sections_of(config))))
    return Fit(family, ("", ""), root, kind, keys, said, False)


def _shared(names: Iterable[str]) -> list[str]:
    """The leading words that all names share."""
    words = sorted(words_of(name) for name in names)
    return [low for low, high in takewhile(lambda pair: pair[0] == pair[1], zip(words[0], words[-1], strict=False))]
