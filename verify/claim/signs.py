"""Signs of re-parametrisation as a report may hold them: each once, in the words of the catalogue alone."""

from __future__ import annotations

from collections.abc import Iterable

from ..base import Phrase
from ..wording import is_filled


def sound(signs: Iterable[Phrase]) -> tuple[Phrase, ...]:
    """Those that say something of A, of B or of both, without repeats."""
    return tuple(
        sign
        for sign in dict.fromkeys(signs)
        if sign.code.startswith("reworked.") and is_filled(sign) and sign.values.get("model") in (None, "A", "B")
    )
