"""``size.md``: size of the tests with symmetry nulls, from the pairs in ``size.csv``."""

from __future__ import annotations

from math import log10

from .markdown import page, table

LEVELS = (0.5, 0.2, 0.1, 0.05, 0.01, 0.001)
ARCHITECTURES = ("base", "gpt2", "fine_moe", "bert", "latent")
Samples = dict[str, dict[str, list[float]]]


def size(pairs: list[dict[str, str]]) -> str:
    """The page."""
    rows = []
    for architecture, tests in samples(pairs).items():
        for test, values in tests.items():
            cells = (
                [f"{rate(values, a):.3f} ({error(values, a):.3f})" for a in LEVELS] if values else [""] * len(LEVELS)
            )
            rows.append([architecture, test, len(values) if values else "does not apply", *cells])
    return page(
        "# Size of the tests with symmetry nulls",
        "Share of pairs of strangers rejected at each level; every pair is two models trained for it alone, from "
        "other seeds, on the same data (`python -m benchmarks.size_study`, scale `tiny`). A valid test rejects at "
        "most the level, up to sampling error (two standard errors in brackets).",
        table("llr", ["architecture", "test", "pairs", *(f"{level:g}" for level in LEVELS)], rows),
    )


def samples(pairs: list[dict[str, str]]) -> Samples:
    """log10 p by architecture and test; empty where a test does not apply."""
    tests = list(pairs[0])[2:]
    return {
        name: {
            test: [float(row[test]) for row in pairs if row["architecture"] == name and row[test]] for test in tests
        }
        for name in ARCHITECTURES
        if any(row["architecture"] == name for row in pairs)
    }


def rate(values: list[float], level: float) -> float:
    """Share of log10 p at or below a level."""
    return sum(value <= log10(level) + 1e-12 for value in values) / len(values)


def error(values: list[float], level: float) -> float:
    """Two standard errors of a rate that equals its level."""
    return float(2 * (level * (1 - level) / len(values)) ** 0.5)
