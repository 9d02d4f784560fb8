"""What benchmarks measured, as JSON in ``tables/``; pages, the paper and tests read it from here alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"


def read(name: str) -> Any:
    """The content of ``tables/NAME.json``, or the rows of ``tables/NAME.csv`` where there is one.

    Raises
    ------
    FileNotFoundError
        If neither is there; its benchmark makes it.
    """
    flat = TABLES / f"{name}.csv"
    if flat.is_file():
        with flat.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    path = TABLES / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; run the benchmark that writes it.")
    return json.loads(path.read_text("utf-8"))


def write(name: str, content: Any) -> None:
    """Write ``tables/NAME.json``."""
    (TABLES / f"{name}.json").write_text(dumped(content) + "\n", "utf-8")


def dumped(content: Any, indent: str = "") -> str:
    """JSON in which whatever fits on a line stands on one, so that a changed number is a changed line.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    inner = indent + " "
    line = json.dumps(content, ensure_ascii=False, allow_nan=False)
    if not isinstance(content, dict | list) or not content or (len(indent + line) <= 118 and indent):
        return line
    if isinstance(content, dict):
        parts = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {dumped(value, inner)}" for key, value in content.items()
        ]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + dumped(value, inner) for value in content) + f"\n{indent}]"


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A number to so many decimals, which processors agree on; None stays."""
    return None if value is None else round(float(value), digits)
