"""Names that a reader takes for one: a model that is listed twice counts twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ..base import InputError


def check_lookalikes(what: str, names: Iterable[str]) -> None:
    """Refuse names that differ in case, spaces, invisible characters or forms of letters alone.

    Parameters
    ----------
    what : what is named, and where, for the message.
    names : the names, in any order and number.

    Raises
    ------
    InputError
        With two of them.

    Examples
    --------
    >>> check_lookalikes("models", ["Llama 2", "Llama 3"])
    """
    seen: dict[str, str] = {}
    for name in sorted(set(names)):
        first = seen.setdefault(_plain(name), name)
        if first != name:
            raise InputError(
                f"{what} are called {first!r:.80} and {name!r:.80}, which differ in case, spaces or forms of letters "
                "alone; give one thing one name, and others names that differ."
            )


def _plain(name: str) -> str:
    """The name in lower case, without spaces, controls and invisible characters, in one form of its letters."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(letter for letter in folded if unicodedata.category(letter)[0] not in "ZC")
