"""Templates of tensor names: names that differ only in layer and expert number share a template."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .naming import NUMBER

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Template:
    """Tensors whose names differ only in layer and expert number."""

    name: str
    """With ``{i}`` for the layer and ``{e}`` for the expert; other numbers are kept."""
    shape: Shape | None
    """Common shape; None if shapes differ."""
    layers: int
    """Number of layers that have it; 0 outside layers."""

    @property
    def stack(self) -> str:
        """Prefix of the names of all layers of its stack."""
        return self.name.partition("{i}.")[0]

    @property
    def extent(self) -> str:
        """Shape and number of layers, for messages."""
        shape = "of several shapes" if self.shape is None else str(list(self.shape))
        return shape + (f" in {self.layers} layers" if self.layers else "")


def templates(shapes: Mapping[str, Shape], stacks: Collection[str] | None = None) -> list[Template]:
    """The templates of a model's tensor names, in order of name.

    The first number between dots counts layers; one behind ``expert`` or ``experts`` counts experts.

    Parameters
    ----------
    shapes : stored shape by tensor name.
    stacks : if given, the last number behind one of these prefixes counts layers instead.
    """
    found: dict[str, dict[int, set[Shape]]] = {}
    for name, shape in shapes.items():
        if "{" in name or "}" in name:
            continue  # braces mark the numbers in a template
        template, layer = _template(name, stacks)
        found.setdefault(template, {}).setdefault(layer, set()).add(shape)
    result = []
    for template, layers in sorted(found.items()):
        kinds = set.union(*layers.values())
        count = 0 if "{i}" not in template else len(layers)
        result.append(Template(template, next(iter(kinds)) if len(kinds) == 1 else None, count))
    return result


def _template(name: str, stacks: Collection[str] | None) -> tuple[str, int]:
    """The template of a name, and its layer (-1 outside layers)."""
    numbers = list(NUMBER.finditer(name))
    if stacks is not None:
        numbers = [n for n in numbers if name[: n.start()] in stacks][-1:]
    if not numbers:
        return name, -1
    first, *others = numbers
    expert = next((n for n in others if re.search(r"(^|\.)experts?\.$", name[: n.start()])), None)
    if expert is not None:
        name = name[: expert.start()] + "{e}" + name[expert.end() :]
    return name[: first.start()] + "{i}" + name[first.end() :], int(first[0])
