"""Read YAML from an untrusted source: of bounded length, depth and number of values, with plain values alone.

Anchors and aliases are refused, since a few lines of them stand for gigabytes, and so are tags and documents after
the first. Numbers are whole numbers and floats as JSON has them, or in YAML 1.1's other forms if they are short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .strict_json import DEEPEST, BoundError

if TYPE_CHECKING:
    from yaml import Event

MOST_EVENTS = 200_000
"""Values, keys and ends of containers; without the parser in C each takes some 50 microseconds."""
LONGEST_PLAIN = 1000
"""Characters of a value without quotes, which may be a number: those of base 60 take time with their square."""


def yaml_value(text: bytes, *, most: int) -> Any:
    r"""Parse one YAML document in UTF-8, without duplicate keys.

    Parameters
    ----------
    text : the YAML, in UTF-8.
    most : largest length, in bytes.

    Raises
    ------
    BoundError
        If it is longer or deeper, or has more values, than allowed, or has anchors or tags.
    ValueError
        If it is not YAML. The message is a predicate, to be put after the name of a file.
    ImportError
        If PyYAML is not installed.

    Examples
    --------
    >>> yaml_value(b"name: toy\nsizes: [1, 2]", most=100)
    {'name': 'toy', 'sizes': [1, 2]}
    >>> try:
    ...     yaml_value(b"a: &x [1]\nb: *x", most=100)
    ... except ValueError as error:
    ...     print(f"recipe.yaml {error}.")
    recipe.yaml has an anchor, alias or tag; expected plain values.
    """
    import yaml

    if len(text) > most:
        raise BoundError(f"has {len(text)} bytes; expected at most {most}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        signs = text.decode("utf-8")
        depth = 0
        for number, event in enumerate(yaml.parse(signs, loader)):
            depth += _deeper(event)
            _check(event, number, depth)
        return yaml.load(signs, type("_Loader", (_UniqueKeys, loader), {}))  # a safe one
    except BoundError:
        raise
    except RecursionError:
        raise BoundError("is nested too deeply") from None
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"is not YAML ({' '.join(str(error).split())[:120]})") from error


class _UniqueKeys:
    """Of a loader: a key that is given twice is refused, as in JSON and TOML."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        found = super().construct_mapping(node, deep=deep)  # type: ignore[misc]
        if len(found) != len(node.value):
            raise ValueError("a key appears twice")
        return found


def _deeper(event: Event) -> int:
    from yaml import CollectionEndEvent, CollectionStartEvent

    return isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)


def _check(event: Event, number: int, depth: int) -> None:
    if number >= MOST_EVENTS:
        raise BoundError(f"has more than {MOST_EVENTS} values; give a shorter one")
    if depth > DEEPEST:
        raise BoundError(f"is nested too deeply; expected at most {DEEPEST} levels")
    if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
        raise BoundError("has an anchor, alias or tag; expected plain values")
    if getattr(event, "style", "'") in (None, "") and len(getattr(event, "value", "")) > LONGEST_PLAIN:
        raise BoundError(f"has a value of more than {LONGEST_PLAIN} characters without quotes; shorten it")
