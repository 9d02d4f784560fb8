"""Names of weights in ONNX graphs: by exporters, by onnxruntime-genai's builder, and in the tables of families."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..layouts.families import FAMILIES
from ..layouts.layout import slot_of

_KEPT = {"text_model"} | {  # modules that tell towers apart, or that the names of some family include
    prefix.split(".")[-2] for family in FAMILIES if "" not in family.prefixes for prefix in family.prefixes
}
_QUANTISED = re.compile(r"(_Q[248]|_quantized|_DQ_Q[248])$")
_BUILT = re.compile(r"\.(MatMul(NBits)?|Add)\.(weight|qweight|bias)(_Q[248])?$")
_NUMBER = re.compile(r"(?<=\.)[0-9]{1,6}(?=\.)")


def named(name: str) -> bool:
    """Whether a name is that of a parameter in a module."""
    return "." in name and "::" not in name and "/" not in name


def plain(name: str) -> str:
    """A name without what quantisers and onnxruntime-genai's builder add to it.

    Examples
    --------
    >>> plain("model.layers.0.attn.qkv_proj.MatMul.weight_Q4")
    'model.layers.0.self_attn.qkv_proj.weight'
    """
    name = _QUANTISED.sub("", name)
    if not is_built(name):
        return name
    name = re.sub(r"\.(MatMul|MatMulNBits|Add)\.(q?weight|bias)$", lambda m: f".{m[2].removeprefix('q')}", name)
    name = re.sub(r"^model\.layers\.[0-9]+\.final_norm_layernorm\.", "model.norm.", name)
    name = re.sub(r"\.([qk]_norm)\.layernorm\.", r".\1.", name)
    return re.sub(r"(\.[0-9]+)\.attn\.", r"\1.self_attn.", name)


def is_built(name: str) -> bool:
    """Whether a name is one that onnxruntime-genai's builder gives."""
    return _BUILT.search(name) is not None or ".final_norm_layernorm." in name or "_norm.layernorm." in name


def unwrapping(names: list[str]) -> int:
    """How many words to take off the beginning of every name: common wrapper modules added for export."""
    words = 0
    held = [name.split(".") for name in names if named(name)]
    while True:
        first = {name[words] for name in held}
        if len(first) != 1 or first & _KEPT or not all(len(name) - words > 2 for name in held):
            return words
        words += 1


def is_known(name: str) -> bool:
    """Whether some family's table has a tensor of that name, below whatever modules."""
    return any(end in _known() for end in _ends(name))


def heads_in(module: str) -> tuple[str, str, str] | None:
    """Names of the modules of q, k and v in an attention module, as a family's table has them; None if unknown."""
    return next((_queries()[end] for end in _ends(module) if end in _queries()), None)


def _ends(name: str) -> Iterator[str]:
    """The last words of a name, numbers replaced: as many as a known name may have, then fewer."""
    words = _NUMBER.sub("\0", name).split(".")
    for k in range(max(0, len(words) - _most_words()), len(words)):
        yield ".".join(words[k:])


@cache
def _most_words() -> int:
    return max(name.count(".") + 1 for name in _known())


@cache
def _known() -> frozenset[str]:
    found = set[str]()
    for family in FAMILIES:
        for table in (family.globals, family.layer, *family.stacks, family.unprefixed):
            for entry in table.values():
                found |= {_skeleton(prefix + slot_of(entry).name) for prefix in (*family.prefixes, "")}
    return frozenset(found)


@cache
def _queries() -> dict[str, tuple[str, str, str]]:
    found: dict[str, tuple[str, str, str]] = {}
    for family in FAMILIES:
        for table in (family.layer, *family.stacks):
            entries = [slot_of(table[role]).name for role in "qkv" if role in table]
            parents = {name.rpartition(".")[0].rpartition(".")[0] for name in entries}
            if len(set(entries)) == 3 and len(parents) == 1:
                q, k, v = (name.split(".")[-2] for name in entries)
                for prefix in (*family.prefixes, ""):
                    found.setdefault(_skeleton(prefix + next(iter(parents))), (q, k, v))
    return found


def _skeleton(name: str) -> str:
    return name.replace("{i}", "\0").replace("{e}", "\0")
