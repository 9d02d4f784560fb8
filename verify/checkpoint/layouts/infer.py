"""Infer a layout from names and shapes alone, if they allow only one reading.

Layers are told by the first number in a name; where layers are numbered inside stages, by the last one before an MLP.

The one thing that must not be guessed wrongly is which axis of an MLP's matrices holds the hidden units: residual
dimensions have one arrangement in the whole model, and counted block by block they would make p-values far too small.
So the width is taken from norms, embeddings and the bias of `down`, and square matrices, fused gates and several MLPs
in a layer are refused. Signs, values and the stream are never assumed symmetric, since names do not tell what is
computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ...base import CheckpointError, UnsupportedError
from .layout import Family, Slot
from .naming import NUMBER
from .templates import Shape, Template, templates
from .usual_names import ATTENTION, EMBED, HEAD_NORM, MLPS, NORM, UNEMBED, is_embedding

_MOST_TEMPLATES = 2048
"""Largest number of different names of tensors."""
_MOST_STAGES = 256
"""Largest number of stages; those of a U-Net are a tenth as many."""


def infer(shapes: Mapping[str, Shape]) -> Family:
    """Infer a family from names and shapes; its only symmetry is that of hidden units.

    Parameters
    ----------
    shapes : stored shape by tensor name.

    Raises
    ------
    CheckpointError
        If no MLP is found, or several readings remain; the message completes that of :func:`understood`.
    """
    found = templates(shapes)
    if len(found) > _MOST_TEMPLATES:
        raise _refusal(f"it has {len(found)} different names, more than {_MOST_TEMPLATES}", found)
    by_name = {template.name: template for template in found}
    stacks = [table for stack in _stacks(found) if (table := _mlps(stack, by_name))]
    if not stacks and (uneven := _of_several_sizes(found)):
        raise _refusal(f"layers of one stack have MLPs of several sizes, {uneven!r:.120}", found)
    if not stacks:
        raise _refusal("no layers with an MLP are told by names and shapes", found)
    widths = {_oriented(table, by_name) for table in stacks}
    if len(widths) > 1 or len({_sizes(table, by_name) for table in stacks}) > 1:
        raise _refusal("it has stacks of layers of different shapes, any of which `up` could be of", found)
    return _family(stacks, found, by_name, *widths.pop())


def infer_stages(shapes: Mapping[str, Shape]) -> list[Family]:
    """Infer families of a model whose layers are numbered inside numbered stages, one family for each width.

    An MLP that :func:`infer` would refuse is left out, with its stack of layers.

    Parameters
    ----------
    shapes : stored shape by tensor name.

    Returns
    -------
    list of Family
        None if no layers are inside stages.
    """
    modules = {name.removesuffix(f"{words[0]}.weight") for name in shapes for _, words in MLPS
               if name.endswith(f".{words[0]}.weight")}  # fmt: skip
    numbered = {module: [n.start() for n in NUMBER.finditer(module)] for module in modules if "expert" not in module}
    starts = {module[: numbers[-1]] for module, numbers in numbered.items() if len(numbers) > 1}
    if not starts or len(starts) > _MOST_STAGES or len(found := templates(shapes, starts)) > _MOST_TEMPLATES:
        return []
    by_name = {template.name: template for template in found}
    alike: dict[tuple[object, ...], list[dict[str, str]]] = {}
    for stack in sorted(starts):
        try:
            if table := _mlps(stack, by_name):
                alike.setdefault((_oriented(table, by_name), _sizes(table, by_name)), []).append(table)
        except CheckpointError:
            continue
    families = [_family(stacks, found, by_name, *_oriented(stacks[0], by_name)) for stacks in alike.values()]
    return [replace(family, globals={}) for family in families]


def _family(
    stacks: list[dict[str, str]], found: list[Template], by_name: Mapping[str, Template], width: int, transposed: bool
) -> Family:
    """The family of stacks of layers of one shape."""
    attentions = [_attention(_stack_of(table), by_name, width, transposed) for table in stacks]
    attentions = attentions if all(attentions) else [{} for _ in stacks]
    layers = [_slots(table | attention, by_name, transposed)
              for table, attention in zip(stacks, attentions, strict=True)]  # fmt: skip
    return Family(
        name="inferred",
        model_types=(),
        prefixes=("",),
        globals=_globals(found, width),
        layer=layers[0],
        stacks=tuple(layers[1:]),
        required=tuple(stacks[0]),
        norm="layer" if any(NORM.search(t.name) and t.name.endswith(".bias") for t in found) else "rms",
        gated=any(role.endswith("gate") for role in stacks[0]),
        odd_in_up=False,
        linear_values=False,
        attention="heads" if all(attentions) else "unknown",
        positions="unknown",
    )


def _stacks(found: list[Template]) -> list[str]:
    """Stacks of layers, an encoder before its decoder."""
    return sorted({t.stack for t in found if t.layers}, key=lambda stack: ("decoder" in stack, stack))


def _of_several_sizes(found: list[Template]) -> str | None:
    """A matrix of an MLP that has several shapes in the layers of one stack, if there is one."""
    first = tuple(f".{words[0]}.weight" for _, words in MLPS)
    return next((t.name for t in found if t.layers and t.shape is None and t.name.endswith(first)), None)


def _mlps(stack: str, by_name: Mapping[str, Template]) -> dict[str, str]:
    """Roles of the MLPs of a stack to templates.

    Raises
    ------
    CheckpointError
        If a layer has several MLPs of one kind.
    """
    table: dict[str, str] = {}
    for module in sorted(_modules(stack, by_name)):
        kind = "expert_" if "{e}" in module else "shared_" if "shared_expert" in module else ""
        for roles, words in MLPS:
            names = [_weight(module + word, by_name) for word in words]
            if not all(names) or not _fit([by_name[name] for name in names if name]):
                continue
            if any(kind + role in table for role in ("up", "down")):
                other = table[kind + "up"]
                raise _refusal(
                    f"both {other!r:.120} and {names[-2]!r:.120} could be `{kind}up`", list(by_name.values())
                )
            table |= {kind + role: name for role, name in zip(roles, names, strict=True) if name}
            break
    gated = {role.removesuffix("gate") for role in table if role.endswith("gate")}
    kinds = {role.removesuffix("up") for role in table if role.endswith("up")}
    if gated and gated != kinds:
        raise _refusal(f"some MLPs of {stack!r:.120} are gated and some are not", list(by_name.values()))
    return table


def _modules(stack: str, by_name: Mapping[str, Template]) -> set[str]:
    """Prefixes of the names of a stack's tensors, up to any dot."""
    found: set[str] = set()
    for template in by_name.values():
        if template.layers and template.stack == stack:
            dots = [match.end() for match in re.finditer(r"\.", template.name)]
            found |= {template.name[:end] for end in dots if end > len(stack)}
    return found


def _weight(module: str, by_name: Mapping[str, Template]) -> str | None:
    return next((name for name in (module + ".weight", module + ".kernel") if name in by_name), None)


def _fit(mlp: list[Template]) -> bool:
    """Whether the reading matrices have one shape in every layer, and the writing ones its transpose.

    Gate and up of one name are its halves.
    """
    *reading, down = [template.shape for template in mlp]
    if down is None or len(down) != 2 or 0 in down:
        return False
    halves = len(mlp) - len({template.name for template in mlp}) + 1
    return len({t.layers for t in mlp}) == 1 and all(shape == (halves * down[1], down[0]) for shape in reading)


def _oriented(table: Mapping[str, str], by_name: Mapping[str, Template]) -> tuple[int, bool]:
    """Width of the residual stream, and whether matrices are stored [in, out].

    Raises
    ------
    CheckpointError
        If the width is unknown, or both axes could have it.
    """
    stack = _stack_of(table)
    norms = {
        t.name: t.shape[0]
        for t in by_name.values()
        if t.shape is not None and len(t.shape) == 1 and t.stack == stack
        and NORM.search(t.name) and not HEAD_NORM.search(t.name)
    }  # fmt: skip
    lengths = {length for name, length in norms.items() if not name.startswith(_inside(table))}
    lengths |= {t.shape[1] for t in by_name.values() if t.shape and len(t.shape) == 2 and is_embedding(t, EMBED)}
    for role, name in table.items():
        bias = by_name.get(_bias(name))
        if role.endswith("down") and bias is not None and bias.shape is not None and len(bias.shape) == 1:
            lengths |= set(bias.shape)
    found: set[tuple[int, bool]] = set()
    for role, name in table.items():
        if role.endswith("down"):
            sides = by_name[name].shape or (0, 0)
            width = lengths & set(sides)
            halves = len({*table.values()}) < len(table) and sides[0] not in width  # are those of rows alone
            if (
                halves
                or sides[0] == sides[1]
                or len(width) != 1
                or not width.issuperset({*norms.values()} & set(sides))
            ):
                raise _refusal(
                    f"which side of {name!r:.120}, {sides[0]} by {sides[1]}, `down` writes to cannot be told",
                    list(by_name.values()),
                )
            found.add((min(width), sides[0] not in width))
    if len(found) > 1:
        raise _refusal(f"the MLPs of {stack!r:.120} have different widths", list(by_name.values()))
    return found.pop()


def _inside(table: Mapping[str, str]) -> tuple[str, ...]:
    """Prefixes of names inside MLP modules, where a norm may be over units and does not tell the width."""
    modules = {name[: match.start() + 1] for name in table.values() for match in re.finditer(r"\.", name)}
    layer = len(_stack_of(table) + "{i}.")
    return tuple(module for module in modules if len(module) > layer)


def _sizes(table: Mapping[str, str], by_name: Mapping[str, Template]) -> frozenset[tuple[str, Shape | None]]:
    return frozenset((role, by_name[name].shape) for role, name in table.items())


def _stack_of(table: Mapping[str, str]) -> str:
    return next(iter(table.values())).partition("{i}.")[0]


def _attention(stack: str, by_name: Mapping[str, Template], width: int, transposed: bool) -> dict[str, str]:
    """q, k, v and o, if exactly one set in a stack fits; else nothing."""
    tables: list[dict[str, str]] = []
    for module in sorted(_modules(stack, by_name)):
        for words in ATTENTION:
            names = [name for word in words if (name := _weight(module + word, by_name)) is not None]
            shapes = [by_name[name].shape for name in names]
            if len(names) < 4 or len({by_name[name].layers for name in names}) > 1:
                continue
            q, k, v, o = (shape[::-1] if shape and transposed else shape for shape in shapes)
            if q and k and len(q) == len(k) == 2 and q[1] == k[1] == width and k == v and o == q[::-1]:
                tables.append(dict(zip("qkvo", names, strict=True)))
                break
    return tables[0] if len(tables) == 1 else {}


def _slots(table: Mapping[str, str], by_name: Mapping[str, Template], transposed: bool) -> dict[str, str | Slot]:
    slots: dict[str, str | Slot] = {}
    for role, name in table.items():
        sharing = [other for other in table if table[other] == name]
        part = sharing.index(role), len(sharing)
        halves = len(sharing) > 1
        slots[role] = Slot(name, transposed=transposed, part=part) if transposed or halves else name
        bias = by_name.get(_bias(name))
        if bias is not None and bias.shape is not None and len(bias.shape) == 1:
            slots[f"{role}_bias"] = Slot(bias.name, part=part) if halves else bias.name
    return slots


def _bias(name: str) -> str:
    return name.rpartition(".")[0] + ".bias"


def _globals(found: list[Template], width: int) -> dict[str, str | Slot]:
    """The token embedding, if only one tensor fits, and an unembedding of its shape."""
    embeds = [t for t in found if t.shape and len(t.shape) == 2 and t.shape[1] == width and is_embedding(t, EMBED)]
    if len(embeds) != 1:
        return {}
    unembeds = [t for t in found if t.shape == embeds[0].shape and is_embedding(t, UNEMBED)]
    table: dict[str, str | Slot] = {"embed": embeds[0].name}
    return table | ({"unembed": unembeds[0].name} if len(unembeds) == 1 else {})


def _refusal(reason: str, found: list[Template]) -> CheckpointError:
    shown = sorted(found, key=lambda template: -template.layers)[:4]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    names = ", ".join(f"{t.name:.60} {t.extent}" for t in shown)
    return UnsupportedError(f"{reason}; templates are {names}{more}")
