"""The tree of a family: of all related pairs, those that join its models through the closest ones.

A spanning tree of largest total closeness (Kruskal 1956), with exact copies as one node. It is a way to show a family
and no reconstruction of its history: it has no direction, pairs that it leaves out were found all the same, and the
model at the top is the one with most neighbours in the tree, not the ancestor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .families import copies
from .record import Edge, Family

WEAK = 0.5
"""Closeness below which a relation is drawn as weak: less than half was kept, on average of all that was compared."""


@dataclass(frozen=True)
class Branch:
    """A model with its exact copies, under the one that it is joined to."""

    names: tuple[str, ...]
    depth: int
    above: int | None
    """Place of the branch above in the tree; None at the top."""
    edge: Edge | None
    """The pair that joins it to the one above; None at the top."""

    @property
    def weak(self) -> bool:
        """Whether less than half was kept."""
        return self.edge is not None and self.edge.closeness is not None and self.edge.closeness < WEAK


def tree(family: Family) -> tuple[Branch, ...]:
    """The branches of a family, each after the one above it."""
    group = {name: name for name in family.members} | {name: same[0] for same in copies(family) for name in same}
    names = {first: tuple(sorted(name for name in group if group[name] == first)) for first in group.values()}
    near: dict[str, dict[str, Edge]] = {first: {} for first in names}
    for edge in _joining(family.edges, group):
        a, b = group[edge.a], group[edge.b]
        near[a][b] = near[b][a] = edge
    top = min(near, key=lambda name: (-len(near[name]), -sum(map(_closeness, near[name].values())), name))
    found: list[Branch] = []
    waiting: list[tuple[str, int, int | None, Edge | None]] = [(top, 0, None, None)]
    done = {top}
    while waiting:
        here, depth, above, joined = waiting.pop()
        found.append(Branch(names[here], depth, above, joined))
        at = len(found) - 1
        below = sorted(near[here].keys() - done, key=lambda name: (_closeness(near[here][name]), name))
        waiting.extend((name, depth + 1, at, near[here][name]) for name in below)
        done.update(below)
    return tuple(found)


def _joining(edges: Iterable[Edge], group: dict[str, str]) -> list[Edge]:
    """The pairs of the tree."""
    root = {first: first for first in group.values()}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = name = root[root[name]]
        return name

    kept = []
    for edge in sorted(edges, key=lambda e: (-_closeness(e), e.adjusted_log10_p or 0.0, e.a, e.b)):
        a, b = find(group[edge.a]), find(group[edge.b])
        if a != b:
            root[b] = a
            kept.append(edge)
    return kept


def _closeness(edge: Edge) -> float:
    return 0.0 if edge.closeness is None else edge.closeness


def nearest(branches: Sequence[Branch], most: int) -> tuple[Branch, ...]:
    """At most so many branches, those nearest to the top, with their places among themselves."""
    if len(branches) <= most:
        return tuple(branches)
    kept = sorted(sorted(range(len(branches)), key=lambda at: (branches[at].depth, at))[:most])
    place = {at: n for n, at in enumerate(kept)}
    return tuple(
        Branch(one.names, one.depth, None if one.above is None else place[one.above], one.edge)
        for one in (branches[at] for at in kept)
    )
