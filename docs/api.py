"""Write docs/api.md: every public name of the package with its signature; of functions the whole docstring.

``python -m docs.api`` writes the page; ``tests/test_docs.py`` fails if it is out of date.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_origin

import verify
from verify.base.display import Displayed, Drawn, Tabular
from verify.claim.pages import Pages

PAGE = Path(__file__).with_name("api.md")
_HEAD = """# Python API

Every name of `verify.__all__`, from the docstrings; `help()` of a class's method has its parameters. Written by
`python -m docs.api`.
"""
_DOCTEST = "<!-- not run: pytest runs it in the package, as a doctest -->"
_ALIASES = {
    "Effort": "How much of the weights is read; each effort includes all that a smaller one reads.",
    "Model": "A model as an argument: a path, an address, a Location or a Fingerprint.",
    "PanelSource": "A panel as an argument: `default`, a folder, a Panel, or None.",
    "Progress": "A callback for progress: the work, steps done, and steps in all.",
    "Verdict": "The five verdicts.",
    "Workers": "None for this process, a number of processes, or an executor.",
}


def page() -> str:
    """The page as Markdown."""
    functions, classes, errors, aliases = [], [], [], []
    for name in verify.__all__:
        value = getattr(verify, name)
        if name in _ALIASES:
            aliases.append(f"- `{name}`: {_ALIASES[name]}")
        elif inspect.isclass(value) and issubclass(value, Exception):
            errors.append(f"- `{name}`({value.__mro__[1].__name__}): {_first_line(value)}")
        elif inspect.isclass(value):
            classes.append(f"### `{name}`\n\n{_first_line(value)}\n\n{_members(value)}".rstrip())
        else:
            call = getattr(value, name, value)
            functions.append(f"### `{name}`\n\n{_documented(name, call)}")
    sections = {"Functions": functions, "Classes": classes, "Errors": errors, "Types": aliases}
    body = [f"## {title}\n\n" + ("\n\n" if title in ("Functions", "Classes") else "\n").join(entries)
            for title, entries in sections.items()]  # fmt: skip
    return "\n".join([_HEAD, "\n\n".join(body), ""])


def _documented(name: str, function: Any) -> str:
    """The signature and the docstring of a function, its NumPy sections as lists."""
    parts = re.split(r"(?m)^(\w+)\n-+\n", inspect.getdoc(function) or "")
    blocks = [f"`verify.{name}{_signature(function)}`", _plain(parts[0].strip())]
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        if title == "Examples":
            text = f"{_DOCTEST}\n```pycon\n{text.strip()}\n```"
        else:
            entries = re.split(r"\n(?! )", text.strip())
            text = "\n".join(_entry(*entry.partition("\n")[::2]) for entry in entries if entry[:9] != "unknown :")
        blocks.append(f"**{title}**\n\n{text}")
    return "\n\n".join(blocks)


def _entry(head: str, text: str) -> str:
    """An entry of a section: ``name : what it is``, or a type, with what it is below."""
    names, _, meaning = head.partition(" : ")
    shown = ", ".join(f"`{name}`" for name in names.split(", "))
    return _plain(f"- {shown}: " + " ".join(f"{meaning} {text}".split())).removesuffix(": ")


def _first_line(value: Any) -> str:
    return _plain((inspect.getdoc(value) or "").partition("\n")[0])


def _plain(text: str) -> str:
    """Markdown instead of reStructuredText."""
    return re.sub(r":\w+:`", "`", text.replace("``", "`"))


def _signature(value: Any) -> str:
    """Names and defaults of parameters; types are in the help."""
    parameters = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in inspect.signature(value).parameters.values()
        if p.name not in ("self", "cls") and p.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    named = {p.name: _Shown(p.default.__name__) for p in parameters if inspect.isfunction(p.default)}
    return str(inspect.Signature([p.replace(default=named.get(p.name, p.default)) for p in parameters]))


def _members(value: type) -> str:
    """Public methods and properties of the class, and those that results have in common."""
    lines = []
    shared = [one for one in (Pages, Tabular, Drawn, Displayed) if issubclass(value, one)]
    common = {name: member for one in reversed(shared) for name, member in vars(one).items()}
    for name, member in (vars(value) | {k: v for k, v in common.items() if k not in vars(value)}).items():
        if name.startswith(("_", "model_")) or get_origin(member) is not None:
            continue
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if inspect.isfunction(function):
            lines.append(f"- `{name}{_signature(function)}`: {_first_line(function)}")
        elif isinstance(member, property):
            lines.append(f"- `{name}`: {_first_line(member)}")
    return "\n".join(lines)


class _Shown(str):
    """A default whose repr is its name."""

    def __repr__(self) -> str:
        return str(self)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
