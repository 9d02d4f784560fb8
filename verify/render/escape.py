"""Make untrusted text, such as model names, inert in every format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

from ..base.plain import plain

NAME, SENTENCE = 120, 2000  # characters shown of a name, and of a sentence that may hold names


Styles = Mapping[type[str], Callable[[str], str]]

_MARKUP = re.compile(r"([\\`*{}\[\]<>|~$&@]|(?<![^\W_])_|_(?![^\W_])|:(?=/)|(?<=www)\.)", re.IGNORECASE)
_BLOCK = re.compile(r"^\s*([#+=-]|\d+(?=[.)]))")  # starts of headings, lists and rules

_GLYPHS = frozenset(
    {chr(c) for c in (*range(0x20, 0x7F), *range(0xA1, 0x17F), *range(0x218, 0x21C))} - set("\xadĦħĲĳĸĿŀŉŦŧ")
    | set("‐–—‘’‚“”„†‡•…‹›€−≤≥")
)
"""Characters that the fonts of every PDF have."""
_ALONE = {c: f"{{{c}}}" for c in "-,!?[]*="}  # in braces: no ligatures, and no options of a preceding command
_TEX = (
    {c: f"\\{c}" for c in "{}$&#%_"}
    | _ALONE
    | {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"{\char34}",
        "'": r"\textquotesingle{}",
        "`": r"\textasciigrave{}",
        "−": r"\ensuremath{-}",
        "≤": r"\ensuremath{\le}",
        "≥": r"\ensuremath{\ge}",
        "\0": r"\allowbreak{}",
    }
)
_POWER = re.compile(r"\b10\^(-?\d+)")
_BIBTEX = {c: command for c, command in _TEX.items() if c.isascii() and c not in _ALONE and c not in "'\0"} | {
    "{": r"\textbraceleft{}",  # BibTeX counts braces whatever stands before them
    "}": r"\textbraceright{}",
}
_PARTS = re.compile(r"(?<=[_./-])(?=.)")
_LONG = re.compile(r"\S{26,}")


def finalizer(styles: Styles) -> Callable[[Any], Markup]:
    """The function that a template applies to every printed value: text is escaped, our own markup is kept."""

    def inline(value: Any) -> Markup:
        if isinstance(value, Markup):
            return value
        if isinstance(value, tuple):
            return Markup("").join(map(inline, value))
        return Markup(styles.get(type(value), styles[str])(str(value)))

    return inline


def spelled(text: str, longest: int) -> str:
    """Plain text with characters that the fonts of a PDF lack replaced by their code points.

    Examples
    --------
    >>> spelled("a模", 9)
    'a<U+6A21>'
    """
    return "".join(c if c in _GLYPHS else f"<U+{ord(c):04X}>" for c in plain(text, longest))


def breakable(text: str, mark: str) -> str:
    """Text with marks for line breaks in long words."""
    return _LONG.sub(lambda word: mark.join(re.findall(".{1,8}", word[0])), text)


def markdown_text(text: str) -> str:
    r"""Escape a sentence so that no renderer takes it for markup, link, HTML, mathematics, or the start of a block.

    Examples
    --------
    >>> markdown_text("see ![x](http://y), www.z"), markdown_text("1. x")
    ('see !\\[x\\](http\\://y), www\\.z', '1\\. x')
    """
    shown = _MARKUP.sub(r"\\\1", plain(text, SENTENCE))
    return _BLOCK.sub(lambda start: start[1] + "\\" if start[1].isdigit() else "\\" + start[1], shown)


def markdown_name(text: str, longest: int = NAME) -> str:
    r"""A name as a code span, inside which only the backtick, and in tables the bar, are special.

    Examples
    --------
    >>> markdown_name("a_`b`|<i>")
    "`a_'b'¦<i>`"
    """
    return f"`{plain(text, longest).replace('`', chr(39)).replace('|', '¦') or ' '}`"


def html_text(text: str) -> str:
    """Text for an element, with line breaks allowed in long words."""
    return _html(plain(text, SENTENCE))


def html_name(text: str, longest: int = NAME) -> str:
    """A name in a fixed-width font."""
    return f"<code>{_html(plain(text, longest))}</code>"


def _html(shown: str) -> str:
    return _POWER.sub(r"10<sup>\1</sup>", str(escape(breakable(shown, "\0"))).replace("\0", "<wbr>"))


def tex_text(text: str) -> str:
    r"""Escape text for TeX: no command, active character or ligature, for any place outside mathematics.

    Examples
    --------
    >>> print(tex_text(r"\input{x} 5%"))
    \textbackslash{}input\{x\} 5\%
    """
    return _tex(spelled(text, SENTENCE))


def tex_name(text: str, longest: int = NAME) -> str:
    """A name in a fixed-width font; a line may break after its parts."""
    return rf"\texttt{{{_tex(_PARTS.sub(chr(0), spelled(text, longest)))}}}"


def tex_number(text: str) -> str:
    """A number, with a minus sign rather than a hyphen."""
    return tex_text(text.replace("-", "−"))


def bibtex_text(text: str) -> str:
    r"""Text in a BibTeX field: no command, and its braces are balanced; letters of any script are kept.

    Examples
    --------
    >>> print(bibtex_text(r"模 \input{x} 5%"))
    模 \textbackslash{}input\textbraceleft{}x\textbraceright{} 5\%
    """
    return "".join(_BIBTEX.get(c, c) for c in plain(text, SENTENCE))


def yaml_text(text: str) -> str:
    r"""Text as a YAML scalar on one line, in double quotes, which is JSON too.

    Examples
    --------
    >>> print(yaml_text('a: "b"\n- c'))
    "a: \"b\"�- c"
    """
    return json.dumps(plain(text, SENTENCE), ensure_ascii=False)


def _tex(shown: str) -> str:
    spelt = "".join(_TEX.get(c, c) for c in breakable(_POWER.sub("10\x01\\1\x02", shown), "\0"))
    return spelt.replace("\x01", r"\textsuperscript{").replace("\x02", "}")
