"""``unused_tokens.md``: tokens of published vocabularies that no text contains."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def unused_tokens(found: dict[str, Any]) -> str:
    """The page."""
    rows = [
        [
            row["vocabulary"],
            row["package"],
            *(row[key] for key in ("rows", "bytes", "fallback")),
            ", ".join(f"{count} `{name}`" for name, count in row["series"].items()).replace("|", "\\|"),
            *(row[key] for key in ("beyond", "unused")),
            f"{row['log10_p']:.1f}",
            f"{row['log10_p_all']:.1f}",
        ]
        for row in found["rows"]
    ]
    header = [
        "vocabulary",
        "from PyPI",
        "rows of the table",
        "bytes of no text",
        "bytes never fallen back to",
        "of series set aside",
        "rows past the last token",
        "unused",
        "attainable log10 p",
        "of all unused",
    ]
    return page(
        "# Tokens that no text contains",
        "How many unused tokens the library finds in published vocabularies, each in a table of tokens with the rows "
        f"of its models. A fingerprint keeps at most {found['kept']} of them; if all k that two models keep are "
        "identified, and are of L kinds (columns), p is L^(k - L) L! / k!, with one kind 1/k!. A tiktoken file does "
        "not name the special tokens of its models, so neither they nor rows past the last token are counted there. "
        "Two models that learn to restore text, as BERT, are not compared by these tokens. `python -m "
        "benchmarks.unused_tokens`.",
        table("llrrrlrrrr", header, rows),
    )
