"""Families: models connected by related pairs, and the models on which the connection depends (joints).

A model is a *joint* of a family if the family is disconnected without it and its exact copies (an articulation point
of the graph of pairs, with exact copies merged; Hopcroft and Tarjan 1973). Models on different sides of a joint were
not found related to one another: a merge of two unrelated models joins its parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .record import Edge, Family, Joint

Graph = Mapping[str, Sequence[str]]
"""Neighbours of each model."""


def families(edges: Sequence[Edge], *, all_pairs: bool) -> tuple[Family, ...]:
    """Connected components of the graph of related pairs, ordered by their first members.

    Parameters
    ----------
    edges : related pairs.
    all_pairs : whether every two models were compared; if not, missing edges are uninformative and no joint is named.
    """
    components = components_of(graph_of(edges))
    which = {model: n for n, members in enumerate(components) for model in members}
    inside: list[list[Edge]] = [[] for _ in components]
    for edge in edges:
        inside[which[edge.a]].append(edge)
    return tuple(
        Family(
            name=_name(members),
            members=tuple(members),
            edges=tuple(inside[n]),
            joints=_joints(inside[n]) if all_pairs else (),
        )
        for n, members in enumerate(components)
    )


def copies(family: Family) -> list[list[str]]:
    """Sets of models of a family that hold the same weights."""
    return components_of(graph_of(edge for edge in family.edges if edge.verdict == "identical"))


def _joints(edges: Sequence[Edge]) -> tuple[Joint, ...]:
    """Joints of one family, with the sides that each joins."""
    same = graph_of(edge for edge in edges if edge.verdict == "identical")
    every = graph_of(edges)
    groups = {model: [model] for model in every} | {m: group for group in components_of(same) for m in group}
    condensed = graph_of(
        edge.model_copy(update={"a": a, "b": b})
        for edge in edges
        if (a := groups[edge.a][0]) != (b := groups[edge.b][0])
    )
    return tuple(
        Joint(
            models=tuple(groups[joint]),
            sides=tuple(map(tuple, components_of(every, every.keys() - set(groups[joint])))),
        )
        for joint in (joints(condensed) if condensed else ())
    )


def graph_of(edges: Iterable[Edge]) -> Graph:
    """Neighbours of each model of some pairs."""
    graph: dict[str, dict[str, None]] = {}
    for edge in edges:
        graph.setdefault(edge.a, {})[edge.b] = None
        graph.setdefault(edge.b, {})[edge.a] = None
    return {model: tuple(near) for model, near in graph.items()}


def joints(graph: Graph) -> list[str]:
    """Articulation points of a connected graph, ordered by name.

    Examples
    --------
    >>> joints({"A": ["AB"], "AB": ["A", "B"], "B": ["AB"]})
    ['AB']
    """
    root = next(iter(graph))
    seen, low, found, branches = {root: 0}, {root: 0}, set(), 0
    path: list[tuple[str, str, Iterator[str]]] = [(root, root, iter(graph[root]))]
    while path:
        here, before, rest = path[-1]
        for other in rest:
            if other not in seen:
                seen[other] = low[other] = len(seen)
                path.append((other, here, iter(graph[other])))
                break
            if other != before:
                low[here] = min(low[here], seen[other])
        else:
            path.pop()
            if here == root:
                continue
            low[before] = min(low[before], low[here])
            if before == root:
                branches += 1
            elif low[here] >= seen[before]:  # no path around it
                found.add(before)
    return sorted(found | ({root} if branches > 1 else set()))


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
