"""Every sentence that is made of facts, by version: a record says facts, and which version its maker read them in.

One module a version. What was published stays: a sentence that is mended later goes into a new version, so that a
report can be rendered in the words its maker saw, and no report disagrees because a word was mended.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..base import Phrase
from . import v1

LATEST = 1
"""The version that reports are made in."""
VERSIONS = {1: v1}


def say(phrase: Phrase, *, version: int = LATEST, names: Mapping[str, str] | None = None) -> str:
    """A phrase in words, without a capital or a full stop.

    Parameters
    ----------
    version : of the catalogue.
    names : what ``"A"`` and ``"B"`` are called where it stands for a model; as they are by default.

    Raises
    ------
    KeyError
        If the version has no such phrase.

    Examples
    --------
    >>> say(Phrase.of("width", a=64, b=128))
    'the residual streams have different widths (64 and 128)'
    """
    called = names or {}
    filled = {
        name: say(value, version=version, names=names)
        if isinstance(value, Phrase)
        else ", ".join(value)
        if isinstance(value, list)
        else called.get(str(value), value)
        if name == "model"
        else value
        for name, value in phrase.values.items()
    }
    template: str = VERSIONS[version].PHRASES[phrase.code]
    return template.format(**filled)
