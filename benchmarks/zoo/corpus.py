"""Byte-level training text that every Python installation already has."""

from __future__ import annotations

import ast
import hashlib
import sysconfig
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LIMIT = 3_000_000  # bytes per corpus: a zoo model sees about 0.7 MB of it


@cache
def corpus(name: str) -> NDArray[np.uint8]:
    """One of three disjoint corpora, as bytes.

    ``code``: sources of the standard library; ``prose``: its language reference and
    docstrings; ``science``: sources of numpy.
    """
    text = {"code": _code, "prose": _prose, "science": _science}[name]()
    return np.frombuffer(text[:LIMIT], dtype=np.uint8)


def digest(name: str) -> str:
    """sha256 of a corpus, recorded with every model trained on it."""
    return hashlib.sha256(corpus(name).tobytes()).hexdigest()


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


def _docstrings(path: Path) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds))
    return [text for node in nodes if (text := ast.get_docstring(node))]
