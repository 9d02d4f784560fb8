"""Read TOML from an untrusted source: of bounded length, and without long dotted keys."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from .strict_json import BoundError

MOST_PARTS = 16
"""Parts of one dotted key; the time and memory of the parser grow with their square."""

_TEXT_OR_COMMENT = re.compile(
    r""" "{3} (?: [^\\] | \\. )*? (?: "{3,5} | \Z )  # an open one reaches to the end, where the parser ends too
    | '{3} .*? (?: '{3,5} | \Z )
    | " (?: [^"\\\n] | \\[^\n] )* "?
    | ' [^'\n]* '?
    | \# [^\n]* """,
    re.DOTALL | re.VERBOSE,
)
_BETWEEN_KEYS = re.compile(r"[^\w.\- \t]+", re.ASCII)


def toml_table(text: bytes, *, most: int) -> dict[str, Any]:
    """Parse TOML in UTF-8, of bounded length, with keys of few parts.

    Parameters
    ----------
    text : the TOML, in UTF-8.
    most : largest length, in bytes.

    Raises
    ------
    BoundError
        If it is longer than allowed, is nested too deeply, or has a longer dotted key.
    ValueError
        If it is not TOML. The message is a predicate, to be put after the name of a file.

    Examples
    --------
    >>> toml_table(b'a.b = 1', most=100)
    {'a': {'b': 1}}
    >>> try:
    ...     toml_table(b"a." * 40 + b"b = 1", most=100)
    ... except ValueError as error:
    ...     print(f"layout.toml {error}.")
    layout.toml has a key of 41 parts; expected at most 16.
    """
    if len(text) > most:
        raise BoundError(f"has {len(text)} bytes; expected at most {most}")
    try:
        signs = text.decode("utf-8")
        parts = 1 + max(run.count(".") for run in _BETWEEN_KEYS.split(_TEXT_OR_COMMENT.sub("k", signs)))
        if parts > MOST_PARTS:
            raise BoundError(f"has a key of {parts} parts; expected at most {MOST_PARTS}")
        return tomllib.loads(signs)
    except BoundError:
        raise
    except RecursionError:
        raise BoundError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is not TOML ({' '.join(str(error).split())[:120]})") from error
