"""Settings of one part of a model, from ``config.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .kinds import kind_of_word, sense
from .layout import Family

_DEEPEST = 3  # sections inside sections of config.json


def numbers(family: Family, config: dict[str, Any]) -> dict[str, Any]:
    """Settings of this part of the model in ``config.json``, with the family's defaults."""
    section = config.get(family.section)
    said = config | (section if isinstance(section, dict) else {}) | {"model_type": config.get("model_type")}
    return dict(family.config) | {key: value for key, value in said.items() if value is not None}


def configured(family: Family, config: dict[str, Any]) -> Family:
    """The family with the fields that ``config.json`` changes."""
    for switch, fields in family.switches.items():
        entry, _, wanted = switch.partition("=")
        value = nested(config, entry)
        if (value == wanted or (value is False and wanted == "false")) if wanted else value not in (None, 0):
            family = replace(family, **fields)
    return family


def nested(config: Mapping[str, Any], entry: str) -> Any:
    """An entry of ``config.json``, dotted if nested; None if it is absent."""
    value: Any = config
    for key in entry.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def sections_of(config: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Nested objects of ``config.json`` with their names, outer ones first."""
    inner = [(key, value) for key, value in config.items() if isinstance(value, dict)]
    yield from inner
    if depth < _DEEPEST:
        for _, value in inner:
            yield from sections_of(value, depth + 1)


def config_of(
    family: Family,
    root: str,
    kind: str,
    config: Mapping[str, Any],
    sections: Sequence[tuple[str, Mapping[str, Any]]],
) -> dict[str, Any]:
    """Settings of a part: its section of ``config.json``, and for the text part also the top level.

    Parameters
    ----------
    family : the table that reads the part.
    root : what the names of the part's tensors begin with.
    kind : kind of the part.
    config : content of ``config.json``.
    sections : its nested objects with their names, as :func:`sections_of` gives them.

    Returns
    -------
    dict
        The part's settings.
    """
    words, best, section = root.split("."), (False, False, False), None
    for key, value in sections:
        inner = key.removesuffix("_config")
        other = kind_of_word(inner) or ""
        named = inner in words
        alike = sense(other) == sense(kind) or key == family.section
        declares = value.get("model_type") in family.model_types and (alike or not other)
        if (found := (named, declares, alike)) > best:
            best, section = found, value
    if section is None:
        return dict(config)
    around = config if sense(kind) == "text" else {}
    return dict(around) | {key: value for key, value in section.items() if value is not None}
