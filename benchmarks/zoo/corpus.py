"""Byte-level training text that is already there: with every Python, or, for ``manuals``, with the system."""

from __future__ import annotations

import ast
import gzip
import hashlib
import sysconfig
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LIMIT = 3_000_000  # bytes per corpus: a zoo model sees about 0.7 MB of it


@cache
def corpus(name: str) -> NDArray[np.uint8]:
    """One of seven disjoint corpora, as bytes.

    ``code``: sources of the standard library; ``prose``: its language reference and docstrings; ``science``: sources
    of numpy. In no panel and no other recipe than ``strangers.toml``: ``headers``, C headers of Python and numpy;
    ``names``, the characters that Unicode names; ``sums``, random additions; ``manuals``, German manual pages.
    """
    return _whole(name)[:LIMIT]


def past(name: str) -> NDArray[np.uint8]:
    """What of a corpus lies past the limit, so that no model was trained on it, as bytes; it may be empty."""
    return _whole(name)[LIMIT:]


def digest(name: str) -> str:
    """sha256 of a corpus, recorded with every model trained on it."""
    return hashlib.sha256(corpus(name).tobytes()).hexdigest()


def _whole(name: str) -> NDArray[np.uint8]:
    makers = (_code, _prose, _science, _headers, _names, _sums, _manuals)
    text = {maker.__name__.removeprefix("_"): maker for maker in makers}[name]()
    return np.frombuffer(text, dtype=np.uint8)


def _stdlib() -> list[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    folders = ("", "asyncio", "concurrent/futures", "email", "http", "importlib", "json")
    folders += ("logging", "multiprocessing", "unittest", "urllib", "wsgiref", "xml/etree")
    return [path for folder in folders for path in sorted((root / folder).glob("*.py"))]


def _code() -> bytes:
    return b"\n".join(path.read_bytes() for path in _stdlib())


def _prose() -> bytes:
    from pydoc_data.topics import topics

    texts = [topics[name] for name in sorted(topics)]
    for path in _stdlib():
        texts += _docstrings(path)
    return "\n\n".join(texts).encode()


def _science() -> bytes:
    root = Path(np.__file__).parent
    return b"\n".join(path.read_bytes() for path in sorted(root.glob("*/*.py")))


def _headers() -> bytes:
    roots = (Path(sysconfig.get_paths()["include"]), Path(np.get_include()))
    return b"\n".join(path.read_bytes() for root in roots for path in sorted(root.rglob("*.h")))


def _names() -> bytes:
    """One line a character: code point, category, name."""
    characters = ((point, chr(point)) for point in range(0x20, 0x30000))
    lines = (
        f"U+{point:04X};{unicodedata.category(character)};{name}"
        for point, character in characters
        if (name := unicodedata.name(character, "")) and not name.startswith(("CJK UNIFIED", "HANGUL SYLLABLE"))
    )
    return "\n".join(lines).encode()


def _sums() -> bytes:
    """Additions of two numbers of one to four digits each, with their results."""
    rng = np.random.default_rng(0)
    terms = rng.integers(0, 10 ** rng.integers(1, 5, (150_000, 2)))
    return "\n".join(f"{a} + {b} = {a + b}" for a, b in terms.tolist()).encode()


def _manuals() -> bytes:
    """What the system's German manual pages say, marks of layout included."""
    pages = [gzip.decompress(path.read_bytes()) for path in sorted(Path("/usr/share/man/de").rglob("*.gz"))]
    if not pages:
        raise FileNotFoundError("the corpus 'manuals' needs German manual pages in /usr/share/man/de; install some")
    return b"\n".join(pages)


def _docstrings(path: Path) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds))
    return [text for node in nodes if (text := ast.get_docstring(node))]
