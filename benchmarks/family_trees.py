"""``python -m benchmarks.family_trees``: the trees that a screen draws of the zoo, against how its models were made.

Works on the fingerprints in ``zoo/fingerprints`` and writes ``tables/family_trees.json`` and its page. A model's
parents are those that it was made from; two models that go back to one set of initial weights are relatives, and all
others are strangers, a student and its teacher among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from verify.screen import screen
from verify.screen.tree import tree

from .pages import publish
from .zoo.build import ZOO
from .zoo.ship import load

TWICE = "-of-sketch-2"
"""Ends the name of a model of the same seed and text that was trained before; what is kept of its children is of its
day (:func:`benchmarks.zoo.ship.with_reference`)."""


@dataclass(frozen=True)
class Made:
    """How the models were made."""

    versions: dict[str, int]
    """Version of the sketch by name."""

    def parents(self, name: str) -> set[str]:
        """The models of the screen that one was made from."""
        found = {self._of_its_day(name, parent) for parent in ZOO.ancestors(name)} if name in ZOO.models else set()
        return {parent for parent in found if parent in self.versions and "teacher" not in ZOO.models[name]}

    def origins(self, name: str) -> set[str]:
        """The initial weights that a model goes back to, by the name of a model that began with them."""
        spec = ZOO.models[name.removesuffix(TWICE)]
        before = [parent for parent in ZOO.ancestors(spec["name"]) if parent != spec.get("teacher")]
        return set().union(*map(self.origins, before)) if before else {spec.get("seed_of", spec["name"])}

    def relation(self, a: str, b: str) -> str:
        """How two models are related by how they were made."""
        if a in self.parents(b) or b in self.parents(a):
            return "parent and child"
        return "further relatives" if self.origins(a) & self.origins(b) else "strangers"

    def _of_its_day(self, name: str, parent: str) -> str:
        return parent if self.versions[name] == self.versions.get(parent) else parent + TWICE


def main() -> None:
    """Screen, compare, and write the results and the page."""
    reference = f"{ZOO.reference}{TWICE}"
    kept = {name: load(name) for name in (*ZOO.models, reference)}
    made = Made({name: one.record.sketch.version for name, one in kept.items()})
    names = sorted(made.versions)
    result = screen([kept[name].with_arrays(kept[name].arrays, name=name) for name in names])
    assert {model.label for model in result.record.models} == {*names}
    edges = [edge for family in result.families for edge in family.edges]
    related = {frozenset((edge.a, edge.b)) for edge in edges}
    drawn = [
        {
            "pair": [one.edge.a, one.edge.b],
            "closeness": one.edge.closeness,
            "is": made.relation(one.edge.a, one.edge.b),
        }
        for family in result.families
        for one in tree(family)
        if one.edge is not None
    ]
    joined = {frozenset(row["pair"]) for row in drawn}
    true = sorted(sorted((name, parent)) for name in names for parent in made.parents(name))
    publish(
        "family_trees",
        {
            "models": len(names),
            "families": [
                {
                    "models": list(family.members),
                    "joints": [list(joint.models) for joint in family.joints],
                    "overlapping": [list(part) for part in family.overlapping],
                }
                for family in result.families
            ],
            "together": {
                "in a family": _together(made, [family.members for family in result.families]),
                "in one of the families that overlap in it": _together(
                    made, [part for family in result.families for part in family.overlapping or (family.members,)]
                ),
            },
            "edges": sorted(drawn, key=lambda row: (row["is"], row["pair"])),
            "parents": [{"pair": pair, "found": _found(frozenset(pair), joined, related)} for pair in true],
            "pairs": counted(names, made, related),
        },
    )


def _together(made: Made, groups: Iterable[Sequence[str]]) -> dict[str, int]:
    """By relation, the pairs that stand in one of some groups together."""
    pairs = {pair for group in groups for pair in combinations(sorted(group), 2)}
    return dict(Counter(made.relation(*pair) for pair in sorted(pairs)))


def _found(pair: frozenset[str], joined: set[frozenset[str]], related: set[frozenset[str]]) -> str:
    if pair in joined:
        return "an edge of the tree"
    return "related, and joined by way of others" if pair in related else "not related"


def counted(names: list[str], made: Made, related: set[frozenset[str]]) -> dict[str, list[int]]:
    """By relation, the pairs that were found related, and all."""
    found: dict[str, list[int]] = {}
    for a, b in combinations(names, 2):
        counts = found.setdefault(made.relation(a, b), [0, 0])
        counts[0] += frozenset((a, b)) in related
        counts[1] += 1
    return found


if __name__ == "__main__":
    main()
