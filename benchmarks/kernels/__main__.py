"""``python -m benchmarks.kernels FILE``: the JSON of pytest-benchmark as ``tables/kernels.md``."""

from __future__ import annotations

import argparse
import json
from itertools import groupby
from pathlib import Path
from typing import Any

from .machine import machine

TABLE = Path(__file__).parents[1] / "tables" / "kernels.md"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("file", type=Path, help="written by pytest --benchmark-json")
    found: list[dict[str, Any]] = json.loads(parser.parse_args().file.read_text("utf-8"))["benchmarks"]
    lines = [
        "# Kernels",
        "",
        "Least time of several rounds, single calls. `python -m pytest benchmarks/kernels --benchmark-json=FILE`,",
        f"then `python -m benchmarks.kernels FILE`. {machine()}",
        "",
        "| kernel | case | ms | GB/s of input |",
        "|---|---|---:|---:|",
    ]
    for group, rows in groupby(found, key=lambda row: str(row["group"])):
        for row in rows:
            seconds, size = row["stats"]["min"], row["extra_info"].get("bytes")
            rate = f"{size / seconds / 1e9:.2f}" if size else ""
            lines.append(f"| {group} | {_case(row['name'])} | {1000 * seconds:.2f} | {rate} |")
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")
    print("\n".join(lines))


def _case(name: str) -> str:
    function, _, parameters = name.removeprefix("test_").partition("[")
    return f"{function.replace('_', ' ')} {parameters.rstrip(']')}".strip()


if __name__ == "__main__":
    main()
