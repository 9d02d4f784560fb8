"""What is declared of the models of a table: strata, families of relatives, and recipes."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from ..base import InputError, options
from .csv_file import columns
from .lookalikes import check_lookalikes
from .record import NamedModel

Labels = str | os.PathLike[str] | Mapping[str, str]
"""A label for each of some models: the path of a CSV file, or a mapping by name."""
Pairs = str | os.PathLike[str] | Collection[tuple[str, str]]
"""Pairs of relatives: the path of a CSV file with the columns ``a,b``, or a list of pairs."""
_PLURAL = {"stratum": "Strata", "family": "Families", "recipe": "Recipes"}


def declared(
    names: Collection[str],
    *,
    strata: Labels | None = None,
    recipes: Labels | None = None,
    relatives: Pairs | None = None,
) -> list[NamedModel]:
    """The models of a table with what is declared of each, by name.

    Parameters
    ----------
    names : all models of the table.
    strata : strata, of every model; a file has the columns ``name`` and ``stratum`` or ``family``, or all three.
    recipes : recipes, of some; a file has the columns ``name,recipe``.
    relatives : pairs of relatives.

    Raises
    ------
    InputError
        If a model is named twice or is not in the table, or has no stratum where others have one.
    """
    rows = [] if strata is None else _rows("strata", strata, "stratum", ("stratum", "family"))
    of_recipes = [] if recipes is None else _rows("recipes", recipes, "recipe", ("recipe",))
    known = set(names)
    labels = {name: {"name": name} for name in names}
    for what, given in (("strata", rows), ("recipes", of_recipes)):
        seen: set[str] = set()
        for row in given:
            name = row["name"]
            if name in seen:
                raise InputError(f"{what} names the model {name!r:.80} twice; name each once.")
            if name not in known:
                raise _unknown(what, name)
            seen.add(name)
            labels[name] |= row
    if any(row.get("stratum") for row in rows):
        for name in sorted(known):
            if not labels[name].get("stratum"):
                raise InputError(
                    f"strata gives no stratum of {name!r:.80}, and some of others; give one of each model."
                )
    for row in of_recipes:
        if not row["recipe"]:
            raise InputError(f"recipes gives no recipe of {row['name']!r:.80}; name one, or leave the model out.")
    for label in ("stratum", "family", "recipe"):
        check_lookalikes(_PLURAL[label], filter(None, (given.get(label) for given in labels.values())))
    families = {name: label.get("family", "") for name, label in labels.items()}
    for name, family in _joined(families, _pairs(relatives, known)).items():
        labels[name]["family"] = family
    return [NamedModel(**labels[name]) for name in sorted(names)]


def _rows(what: str, given: Labels, label: str, known: tuple[str, ...]) -> list[dict[str, str]]:
    if isinstance(given, str | os.PathLike):
        if len(known) == 1:
            return columns(what, given, ("name", label))
        return columns(what, given, ("name",), known)
    if not isinstance(given, Mapping):
        options.refuse(what, given, "the path of a CSV file, or a mapping by name")
    rows = [{"name": options.text(f"a name in {what}", k), label: options.text(label, v)} for k, v in given.items()]
    return [{key: value.strip() for key, value in row.items()} for row in rows]


def _pairs(given: Pairs | None, known: Collection[str]) -> list[tuple[str, str]]:
    if given is None:
        return []
    if isinstance(given, str | os.PathLike):
        pairs = [(row["a"], row["b"]) for row in columns("relatives", given, ("a", "b"))]
    else:
        if not isinstance(given, Collection):
            options.refuse("relatives", given, "the path of a CSV file, or a list of pairs of names")
        pairs = []
        for pair in given:
            a, b = (
                options.texts("a pair of relatives", pair)
                if len(pair) == 2
                else options.refuse("a pair of relatives", pair, "two names")
            )
            pairs.append((a, b))
    for name in (name for pair in pairs for name in pair):
        if name not in known:
            raise _unknown("relatives", name)
    return pairs


def _joined(families: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One label for all that are relatives of one another, by way of others too; empty for a model without any."""
    group = {name: {name} for name in families}
    by_family: dict[str, str] = {}
    links = [(name, by_family.setdefault(family, name)) for name, family in families.items() if family]
    for a, b in (*links, *pairs):
        if group[a] is not group[b]:
            group[a] |= group[b]
            for name in group[b]:
                group[name] = group[a]
    return {name: _label(families, found) if len(found) > 1 else families[name] for name, found in group.items()}


def _label(families: Mapping[str, str], found: Collection[str]) -> str:
    """The first of the family names of some relatives or, if they have none, a name that no other family has."""
    label = min(filter(None, (families[name] for name in found)), default="")
    if label:
        return label
    label = min(found)
    while label in families.values():
        label += "'"
    return label


def _unknown(what: str, name: str) -> InputError:
    return InputError(f"{what} names {name!r:.80}, which the table of scores does not; give a name of the table.")
