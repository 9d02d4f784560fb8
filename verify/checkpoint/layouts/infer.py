"""A layout from names and shapes alone, where they leave one reading; and a draft of one, where they do not.

What must not be guessed wrong is which side of an MLP's matrices are its hidden units: residual dimensions are one
arrangement for the whole model, and counted block by block they would make p-values far too small. So the width
comes from elsewhere (norms, embeddings, the bias of what writes), and equal sides, fused gates and several MLPs in
a layer are refused. Signs, values and the stream are never assumed symmetric: names do not tell what is computed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...base import CheckpointError
from .layout import Family, Slot
from .naming import NUMBER

Shape = tuple[int, ...]

HINT = (
    "write a layout file (`verify inspect MODEL --draft-layout` begins one) and pass it as --layout my.toml "
    "(--layout-a or --layout-b where two models are compared)"
)
"""What to do about a layout that is not understood."""

_MOST_TEMPLATES = 2048
_GATED = (
    ("gate_proj", "up_proj", "down_proj"),
    ("w1", "w3", "w2"),
    ("gate", "up", "down"),
    ("w_gate", "w_up", "w_down"),
    ("wi_0", "wi_1", "wo"),
    ("linear_gate", "linear_up", "linear_down"),
    ("fc_1", "fc_2", "proj"),
)
_PLAIN = (
    ("up_proj", "down_proj"),
    ("fc1", "fc2"),
    ("lin1", "lin2"),
    ("linear1", "linear2"),
    ("linear_1", "linear_2"),
    ("c_fc", "c_proj"),
    ("fc_in", "fc_out"),
    ("dense_h_to_4h", "dense_4h_to_h"),
    ("intermediate.dense", "output.dense"),
    ("wi", "wo"),
    ("w1", "w2"),
    ("w_1", "w_2"),
    ("up", "down"),
    ("w_up", "w_down"),
    ("fc", "proj"),
    ("0", "2"),
    ("0", "3"),
)
_MLPS = tuple((("gate", "up", "down"), words) for words in _GATED) + tuple(
    (("up", "down"), words) for words in _PLAIN
)
_ATTENTION = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q", "k", "v", "o"),
    ("query", "key", "value", "out"),
    ("query", "key", "value", "output"),
    ("query", "key", "value", "dense"),
    ("self.query", "self.key", "self.value", "output.dense"),
    ("attention.query", "attention.key", "attention.value", "output.dense"),
    ("q_lin", "k_lin", "v_lin", "out_lin"),
    ("wq", "wk", "wv", "wo"),
    ("to_q", "to_k", "to_v", "to_out.0"),
    ("to_q", "to_k", "to_v", "to_out"),
    ("linear_q", "linear_k", "linear_v", "linear_out"),
)
_EMBED = "embed_tokens wte word_embeddings tok_embeddings token_embedding token_embeddings tok_emb token_emb embed_in"
_UNEMBED = "lm_head embed_out output output_layer output_projection"
_NORM = re.compile(r"norm|(^|[._])ln(_|[0-9]|\.|$)", re.IGNORECASE)
_HEAD_NORM = re.compile(r"(^|[._])[qkv]_?(norm|ln|layernorm)", re.IGNORECASE)


@dataclass(frozen=True)
class Template:
    """Tensors of one name but for the number of their layer and expert."""

    name: str
    """With ``{i}`` for the layer and ``{e}`` for the expert; other numbers are as they are."""
    shape: Shape | None
    """None where it differs."""
    layers: int
    """Layers that have it; 0 outside layers."""

    @property
    def stack(self) -> str:
        """What the names of all layers of its stack begin with."""
        return self.name.partition("{i}.")[0]


def templates(shapes: Mapping[str, Shape]) -> list[Template]:
    """The templates of a model's tensor names, in order of name.

    The first number between dots counts layers; one behind ``expert`` or ``experts`` counts experts.
    """
    found: dict[str, dict[int, set[Shape]]] = {}
    for name, shape in shapes.items():
        if "{" in name or "}" in name:
            continue  # a brace is a template's own sign
        template, layer = _template(name)
        found.setdefault(template, {}).setdefault(layer, set()).add(shape)
    result = []
    for template, layers in sorted(found.items()):
        kinds = set.union(*layers.values())
        count = 0 if "{i}" not in template else len(layers)
        result.append(Template(template, next(iter(kinds)) if len(kinds) == 1 else None, count))
    return result


def infer(shapes: Mapping[str, Shape]) -> Family:
    """A family from names and shapes, with no symmetry but that of hidden units.

    Parameters
    ----------
    shapes : stored shape by tensor name.

    Raises
    ------
    CheckpointError
        If no MLP is found, or more than one reading is left; the message ends what :func:`understood` begins.
    """
    found = templates(shapes)
    if len(found) > _MOST_TEMPLATES:
        raise _refusal(f"it has {len(found)} different names, more than {_MOST_TEMPLATES}", found)
    by_name = {template.name: template for template in found}
    stacks = [table for stack in _stacks(found) if (table := _mlps(stack, by_name))]
    if not stacks:
        raise _refusal("no layers with an MLP are told by names and shapes", found)
    widths = {_oriented(table, by_name) for table in stacks}
    if len(widths) > 1 or len({_sizes(table, by_name) for table in stacks}) > 1:
        raise _refusal("it has stacks of layers of different shapes, any of which `up` could be of", found)
    width, transposed = widths.pop()
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
        norm="layer" if any(_NORM.search(t.name) and t.name.endswith(".bias") for t in found) else "rms",
        gated=any(role.endswith("gate") for role in stacks[0]),
        odd_in_up=False,
        linear_values=False,
        attention="heads" if all(attentions) else "unknown",
        positions="unknown",
    )


def draft_layout(shapes: Mapping[str, Shape]) -> str:
    """The text of a layout file to begin with: roles where they can be guessed, all other names as comments.

    Parameters
    ----------
    shapes : stored shape by tensor name.
    """
    found = templates(shapes)
    try:
        family, doubt = infer(shapes), ""
    except CheckpointError as error:
        family, doubt = _guessed(found), str(error).partition("; templates are ")[0]
    used = {entry.name if isinstance(entry, Slot) else entry
            for table in (family.globals, family.layer, *family.stacks) for entry in table.values()}  # fmt: skip
    lines = ["# A layout to begin with: check every line. docs/layouts.md says what each means."]
    lines += [f"# Not certain: {doubt}."] if doubt else []
    lines += [
        'name = "my-model"',
        f'norm = "{family.norm}"  # or {"rms" if family.norm == "layer" else "layer"}',
        f'attention = "{family.attention}"',
        "# State these only if you know them: a false one can make a p-value too small.",
        "# odd_in_up = true",
        "# linear_values = true",
        '# positions = "rotary"',
    ]
    for title, table in (
        ("[globals]", family.globals),
        ("[layer]", family.layer),
        *(("[[stacks]]", stack) for stack in family.stacks),
    ):
        lines += ["", title, *(f"{role} = {_toml(entry)}" for role, entry in table.items())]
    rest = [template for template in found if template.name not in used][:_MOST_TEMPLATES]
    lines += ["", "# Without a role:", *(f"# {_quoted(t.name)} {_said(t)}" for t in rest)]
    return "\n".join(lines) + "\n"


def _template(name: str) -> tuple[str, int]:
    """The template of a name, and its layer (-1 outside layers)."""
    numbers = list(NUMBER.finditer(name))
    if not numbers:
        return name, -1
    first, *others = numbers
    expert = next((n for n in others if re.search(r"(^|\.)experts?\.$", name[: n.start()])), None)
    if expert is not None:
        name = name[: expert.start()] + "{e}" + name[expert.end() :]
    return name[: first.start()] + "{i}" + name[first.end() :], int(first[0])


def _stacks(found: list[Template]) -> list[str]:
    """Stacks of layers, an encoder before its decoder."""
    return sorted({t.stack for t in found if t.layers}, key=lambda stack: ("decoder" in stack, stack))


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
        for roles, words in _MLPS:
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
    """What the names of a stack's tensors begin with, up to any dot."""
    found: set[str] = set()
    for template in by_name.values():
        if template.layers and template.stack == stack:
            dots = [match.end() for match in re.finditer(r"\.", template.name)]
            found |= {template.name[:end] for end in dots if end > len(stack)}
    return found


def _weight(module: str, by_name: Mapping[str, Template]) -> str | None:
    return next((name for name in (module + ".weight", module + ".kernel") if name in by_name), None)


def _fit(mlp: list[Template]) -> bool:
    """Matrices of one shape in every layer, read alike, and written the other way round."""
    *reading, down = [template.shape for template in mlp]
    if down is None or len(down) != 2 or 0 in down:
        return False
    return len({t.layers for t in mlp}) == 1 and all(shape == down[::-1] for shape in reading)


def _oriented(table: Mapping[str, str], by_name: Mapping[str, Template]) -> tuple[int, bool]:
    """Width of the residual stream, and whether matrices are stored [in, out].

    Raises
    ------
    CheckpointError
        If nothing tells the width, or both sides could be it.
    """
    stack = _stack_of(table)
    norms = {
        t.name: t.shape[0]
        for t in by_name.values()
        if t.shape is not None and len(t.shape) == 1 and t.stack == stack
        and _NORM.search(t.name) and not _HEAD_NORM.search(t.name)
    }  # fmt: skip
    lengths = {length for name, length in norms.items() if not name.startswith(_inside(table))}
    lengths |= {t.shape[1] for t in by_name.values() if t.shape and len(t.shape) == 2 and _is_embedding(t, _EMBED)}
    for role, name in table.items():
        bias = by_name.get(_bias(name))
        if role.endswith("down") and bias is not None and bias.shape is not None and len(bias.shape) == 1:
            lengths |= set(bias.shape)
    found: set[tuple[int, bool]] = set()
    for role, name in table.items():
        if role.endswith("down"):
            sides = by_name[name].shape or (0, 0)
            width = lengths & set(sides)
            if sides[0] == sides[1] or len(width) != 1 or not width.issuperset({*norms.values()} & set(sides)):
                raise _refusal(
                    f"which side of {name!r:.120}, {sides[0]} by {sides[1]}, `down` writes to cannot be told",
                    list(by_name.values()),
                )
            found.add((min(width), sides[0] not in width))
    if len(found) > 1:
        raise _refusal(f"the MLPs of {stack!r:.120} have different widths", list(by_name.values()))
    return found.pop()


def _inside(table: Mapping[str, str]) -> tuple[str, ...]:
    """What names inside the modules of MLPs begin with: a norm there may be of units, and tells no width."""
    modules = {name[: match.start() + 1] for name in table.values() for match in re.finditer(r"\.", name)}
    layer = len(_stack_of(table) + "{i}.")
    return tuple(module for module in modules if len(module) > layer)


def _sizes(table: Mapping[str, str], by_name: Mapping[str, Template]) -> frozenset[tuple[str, Shape | None]]:
    return frozenset((role, by_name[name].shape) for role, name in table.items())


def _stack_of(table: Mapping[str, str]) -> str:
    return next(iter(table.values())).partition("{i}.")[0]


def _attention(stack: str, by_name: Mapping[str, Template], width: int, transposed: bool) -> dict[str, str]:
    """q, k, v and o where a stack has one attention of which they are told; else nothing."""
    tables: list[dict[str, str]] = []
    for module in sorted(_modules(stack, by_name)):
        for words in _ATTENTION:
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
        slots[role] = Slot(name, transposed=True) if transposed else name
        bias = by_name.get(_bias(name))
        if bias is not None and bias.shape is not None and len(bias.shape) == 1:
            slots[f"{role}_bias"] = bias.name
    return slots


def _bias(name: str) -> str:
    return name.rpartition(".")[0] + ".bias"


def _globals(found: list[Template], width: int) -> dict[str, str | Slot]:
    """The embedding of tokens where only one tensor can be it, and an unembedding of its shape."""
    embeds = [t for t in found if t.shape and len(t.shape) == 2 and t.shape[1] == width and _is_embedding(t, _EMBED)]
    if len(embeds) != 1:
        return {}
    unembeds = [t for t in found if t.shape == embeds[0].shape and _is_embedding(t, _UNEMBED)]
    table: dict[str, str | Slot] = {"embed": embeds[0].name}
    return table | ({"unembed": unembeds[0].name} if len(unembeds) == 1 else {})


def _is_embedding(template: Template, words: str) -> bool:
    return not template.layers and template.name.removesuffix(".weight").rpartition(".")[2] in words.split()


def _guessed(found: list[Template]) -> Family:
    """Roles by words alone, each where one template has its word."""
    claims: dict[str, list[str]] = {}
    words = {word: role for roles, names in reversed(_MLPS) for role, word in zip(roles, names, strict=True)}
    words |= {word: role for names in reversed(_ATTENTION) for role, word in zip("qkvo", names, strict=True)}
    for template in found:
        leaf = template.name.removesuffix(".weight").rpartition(".")[2]
        if template.layers and leaf in words and template.shape and len(template.shape) == 2:
            role = words[leaf]
            kind = "expert_" if "{e}" in template.name and role not in "qkvo" else ""
            claims.setdefault(kind + role, []).append(template.name)
    layer: dict[str, str | Slot] = {role: names[0] for role, names in claims.items() if len(names) == 1}
    embeds = [t.name for t in found if t.shape and len(t.shape) == 2 and _is_embedding(t, _EMBED)]
    return Family(
        name="guessed",
        model_types=(),
        prefixes=("",),
        globals={"embed": embeds[0]} if len(embeds) == 1 else {},
        layer=layer,
        norm="layer",
        attention="heads" if all(role in layer for role in "qkvo") else "unknown",
    )


def _refusal(reason: str, found: list[Template]) -> CheckpointError:
    shown = sorted(found, key=lambda template: -template.layers)[:4]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    names = ", ".join(f"{t.name:.60} {_said(t)}" for t in shown)
    return CheckpointError(f"{reason}; templates are {names}{more}")


def _said(template: Template) -> str:
    shape = "of several shapes" if template.shape is None else str(list(template.shape))
    return shape + (f" in {template.layers} layers" if template.layers else "")


def _toml(entry: str | Slot) -> str:
    if isinstance(entry, str):
        return _quoted(entry)
    return f"{{ name = {_quoted(entry.name)}, transposed = true }}" if entry.transposed else _quoted(entry.name)


def _quoted(name: str) -> str:
    """A TOML basic string: that of JSON, with nothing escaped but what must be."""
    return json.dumps(name, ensure_ascii=False)
