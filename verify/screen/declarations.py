"""What makers declare of related pairs: the pair itself, a chain of declared pairs between the two, or nothing."""

from __future__ import annotations

from typing import Literal

from .closeness import nearness
from .families import components_of, graph_of
from .record import Edge, ScreenRecord

Declaration = Literal["declared", "declared via others", "not declared", "not examined"]


def declarations(record: ScreenRecord) -> dict[tuple[str, str], Declaration]:
    """By the names of each related or suspected pair, in words.

    Two models of which one was declared to be made from a third, and that from the other, are declared through
    others: their makers hid nothing.
    """
    edges = [edge for family in record.families for edge in family.edges] + list(record.suspected)
    chained = components_of(graph_of(edge for edge in edges if edge.declared))
    group = {name: n for n, members in enumerate(chained) for name in members}
    return {(edge.a, edge.b): _of(edge, group) for edge in edges}


def _of(edge: Edge, group: dict[str, int]) -> Declaration:
    if edge.declared is None:
        return "not examined"
    if edge.declared:
        return "declared"
    return "declared via others" if edge.a in group and group[edge.a] == group.get(edge.b) else "not declared"


def not_declared(record: ScreenRecord) -> list[Edge]:
    """Related pairs that nobody declares, the closest first."""
    stated = declarations(record)
    edges = [edge for family in record.families for edge in family.edges]
    return sorted((edge for edge in edges if stated[edge.a, edge.b] == "not declared"), key=nearness)
