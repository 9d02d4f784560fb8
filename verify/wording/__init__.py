"""The catalogue of sentences, by version: a record holds facts, and the version in use when it was made.

One package per version. Published sentences do not change: a corrected sentence goes into a new version, so that a
report can be rendered in the words of its time, and no report disagrees because of a correction. A phrase that a
version lacks did not exist then, and is omitted from its pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import Any

from ..base import Phrase
from . import v1

LATEST = 1
"""The version used for new reports."""
VERSIONS = {1: v1}


def say(phrase: Phrase, *, version: int = LATEST, names: Mapping[str, str] | None = None) -> str:
    """A phrase in words.

    Parameters
    ----------
    phrase : what to say.
    version : of the catalogue.
    names : names for ``"A"`` and ``"B"``; the letters themselves by default.

    Returns
    -------
    str
        A clause (of a reason) or whole sentences (of a finding), as the catalogue has it.

    A phrase that no version has, or that lacks what fills it, as a stranger's file may hold, is named by its code.

    Examples
    --------
    >>> say(Phrase.of("p", log10_p=-4463.2, alpha=0.001))
    'p < 10^-4463, level 0.001'
    """
    words = VERSIONS.get(version, VERSIONS[LATEST])  # of a later library: in the words of this one
    called = names or {}

    def spelled(name: str, value: Any) -> Any:
        if isinstance(value, Phrase):
            return say(value, version=version, names=names)
        if isinstance(value, list):
            return [str(spelled(name, item)) for item in value]
        return called.get(value, value) if name == "model" and isinstance(value, str) else value

    filled = {name: spelled(name, value) for name, value in phrase.values.items()}
    try:
        return _Filler(words.FORMATS).vformat(words.PHRASES[phrase.code], (), filled)
    except (LookupError, ValueError, TypeError, AttributeError):
        return f"(what the code {phrase.code!r:.80} says is not known to this version)"


def said(phrases: Iterable[Phrase], *, version: int = LATEST, names: Mapping[str, str] | None = None) -> list[str]:
    """Phrases in words, less those that the version does not have.

    Parameters
    ----------
    phrases : what to say.
    version : version of the catalogue.
    names : names for ``"A"`` and ``"B"``; the letters themselves by default.

    Returns
    -------
    list of str
        One text for each phrase that the version has.
    """
    known = VERSIONS.get(version, VERSIONS[LATEST]).PHRASES
    return [say(phrase, version=version, names=names) for phrase in phrases if phrase.code in known]


def is_filled(phrase: Phrase) -> bool:
    """Whether a phrase that nobody can compute again says nothing but what the catalogue does.

    Its code is known, it has what fills it and nothing else, and every text is shown in quotation marks, or is one of
    the words of records.
    """
    template = VERSIONS[LATEST].PHRASES.get(phrase.code)
    if template is None or phrase.code == "quoted":
        return False
    fields = {name: (form, conversion) for _, name, form, conversion in Formatter().parse(template) if name}
    return fields.keys() == phrase.values.keys() and all(
        _is_inert(value, *fields[name]) for name, value in phrase.values.items()
    )


def _is_inert(value: Any, form: str | None, conversion: str | None) -> bool:
    if isinstance(value, Phrase):
        return is_filled(value)
    if isinstance(value, list):
        return all(_is_inert(item, form, conversion) for item in value)
    if not isinstance(value, str) or conversion == "r" or form == "q" or value in _WORDS:
        return True
    return form == "key" and value.isidentifier()


_WORDS = {"A", "B", "screen", "standard", "full", "rms", "layer"}


class _Filler(Formatter):
    """``str.format`` with the forms of a version, such as ``{log10_p:p}``; lists with commas, or as ``{why:;}``."""

    def __init__(self, forms: Mapping[str, Callable[[Any], str]]) -> None:
        self._forms = forms

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list):
            return f"{format_spec or ','} ".join(value)
        form = self._forms.get(format_spec)
        return form(value) if form else str(super().format_field(value, format_spec))
