"""Read a layout file: a family table in TOML that a user writes for one model; see docs/layouts.md.

The file is untrusted like any other: bounded, without code, without regular expressions (patterns have ``*`` and
``?`` only). Anything it does not declare is not assumed; what it declares counts as known, and the record shows it by
a family named ``layout:`` and its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import translate
from pathlib import Path
from typing import Any

from ...base import BoundError, CheckpointError, HostileError, OptionError, exists, read_regular, toml_table
from .families import FAMILIES
from .layout import Family, Slot

_LARGEST = 1 << 20  # bytes
_LONGEST = 300  # characters of one name
_MOST = 256  # entries of one list
_MLP = tuple(f"{kind}{role}" for kind in ("", "expert_", "shared_") for role in ("gate", "up", "down"))
_NORMS = ("norm_attn", "norm_mlp", "norm_out", "norm_attn_out", "norm_mlp_out")
_OF_LATENT = tuple(f"latent_{name}" for name in ("q", "q_a", "q_a_norm", "q_b", "kv_a", "kv_a_norm", "kv_b", "o"))
_OF_CHANNELS = ("q_norm", "k_norm", "value_gate", "value_norm", "unit_norm", "sinks")
_ROUTERS = ("router", "router_scale", "shared_router")
_LAYER_ROLES = (*"qkvo", *_OF_CHANNELS, *_ROUTERS, *_OF_LATENT, *_MLP, *_NORMS)
_GLOBAL_ROLES = ("embed", "embed_map", "position", "norm_embed", "norm_final", "unembed")
ONE_OF: dict[str, tuple[str | int, ...]] = {
    "norm": ("rms", "layer"),
    "norm_offset": (0, 1),
    "attention": ("heads", "latent", "unknown"),
    "positions": ("rotary", "learned", "sinusoidal", "none", "unknown"),
    "rotary": ("half", "interleaved"),
    "query_key_norm": ("unknown", "none", "gain", "layer"),
    "expert_groups": (0, 1),
}
"""Values of entries that take one of a few."""
FLAGS = ("post_norm", "shared_norm", "odd_in_up", "linear_values", "heads_alike", "shared_blocks", "tied", "uneven")
"""Entries that are true or false."""
SIZES = range(2, 1 << 16, 2)
"""Numbers of channels that positions turn."""
_TABLES = ("globals", "layer", "stacks", "others", "config", "switches")
_OTHERS = ("name", "prefix", "section", *_TABLES, "outside", "constants", "other_meaning", "rotary_size")
_KEYS = {*_OTHERS, *ONE_OF, *FLAGS}
_TEMPLATE = re.compile(r"[^{}]*(\{i\}[^{}]*(\{e\}[^{}]*)?)?")


def layout_of(given: str | os.PathLike[str]) -> Family:
    """The table that ``--layout`` names: a built-in family, or a file.

    Naming a built-in family declares, as a file does, that the model computes what that family computes.

    Raises
    ------
    CheckpointError
        If the file cannot be read or is not a layout.
    """
    shipped = FAMILIES.of_name(os.fspath(given))
    if shipped is None or exists(Path(given)):
        return read_layout(given)
    return replace(shipped, name=f"layout:{shipped.name}", stated=True)


def read_layout(path: str | os.PathLike[str]) -> Family:
    """The family that a layout file declares.

    Raises
    ------
    CheckpointError
        If the file is missing, too large, not TOML, or not a valid layout.
    """
    path = Path(path)
    try:
        content = toml_table(read_regular(path, _LARGEST), most=_LARGEST)
    except OSError as error:
        raise OptionError(
            f"{path.name!r:.120} cannot be read as a layout file ({error.strerror}); give a TOML file or the name of "
            "a family."
        ) from error
    except BoundError as error:
        raise HostileError(f"{path.name!r:.120} {error}; expected a layout file.") from error
    except ValueError as error:
        raise OptionError(f"{path.name!r:.120} {error}; correct it.") from error
    try:
        return family_of(content)
    except CheckpointError as error:
        raise OptionError(f"{path.name!r:.120} {error}") from None


def family_of(content: dict[str, Any]) -> Family:
    """The family, with every entry checked; messages are predicates, to be put after the file's name."""
    unknown = sorted(content.keys() - _KEYS)
    _expect(not unknown, f"has an entry {(unknown or [''])[0]!r:.60}", f"entries among {', '.join(sorted(_KEYS))}")
    name = content.get("name")
    _expect(
        isinstance(name, str) and re.fullmatch(r"[\w.-]{1,60}", name) is not None,
        f"gives name as {name!r:.60}",
        "up to 60 letters, digits, dots, hyphens or underscores",
    )
    fields = _declared(content)
    stacks = content.get("stacks", [])
    _expect(isinstance(stacks, list) and len(stacks) <= 8, "gives stacks otherwise", "at most 8 tables")
    layer, *others = (_table(table, _LAYER_ROLES, _layer_template) for table in [content.get("layer"), *stacks])
    some = "down" in layer or "expert_down" in layer or fields.get("uneven") is True
    _expect(some, "gives no MLP in [layer]", "`up` and `down`, or of experts")
    defaults: dict[str, Any] = {"norm": "layer", "odd_in_up": False, "linear_values": False, "positions": "unknown"}
    defaults["heads_alike"] = False
    latent = all(f"latent_{name}" in layer for name in ("kv_a", "kv_b", "o"))
    defaults["attention"] = "heads" if all(role in layer for role in "qkvo") else "latent" if latent else "unknown"
    fields = defaults | fields
    gated = any(role.endswith("gate") for role in layer)
    plain = all(role in layer for role in "qkvo")
    _expect(plain or fields["attention"] != "heads", 'gives attention as "heads"', "q, k, v and o in [layer]")
    _expect(plain or latent or not fields["linear_values"], "gives linear_values as true", "q, k, v and o in [layer]")
    _expect(gated or not fields["odd_in_up"], "gives odd_in_up as true", "a `gate` in [layer]: no other MLP is")
    _check_query_key(fields, layer)
    tables = _table(content.get("globals", {}), _GLOBAL_ROLES, _global_template)
    return Family(
        name=f"layout:{name}",
        model_types=(),
        prefixes=(_prefix(content.get("prefix", "")),),
        globals={role: slot for role, slot in tables.items() if not role.startswith("unembed")},
        unprefixed={role: slot for role, slot in tables.items() if role.startswith("unembed")},
        layer=layer,
        stacks=tuple(others),
        constants=_patterns(content, "constants"),
        outside=_patterns(content, "outside"),
        others=_others(content.get("others", {}), tables | layer),
        required=tuple(role for role in (*tables, *layer) if role in ("embed", *"qkvo", *_MLP)),
        gated=gated,
        config=_numbers(content.get("config", {})),
        section=_text(content.get("section"), "section") if "section" in content else "",
        other_meaning=tuple(_text(entry, "other_meaning") for entry in _list(content, "other_meaning")),
        switches=_switches(content.get("switches", {})),
        stated=True,
        **fields,
    )


def _declared(content: dict[str, Any]) -> dict[str, Any]:
    """What a table states of the symmetries, as far as it does."""
    fields: dict[str, Any] = {key: _checked(content, key, allowed) for key, allowed in ONE_OF.items()}
    fields |= {key: _checked(content, key, (True, False)) for key in FLAGS}
    fields |= {"rotary_size": _checked(content, "rotary_size", SIZES, "an even number of channels")}
    return {key: value for key, value in fields.items() if value is not None}


def _switches(entries: Any) -> dict[str, dict[str, Any]]:
    """Fields that entries of config.json change."""
    sound = isinstance(entries, dict) and len(entries) <= _MOST
    sound = sound and all(isinstance(fields, dict) for fields in entries.values())
    _expect(sound, f"gives [switches] as {entries!r:.80}", "tables of entries, each with what it changes")
    for entry, fields in entries.items():
        _text(entry, "switches")
        unknown = sorted(fields.keys() - {*ONE_OF, *FLAGS, "rotary_size"})
        _expect(
            not unknown,
            f"changes {(unknown or [''])[0]!r:.60} in [switches]",
            "what is true or false, or one of some",
        )
    return {entry: _declared(fields) for entry, fields in entries.items()}


def _others(entries: Any, roles: dict[str, str | Slot]) -> dict[str, tuple[str | Slot, ...]]:
    """Other places of roles that the tables have."""
    _expect(isinstance(entries, dict), "gives others otherwise", "a table of roles, each with a list of places")
    found: dict[str, tuple[str | Slot, ...]] = {}
    for role, places in entries.items():
        _expect(role in roles, f"gives others of {role!r:.60}", "a role that [globals] or [layer] has")
        _expect(
            isinstance(places, list) and len(places) <= _MOST, f"gives others of {role} otherwise", "a list of places"
        )
        inside = role.removesuffix("_bias") in _LAYER_ROLES
        template = _layer_template if inside else _global_template
        found[role] = tuple(
            _slot(role, {"name": place} if isinstance(place, str) else place, template) for place in places
        )
    return found


def _check_query_key(fields: dict[str, Any], layer: dict[str, str | Slot]) -> None:
    """Check that what is declared of q and k goes together."""
    turned = [key for key in ("rotary", "rotary_size") if key in fields]
    _expect(len(turned) != 1, f"gives {' '.join(turned)} alone", "both rotary and rotary_size, or neither")
    _expect(not turned or fields["positions"] == "rotary", "gives rotary", 'positions = "rotary" beside it')
    plain = fields.get("query_key_norm") == "none" and ("q_norm" in layer or "k_norm" in layer)
    _expect(not plain, 'gives query_key_norm as "none"', "the kind of norm that [layer] has")


def _table(entries: Any, roles: tuple[str, ...], template: Callable[[str, str], str]) -> dict[str, str | Slot]:
    """Slots by role."""
    _expect(isinstance(entries, dict), "lacks a table, such as [layer]", "a table of roles")
    slots: dict[str, str | Slot] = {}
    for role, entry in entries.items():
        _expect(
            role.removesuffix("_bias") in roles,
            f"gives a role {role!r:.60}",
            f"one of {', '.join(roles)}, or one of them and `_bias`",
        )
        slots[role] = _slot(role, {"name": entry} if isinstance(entry, str) else entry, template)
    return slots


def _slot(role: str, entry: Any, template: Callable[[str, str], str]) -> Slot:
    known = isinstance(entry, dict) and entry.keys() <= {"name", "transposed", "part", "fused", "stacked"}
    _expect(
        known, f"gives {role} as {entry!r:.80}", "a name, or a table of name, transposed, part, fused and stacked"
    )
    part, fused, transposed = entry.get("part", [0, 1]), entry.get("fused", "equal"), entry.get("transposed", False)
    pair = isinstance(part, list) and len(part) == 2 and all(type(n) is int for n in part)
    _expect(
        pair and 0 <= part[0] < part[1] <= 16,
        f"gives part of {role} as {part!r:.60}",
        "[k, n], the k-th (from 0) of n <= 16 parts",
    )
    orders = isinstance(fused, str) and (
        fused in ("equal", "alternate", "each head") or (fused in ("heads", "groups") and part[1] == 3)
    )
    _expect(
        orders,
        f"gives fused of {role} as {fused!r:.60}",
        '"equal", "alternate", "each head", or "heads" or "groups" of 3 parts',
    )
    _expect(isinstance(transposed, bool), f"gives transposed of {role} as {transposed!r:.60}", "true or false")
    stacked = entry.get("stacked", False)
    sound = stacked is False or (stacked is True and role.startswith("expert_"))
    _expect(sound, f"gives stacked of {role} as {stacked!r:.60}", "true or false, and true of experts only")
    name = template(role.removeprefix("expert_") if stacked else role, _text(entry.get("name"), role))
    return Slot(name, transposed, (part[0], part[1]), fused, stacked)


def _layer_template(role: str, name: str) -> str:
    wanted = ["{i}", "{e}"] if role.startswith("expert_") else ["{i}"]
    counted = _TEMPLATE.fullmatch(name) is not None and re.findall(r"(?<=\.)\{[ie]\}(?=\.)", name) == wanted
    signs = " and then {e}" if len(wanted) > 1 else ""
    _expect(
        counted, f"gives {role} as {name!r:.120}", f"a name with {{i}}{signs} between dots, once, and no other brace"
    )
    return name


def _global_template(role: str, name: str) -> str:
    _expect("{" not in name and "}" not in name, f"gives {role} as {name!r:.120}", "a name without braces")
    return name


def _prefix(prefix: Any) -> str:
    if prefix != "":
        sound = isinstance(prefix, str) and prefix.endswith(".") and "{" not in prefix and "}" not in prefix
        _expect(sound, f"gives prefix as {prefix!r:.80}", "a text that ends in a dot, without braces")
        _text(prefix, "prefix")
    return str(prefix)


def _patterns(content: dict[str, Any], key: str) -> tuple[str, ...]:
    """Patterns of whole names as regular expressions; ``*`` is translated without backtracking."""
    return tuple(rf"\A{translate(_text(pattern, key))}" for pattern in _list(content, key))


def _list(content: dict[str, Any], key: str) -> list[Any]:
    entries = content.get(key, [])
    _expect(
        isinstance(entries, list) and len(entries) <= _MOST, f"gives {key} otherwise", f"at most {_MOST} patterns"
    )
    return list(entries)


def _numbers(entries: Any) -> dict[str, int]:
    sound = isinstance(entries, dict) and len(entries) <= _MOST
    sound = sound and all(type(value) is int and 0 < value < 2**31 for value in entries.values())
    _expect(sound, f"gives [config] as {entries!r:.80}", "counts, such as num_attention_heads")
    return dict(entries)


def _text(value: Any, what: str) -> str:
    sound = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()
    _expect(sound, f"gives {what} as {value!r:.80}", f"a text of at most {_LONGEST} printable characters")
    return str(value)


def _checked(content: dict[str, Any], key: str, allowed: Sequence[Any], named: str = "") -> Any:
    value = content.get(key)
    sound = value is None or (type(value) is type(allowed[0]) and value in allowed)
    _expect(sound, f"gives {key} as {value!r:.60}", named or "one of " + ", ".join(map(repr, allowed)))
    return value


def _expect(holds: object, found: str, expected: str) -> None:
    if not holds:
        raise OptionError(f"{found}; expected {expected}.")
