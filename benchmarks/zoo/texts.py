"""Further byte-level training text for twins: slices of installed packages, message catalogues, small grammars.

What a package holds depends on its version, so the digest of the text is recorded with every model.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .corpus import LIMIT, corpus

OLDER = ("code", "prose", "science", "headers", "names", "sums")
"""Corpora of :mod:`benchmarks.zoo.corpus` that need no system package."""

LANGUAGES = ("de", "fr", "es", "ru", "ar", "ja", "zh_Hans", "hi", "el", "fi", "tr", "vi", "ko")
_SOURCES = ("scipy", "statsmodels", "pandas", "torch", "hypothesis", "pip")
_TRANSLATED = ("django", "sphinx")
_LINES = 60_000


@cache
def text(name: str) -> NDArray[np.uint8]:
    """A corpus by name, at most ``LIMIT`` bytes, shape [bytes].

    Raises
    ------
    FileNotFoundError
        If a package that the corpus is made from is not installed.
    """
    if name in OLDER:
        return corpus(name)
    return np.frombuffer(_MAKERS[name]()[:LIMIT], dtype=np.uint8)


def text_digest(name: str) -> str:
    """sha256 of a corpus, recorded with every model trained on it."""
    return hashlib.sha256(text(name).tobytes()).hexdigest()


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            f"Package {name!r} is not installed, and a corpus is made from its files; "
            "install the extra `zoo`: pip install 'verify-lineage[zoo]'."
        )
    return Path(next(iter(found.submodule_search_locations)))


def _files(package: str, pattern: str) -> Iterable[Path]:
    return (path for path in sorted(_package(package).rglob(pattern)) if "tests" not in path.parts)


def _joined(paths: Iterable[Path]) -> bytes:
    """The files one after the other, up to the limit."""
    parts, size = [], 0
    for path in paths:
        parts.append(path.read_bytes())
        size += len(parts[-1])
        if size > LIMIT:
            break
    return b"\n".join(parts)


def _python(package: str) -> bytes:
    return _joined(_files(package, "*.py"))


def _docstrings() -> bytes:
    found, size = [], 0
    for path in (*_files("scipy", "*.py"), *_files("statsmodels", "*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (said := ast.get_docstring(node)):
                found.append(said)
                size += len(said)
        if size > LIMIT:
            break
    return "\n\n".join(found).encode()


def _stubs() -> bytes:
    return _joined((*_files("pandas", "*.pyi"), *_files("torch", "*.pyi"), *_files("numpy", "*.pyi")))


def _cpp() -> bytes:
    return _joined(sorted((_package("torch") / "include" / "ATen").rglob("*.h")))


def _cuda() -> bytes:
    return _joined(sorted((_package("torch") / "include").rglob("*.cuh")))


def _messages(language: str) -> bytes:
    """What the message catalogues of two packages say in a language."""
    said = []
    for package in _TRANSLATED:
        for path in sorted(_package(package).rglob(f"locale/{language}/LC_MESSAGES/*.po")):
            for entry in path.read_text("utf-8").split("\nmsgstr")[1:]:
                quoted = re.match(r'(?:\[\d\])? ((?:".*"\n?)+)', entry)
                if quoted and "Content-Type" not in quoted[1]:
                    said.append("".join(ast.literal_eval(line) for line in quoted[1].splitlines()))
    return "\n".join(filter(None, said)).encode()


def _locales() -> bytes:
    """Names of territories and languages in many languages."""
    _package("babel")
    from babel import Locale, localedata

    lines = []
    for name in sorted(localedata.locale_identifiers()):
        if "_" not in name:
            locale = Locale.parse(name)
            for table in (locale.territories, locale.languages):
                lines += [f"{name};{key};{value}" for key, value in sorted(table.items())]
    order = np.random.default_rng(0).permutation(len(lines))
    return "\n".join(lines[i] for i in order).encode()


def _metadata() -> bytes:
    """Metadata of installed packages as JSON."""
    found = {
        str(one.metadata["Name"]): {
            "version": one.version,
            "summary": one.metadata["Summary"],
            "requires": one.requires,
            "files": [str(path) for path in one.files or ()],
        }
        for one in importlib.metadata.distributions()
    }
    return "\n".join(json.dumps({name: found[name]}, indent=2) for name in sorted(found)).encode()


def _numbers(rng: np.random.Generator) -> bytes:
    """A table of numbers that walk at random, as CSV."""
    walk = np.cumsum(rng.standard_normal((_LINES, 4)) * [1, 0.1, 10, 0.01], axis=0)
    return "\n".join(f"{i},{a:.2f},{b:.3f},{c:.0f},{d:.4f}" for i, (a, b, c, d) in enumerate(walk)).encode()


def _brackets(rng: np.random.Generator) -> bytes:
    """Nested brackets of four kinds."""
    pairs, out = (b"()", b"[]", b"{}", b"<>"), []
    opened: list[int] = []
    for draw, kind in zip(rng.random(LIMIT // 2), rng.integers(4, size=LIMIT // 2), strict=True):
        if opened and draw < 0.35 + 0.03 * len(opened):
            out.append(pairs[opened.pop()][1:])
        else:
            opened.append(int(kind))
            out.append(pairs[kind][:1])
    return b"".join(out)


_RULES = {
    "S": ("N V N.", "N V that S", "if S then S", "N says: S"),
    "N": ("the A cat", "a A dog", "the house of N", "some A birds", "it", "N and N"),
    "V": ("sees", "does not see", "A hears", "was found by"),
    "A": ("", "small ", "very A", "old "),
}


def _grammar(rng: np.random.Generator) -> bytes:
    """Sentences of a small context-free grammar; deep in a sentence, the first rule of a symbol is taken."""

    def grown(symbol: str, depth: int) -> str:
        rules = _RULES[symbol]
        rule = rules[int(rng.integers(len(rules)))] if depth < 6 else rules[0]
        return "".join(grown(c, depth + 1) if c in _RULES else c for c in rule)

    return "\n".join(grown("S", 0) for _ in range(_LINES // 3)).encode()


def _markov(rng: np.random.Generator) -> bytes:
    """A chain over bytes in which each byte has few likely successors."""
    successors = rng.integers(256, size=(256, 8))
    choice = np.minimum(rng.geometric(0.4, LIMIT // 3) - 1, 7)
    state, out = 0, bytearray()
    for one in choice.tolist():
        state = int(successors[state, one])
        out.append(state)
    return bytes(out)


def _products(rng: np.random.Generator) -> bytes:
    terms = rng.integers(0, 100, (_LINES, 3))
    return "\n".join(f"{a}*{b}-{c}={a * b - c}" for a, b, c in terms.tolist()).encode()


def _sorted(rng: np.random.Generator) -> bytes:
    rows = (rng.integers(0, 100, rng.integers(3, 9)).tolist() for _ in range(_LINES))
    return "\n".join(f"{row} -> {sorted(row)}" for row in rows).encode()


def _dates(rng: np.random.Generator) -> bytes:
    first = date(1900, 1, 1)
    days = (first + timedelta(days=int(n)) for n in rng.integers(0, 60_000, _LINES))
    return "\n".join(f"{d.isoformat()} {d:%a %j} {d + timedelta(days=30):%d/%m/%y}" for d in days).encode()


def _base64(rng: np.random.Generator) -> bytes:
    return base64.encodebytes(rng.bytes(1_500_000))


def _hexadecimal(rng: np.random.Generator) -> bytes:
    """Tables of addresses, bytes in hexadecimal, and the same as characters; low bytes are more common."""
    rows = np.minimum(rng.geometric(0.02, (_LINES // 2, 8)), 255)
    shown = ("".join(chr(b) if 32 <= b < 127 else "." for b in row) for row in rows)
    return "\n".join(
        f"{8 * i:08x}  {bytes(row.tolist()).hex(' ')}  {said}"
        for i, (row, said) in enumerate(zip(rows.astype(np.uint8), shown, strict=True))
    ).encode()


def _dna(rng: np.random.Generator) -> bytes:
    """Random bases among which ten motifs recur."""
    bases = np.frombuffer(b"ACGT", np.uint8)
    motifs = [bases[rng.integers(4, size=length)].tobytes() for length in rng.integers(8, 24, 10)]
    parts = []
    for motif, gap in zip(rng.integers(10, size=_LINES), rng.integers(1, 16, _LINES), strict=True):
        parts += [bases[rng.integers(4, size=gap)].tobytes(), motifs[motif]]
    return b"".join(parts)


_SYNTHETIC = (_numbers, _brackets, _grammar, _markov, _products, _sorted, _dates, _base64, _hexadecimal, _dna)


def _drawn(make: Callable[[np.random.Generator], bytes]) -> bytes:
    return make(np.random.default_rng(0))


_MAKERS: dict[str, Callable[[], bytes]] = {
    **{f"{package}-code": partial(_python, package) for package in _SOURCES},
    **{f"messages-{language}": partial(_messages, language) for language in LANGUAGES},
    **{make.__name__.removeprefix("_"): make for make in (_docstrings, _stubs, _cpp, _cuda, _locales, _metadata)},
    **{make.__name__.removeprefix("_"): partial(_drawn, make) for make in _SYNTHETIC},
}
TEXTS = (*OLDER, *_MAKERS)
"""Names of all corpora of twins, in the order in which the design numbers them."""
