"""The frozen list of anchor tokens: byte strings that most tokenizers know.

Two models are compared on the anchors both know. The order decides which are kept when a
vocabulary has more than the sketch asks for; it must never change within a sketch version.
"""

from __future__ import annotations

_WORDS = (
    "the of and to in is that for it as with was on be by at from are this not or an have you "
    "which one we all can has but they more if will about their other new up when time out so "
    "people what some no would into than first use only two like over also after how these may "
    "between our most where many then each such any make well way used number work world year "
    "back through world day part code system data function return list name value set get type "
    "line file end string class import self def else"
)


def _anchors() -> tuple[bytes, ...]:
    printable = [bytes([b]) for b in range(32, 127)] + [b"\n", b"\t"]
    words = [b" " + word.encode() for word in dict.fromkeys(_WORDS.split())]
    rest = [bytes([b]) for b in range(256) if bytes([b]) not in printable]
    return tuple(printable + words + rest)


ANCHORS: tuple[bytes, ...] = _anchors()
"""Printable ASCII, newline and tab; common English and code words after a space; the other bytes."""


def known_anchors(vocabulary: dict[bytes, int] | None, count: int) -> list[tuple[int, int]]:
    """The first ``count`` anchors of a vocabulary, as pairs (position in the list, token id)."""
    if vocabulary is None:
        return []
    known = [(i, vocabulary[a]) for i, a in enumerate(ANCHORS) if a in vocabulary]
    return known[:count]
