"""Families: models connected by related pairs; the families that overlap in them, and what joins these (joints).

A merge of two strangers is related to both, and so are its children and other merges of the same two: all of them
join the families of the parents. So a family is taken apart wherever a *joint* holds it together: models, every two
of them related, without which some of the others are no longer connected (a clique minimal separator of the graph of
pairs, with exact copies as one; :mod:`verify.screen.atoms`). What is left are *overlapping families*, which have
joints in common. They follow from the pairs alone, in no order, and models of other families do not change them.

That a pair was not found related is no proof that it is not. A related pair that no test detects, such as a copy that
was changed in many ways and another one, parts a family in the same manner as two strangers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .atoms import decomposition
from .record import Edge, Family, Joint

MOST_JOINTS = 100
"""Joints of a family in a record, each of which names all of its models: those of fewest models."""

Graph = Mapping[str, Sequence[str]]
"""Neighbours of each model."""


def families(edges: Sequence[Edge], *, all_pairs: bool) -> tuple[Family, ...]:
    """Connected components of the graph of related pairs, ordered by their first members.

    Parameters
    ----------
    edges : related pairs.
    all_pairs : whether every two models were compared; if not, missing edges are uninformative, and no family is
        taken apart.
    """
    components = components_of(graph_of(edges))
    which = {model: n for n, members in enumerate(components) for model in members}
    inside: list[list[Edge]] = [[] for _ in components]
    for edge in edges:
        inside[which[edge.a]].append(edge)
    return tuple(_family(members, inside[n], all_pairs) for n, members in enumerate(components))


def copies(family: Family) -> list[list[str]]:
    """Sets of models of a family that hold the same weights."""
    return components_of(graph_of(edge for edge in family.edges if edge.verdict == "identical"))


def _family(members: Sequence[str], edges: Sequence[Edge], all_pairs: bool) -> Family:
    """One family, with those that overlap in it and what joins them."""
    made = Family(name=_name(members), members=tuple(members), edges=tuple(edges))
    if not all_pairs:
        return made
    every = graph_of(edges)
    group = {name: [name] for name in members} | {name: same for same in copies(made) for name in same}
    found = decomposition(
        {
            same[0]: sorted({group[other][0] for name in same for other in every[name]} - {same[0]})
            for name, same in group.items()
            if same[0] == name
        }
    )
    if len(found.atoms) == 1:
        return made

    def whole(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(name for one in names for name in group[one]))

    joints = (whole(separator) for separator in found.separators[:MOST_JOINTS])
    return made.model_copy(
        update={
            "overlapping": tuple(sorted(map(whole, found.atoms), key=lambda one: (-len(one), one))),
            "joints": tuple(
                Joint(models=joint, sides=tuple(map(tuple, components_of(every, every.keys() - {*joint}))))
                for joint in joints
            ),
        }
    )


def graph_of(edges: Iterable[Edge]) -> Graph:
    """Neighbours of each model of some pairs."""
    graph: dict[str, dict[str, None]] = {}
    for edge in edges:
        graph.setdefault(edge.a, {})[edge.b] = None
        graph.setdefault(edge.b, {})[edge.a] = None
    return {model: tuple(near) for model, near in graph.items()}


def components_of(graph: Graph, models: Iterable[str] | None = None) -> list[list[str]]:
    """Connected components among all or some models, each ordered, and ordered by their first members."""
    left = set(graph if models is None else models)
    found = []
    while left:
        members: set[str] = set()
        front = {next(iter(left))}
        while front:
            members |= front
            left -= front
            front = {other for model in front for other in graph[model] if other in left}
        found.append(sorted(members))
    return sorted(found)


def _name(members: Sequence[str]) -> str:
    if len(members) == 2:
        return f"{members[0]} and {members[1]}"
    return f"{members[0]} and {len(members) - 1} others"
