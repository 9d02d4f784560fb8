"""Draft a layout file for a model of unknown architecture."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...base import CheckpointError
from .infer import infer
from .layout import Family, Slot
from .templates import Shape, Template, templates
from .usual_names import ATTENTION, EMBED, MLPS, is_embedding

_MOST_TEMPLATES = 2048


def draft_layout(shapes: Mapping[str, Shape]) -> str:
    """The text of a layout file to start from: roles that can be guessed, all other names as comments.

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
        '# rotary = "half"',
        "# rotary_size = 64",
        '# query_key_norm = "none"',
    ]
    for title, table in (
        ("[globals]", family.globals),
        ("[layer]", family.layer),
        *(("[[stacks]]", stack) for stack in family.stacks),
    ):
        lines += ["", title, *(f"{role} = {_toml(entry)}" for role, entry in table.items())]
    rest = [template for template in found if template.name not in used][:_MOST_TEMPLATES]
    lines += ["", "# Without a role:", *(f"# {_quoted(t.name)} {t.extent}" for t in rest)]
    return "\n".join(lines) + "\n"


def _guessed(found: list[Template]) -> Family:
    """Roles by words alone, each if exactly one template has the word."""
    claims: dict[str, list[str]] = {}
    words = {word: role for roles, names in reversed(MLPS) for role, word in zip(roles, names, strict=True)}
    words |= {word: role for names in reversed(ATTENTION) for role, word in zip("qkvo", names, strict=True)}
    for template in found:
        leaf = template.name.removesuffix(".weight").rpartition(".")[2]
        if template.layers and leaf in words and template.shape and len(template.shape) == 2:
            role = words[leaf]
            kind = "expert_" if "{e}" in template.name and role not in "qkvo" else ""
            claims.setdefault(kind + role, []).append(template.name)
    layer: dict[str, str | Slot] = {role: names[0] for role, names in claims.items() if len(names) == 1}
    embeds = [t.name for t in found if t.shape and len(t.shape) == 2 and is_embedding(t, EMBED)]
    return Family(
        name="guessed",
        model_types=(),
        prefixes=("",),
        globals={"embed": embeds[0]} if len(embeds) == 1 else {},
        layer=layer,
        norm="layer",
        attention="heads" if all(role in layer for role in "qkvo") else "unknown",
    )


def _toml(entry: str | Slot) -> str:
    if isinstance(entry, str):
        return _quoted(entry)
    return f"{{ name = {_quoted(entry.name)}, transposed = true }}" if entry.transposed else _quoted(entry.name)


def _quoted(name: str) -> str:
    """A TOML basic string: the JSON string, with minimal escapes."""
    return json.dumps(name, ensure_ascii=False)
