"""What the caller declares of a model whose type is unknown, and whose tensors are like those of a known family.

Names and shapes prove no more than the order of hidden units, given that the activation acts on each unit by itself.
Everything else has a counter-example without a tensor of its own:

- signs of the residual stream: a layer norm without gain or bias subtracts the mean (OLMo 1);
- its order: sinusoids that are added and not stored (XGLM), or stored in the place of learned ones (Marian);
- value channels: rotations of values as of keys (``rotary_value`` of RoFormer);
- signs of units: a clamp of ``up`` (gpt-oss);
- channels of q and k: norms without gains (L2), planes of neighbours or of halves.

So these are stated, one by one, or not used. What is stated is a fact about the program, not about the other model:
it enters the null hypothesis as an assumption, and the family of the record lists it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ...base import OptionError
from .fit import Fit
from .layout import STATED
from .layout_file import FLAGS, ONE_OF, SIZES

_WORDS: dict[str, tuple[str, Any]] = {
    "rms": ("norm", "rms"),
    "layer": ("norm", "layer"),
    "rotary": ("positions", "rotary"),
    "learned": ("positions", "learned"),
    "sinusoidal": ("positions", "sinusoidal"),
    "half": ("rotary", "half"),
    "interleaved": ("rotary", "interleaved"),
    "linear_values": ("linear_values", True),
    "odd_in_up": ("odd_in_up", True),
    "heads_alike": ("heads_alike", True),
}
"""Words that say an entry of a layout file with its value."""
_ENTRIES = (
    "norm",
    "positions",
    "rotary",
    "rotary_size",
    "query_key_norm",
    "linear_values",
    "odd_in_up",
    "heads_alike",
    "expert_groups",
)
"""Entries that can be stated; the others tell where tensors lie."""
_NOT_STATED: dict[str, Any] = {
    "norm": "layer",
    "positions": "unknown",
    "rotary": "",
    "query_key_norm": "unknown",
    "linear_values": False,
    "odd_in_up": False,
    "heads_alike": False,
    "expert_groups": 0,
}


def declarations(text: str) -> dict[str, Any]:
    """The entries that ``--declare`` states.

    Parameters
    ----------
    text : entries of a layout file with their values, or words that say both, with commas between: ``rms,rotary``,
        ``norm=rms,query_key_norm=none``.

    Returns
    -------
    dict
        Value by entry.

    Raises
    ------
    OptionError
        If a word is not known, or an entry is stated twice otherwise.
    """
    found: dict[str, Any] = {}
    for word in (part.strip() for part in text.split(",")):
        entry, value = _stated(word)
        if found.setdefault(entry, value) != value:
            raise OptionError(f"--declare {text!r:.120} gives {entry} as {found[entry]!r} and {value!r}; give one.")
    if ("rotary" in found) != ("rotary_size" in found):
        raise OptionError(
            f"--declare {text!r:.120} gives rotary or rotary_size alone; give both, such as half,rotary_size=64 "
            "(channels of a head that positions turn), or neither."
        )
    if "rotary" in found and found.setdefault("positions", "rotary") != "rotary":
        raise OptionError(
            f"--declare {text!r:.120} says how positions turn channels, and that they are {found['positions']}; give "
            "one of the two."
        )
    return found


def _stated(word: str) -> tuple[str, Any]:
    entry, equals, text = word.partition("=")
    if not equals and word in _WORDS:
        return _WORDS[word]
    if entry == "rotary_size" and re.fullmatch("[0-9]{1,5}", text) and int(text) in SIZES:
        return entry, int(text)
    allowed: tuple[Any, ...] = (True, False) if entry in FLAGS else ONE_OF.get(entry, ())
    value = next((one for one in allowed if str(one).lower() == text), None)
    if entry not in _ENTRIES or value is None:
        choices = (
            f"one of {', '.join(str(one).lower() for one in allowed)}" if allowed else "an even number of channels"
        )
        choices = choices if entry in _ENTRIES else _choices()
        raise OptionError(f"--declare has {word!r:.60}; expected {choices}.")
    return entry, value


def _choices() -> str:
    return f"words among {', '.join(_WORDS)}, or ENTRY=VALUE with an entry among {', '.join(_ENTRIES)}"


def with_declarations(name: str, fit: Fit, stated: dict[str, Any]) -> Fit:
    """A part whose table was found by names and shapes, with what the caller states in place of the table's word.

    Nothing that the table says of the program counts, unless it is stated.

    Parameters
    ----------
    name : of the model, for messages.
    fit : the part.
    stated : value by entry.

    Returns
    -------
    Fit
        The part; its family is named ``layout:``, the table and what was stated.

    Raises
    ------
    OptionError
        If the table is of the model's own type, or of the caller, or what is stated cannot be true of it.
    """
    family = fit.family
    if fit.declared or fit.asked:
        why = "its layout is given" if fit.asked else f"its model type {fit.config.get('model_type')!r:.60} is known"
        raise OptionError(
            f"--declare is given for {name}, and {why}, which says what it computes; leave --declare out, or state "
            "all of it by --layout."
        )
    for entry, holds, needed in (
        ("odd_in_up", family.gated, "an MLP with a gate"),
        ("linear_values", family.attention == "heads", "plain q, k, v and o"),
        ("rotary", family.attention == "heads", "plain q, k, v and o"),
        ("query_key_norm", family.attention == "heads", "plain q, k, v and o"),
        ("heads_alike", family.attention == "heads", "plain q, k, v and o"),
        ("query_key_norm", stated.get("query_key_norm") != "gain" or _has(fit, "q_norm"), "norms of q and k"),
        ("positions", stated.get("positions") != "learned" or _has(fit, "position"), "a tensor of positions"),
    ):
        if stated.get(entry) and not holds:
            raise OptionError(f"--declare states {entry} of {name}, which lacks {needed}; leave it out.")
    if family.attention == "latent":  # norms of latent vectors, and what positions turn, have no word
        family = replace(family, attention="unknown")
    words = ",".join(_word(entry, stated[entry]) for entry in _ENTRIES if entry in stated)
    fields = {**_NOT_STATED, **stated}
    config = {key: value for key, value in fit.config.items() if key != "rope_interleave"}  # ``rotary`` is stated
    family = replace(family, name=f"{STATED}{family.name},{words}", stated=True, **fields)
    return replace(fit, family=family, config=config)


def _word(entry: str, value: Any) -> str:
    """The shortest word that states an entry."""
    short = next((word for word, meant in _WORDS.items() if meant == (entry, value)), None)
    return short or f"{entry}={str(value).lower()}"


def _has(fit: Fit, role: str) -> bool:
    return any(key[0] == role for keys in fit.keys.values() for key, _ in keys)
