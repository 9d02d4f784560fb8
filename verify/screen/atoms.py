"""Atoms of a graph: its pieces that no set of mutual neighbours takes apart (clique minimal separators).

A *separator* of a connected graph is a set of vertices without which some of the others are no longer joined. It is
*minimal* if it parts some two vertices that no smaller set within it parts, and a *clique* if every two of its
vertices are neighbours. Minimal separators that are cliques cross no other minimal separator, so that cutting
at all of them, in whatever order, ends with the same sets: the atoms, the largest connected sets of vertices that
hold no clique which parts them (Tarjan 1985; Leimer 1993). Every edge lies in an atom, two atoms share no more than a
clique, and a graph has at most as many atoms as vertices. An articulation point is a clique of one.

This finds them by the algorithm MCS-M+ and Atoms of Berry, Pogorelcnik and Simonet (An introduction to clique minimal
separator decomposition, Algorithms 3, 2010): a minimal triangulation by maximum cardinality search, at the vertices
of which the separators show themselves. Sets are the bits of integers, so that a step is a few operations on words.
Vertices with the same neighbours, themselves counted, lie in the same atoms, and are one vertex for the search: n of
them cost at most n^2 steps on n bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Bits = int
"""A set of vertices, by their numbers."""


@dataclass(frozen=True)
class Decomposition:
    """The atoms of a connected graph, and the cliques at which they were cut."""

    atoms: tuple[tuple[str, ...], ...]
    """Ordered by name, each and among themselves."""
    separators: tuple[tuple[str, ...], ...]
    """Each once, the smallest first, then by name."""


def decomposition(graph: Mapping[str, Sequence[str]]) -> Decomposition:
    """The atoms of a connected graph.

    Parameters
    ----------
    graph : the neighbours of each vertex, in both directions.

    Returns
    -------
    Decomposition

    Examples
    --------
    Two merges of A and B, which are related to one another:

    >>> both = ["A", "B"]
    >>> found = decomposition({"A": ["M", "N"], "B": ["M", "N"], "M": [*both, "N"], "N": [*both, "M"]})
    >>> found.atoms, found.separators
    ((('A', 'M', 'N'), ('B', 'M', 'N')), (('M', 'N'),))
    """
    alike: dict[frozenset[str], list[str]] = {}
    for name in sorted(graph):
        alike.setdefault(frozenset((name, *graph[name])), []).append(name)
    groups = list(alike.values())
    number = {name: n for n, group in enumerate(groups) for name in group}
    near: list[Bits] = [0] * len(groups)
    for n, group in enumerate(groups):
        for m in {number[other] for other in graph[group[0]]} - {n}:
            near[n] |= 1 << m
    cut = list(_cut(near, *_search(near)))

    def named(bits: Bits) -> tuple[str, ...]:
        return tuple(sorted(name for n in _each(bits) for name in groups[n]))

    separators = {named(separator) for separator, _ in cut if separator}
    return Decomposition(
        atoms=tuple(sorted(named(atom) for _, atom in cut)),
        separators=tuple(sorted(separators, key=lambda one: (len(one), one))),
    )


def _search(near: Sequence[Bits]) -> tuple[list[int], list[Bits], list[bool]]:
    """Maximum cardinality search.

    Returns
    -------
    order : the vertices, from the first to be cut off to the last.
    joined : by vertex, those after it that it is joined to in the minimal triangulation.
    shows : by vertex, whether these are a minimal separator.
    """
    left = (1 << len(near)) - 1
    levels: list[Bits] = [left]  # vertices by their number of numbered neighbours in the triangulation
    joined: list[Bits] = [0] * len(near)
    shows = [False] * len(near)
    order: list[int] = []
    before = -1
    while left:
        while not levels[-1]:
            levels.pop()
        at = len(levels) - 1
        vertex = _first(levels[at])
        shows[vertex], before = at <= before, at
        order.append(vertex)
        left &= ~(1 << vertex)
        levels[at] &= left
        reached = _reached(near, vertex, left, levels)
        for other in _each(reached):
            joined[other] |= 1 << vertex
        levels.append(0)
        for n in range(len(levels) - 2, -1, -1):
            moved = levels[n] & reached
            levels[n] ^= moved
            levels[n + 1] |= moved
    return order[::-1], joined, shows


def _reached(near: Sequence[Bits], vertex: int, left: Bits, levels: Sequence[Bits]) -> Bits:
    """The vertices to which a path leads whose inner vertices all have a lower level than the end."""
    found = near[vertex] & left
    unseen = left & ~found
    low: Bits = 0
    for level in levels:
        if not unseen:
            break
        low |= level
        waiting = found & level
        while waiting and unseen:
            here = _first(waiting)
            waiting ^= 1 << here
            new = near[here] & unseen
            unseen ^= new
            waiting |= new & low
            found |= new & ~low
    return found


def _cut(
    near: Sequence[Bits], order: Sequence[int], joined: Sequence[Bits], shows: Sequence[bool]
) -> Iterator[tuple[Bits, Bits]]:
    """Each atom with the separator at which it was cut off; the last with none."""
    left: Bits = (1 << len(near)) - 1
    for vertex in order:
        separator = joined[vertex]
        if shows[vertex] and left >> vertex & 1 and _is_clique(near, separator):
            side = _component(near, vertex, left & ~separator)
            yield separator, side | separator
            left &= ~side
    yield 0, left


def _is_clique(near: Sequence[Bits], bits: Bits) -> bool:
    return all(not bits & ~near[vertex] & ~(1 << vertex) for vertex in _each(bits))


def _component(near: Sequence[Bits], vertex: int, among: Bits) -> Bits:
    """The vertices that are joined to one, itself among them."""
    found = front = 1 << vertex
    while front:
        here = _first(front)
        new = near[here] & among & ~found
        found |= new
        front = front ^ (1 << here) | new
    return found


def _first(bits: Bits) -> int:
    return (bits & -bits).bit_length() - 1


def _each(bits: Bits) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
