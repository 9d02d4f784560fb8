"""``twins_cost.md``: bytes that the recipe of twins reads."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

EFFORTS = ("screen", "standard", "full")


def twins_cost(found: dict[str, Any]) -> str:
    """The page."""
    rows, keys = found["rows"], ("file", *EFFORTS)
    lines: list[list[object]] = [
        [row["collection"], row["size"], row["models"], *(megabytes(row[key]) for key in keys)] for row in rows
    ]
    lines += [
        ["all", None, sum(row["models"] for row in rows)]
        + [megabytes(sum(row["models"] * row[key] for row in rows)) for key in keys]
    ]
    return page(
        "# What the recipe of twins reads",
        "Bytes of one model of each size of `verify/data/recipes/hub-twins.toml`, and of all its twins, in MB "
        "(10^6 bytes): of the file, and of what is read of it at each effort (`python -m benchmarks.twins_cost`). "
        "`verify panel build` reads at full effort. The files have the true names, types and shapes, with zeros in "
        "place of weights, since rows are chosen by index and never by value. Causal masks that files of Pythia hold "
        "are not read. The six references, tokenizers, configurations and headers are not counted.",
        table("llr", ["collection", "size", "models", *keys], lines),
    )


def megabytes(number: int) -> str:
    """Bytes as MB."""
    return f"{number / 1e6:,.1f}"
