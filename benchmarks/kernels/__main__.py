"""``python -m benchmarks.kernels FILE``: the JSON of pytest-benchmark as ``tables/kernels.json``, and its page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.pages import publish

from .machine import machine


def main() -> None:
    """Write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("file", type=Path, help="written by pytest --benchmark-json")
    found: list[dict[str, Any]] = json.loads(parser.parse_args().file.read_text("utf-8"))["benchmarks"]
    rows = [
        {
            "kernel": row["group"],
            "case": _case(row["name"]),
            "milliseconds": 1000 * row["stats"]["min"],
            "gigabytes_per_second": _speed(row["extra_info"].get("bytes"), row["stats"]["min"]),
        }
        for row in found
    ]
    publish("kernels", {"machine": machine(), "rows": rows})


def _speed(size: int | None, seconds: float) -> float | None:
    return size / seconds / 1e9 if size else None


def _case(name: str) -> str:
    function, _, parameters = name.removeprefix("test_").partition("[")
    return f"{function.replace('_', ' ')} {parameters.rstrip(']')}".strip()


if __name__ == "__main__":
    main()
