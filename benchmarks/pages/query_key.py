"""``query_key.md``: what the family tables declare of q, k and v, held against models."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

_OTHERS = ("q alone", "other pairs", "planes permuted", "quarters", "eighths", "v alone", "eighths of v")


def query_key(found: dict[str, Any]) -> str:
    """The page."""
    rows = [
        [
            row["model"],
            f"`{row['family']}`",
            f"{row['rotary'] or '-'}",
            f"{row['turned']} of {row['channels']}",
            row["norm"],
            *(_number(row["same"].get(group)) for group in ("qk", "vo")),
            *(_number(row["moved"].get(what)) for what in _OTHERS),
        ]
        for row in found["rows"]
    ]
    return page(
        "# Symmetries of q, k and v by forward passes",
        "Models of every type in the family tables that Transformers "
        f"{found['transformers']} builds, at toy width, with random weights, gains and biases in double precision. "
        "Numbers are the largest change of an answer over the spread of all answers. "
        f"Of {found['elements']} random elements of a declared group it must be below {found['same']:g} (the largest "
        f"is shown; 0 where softmax or norms, which many models compute in single precision, absorb the last bits), "
        f"of all else above {found['moved']:g}. `python -m benchmarks.query_key_symmetries`.",
        "Declared: the pairs of channels that rotary positions turn (`half`: c with c + n/2; `interleaved`: 2c with "
        "2c + 1), how many of a head's channels they are, and the norm of q and k. Symmetries of q with k: each "
        "plane turned by quarters (by halves under gains), the other channels permuted and their signs changed "
        "(signs alone under gains); of v with o: channels permuted and their signs changed.",
        table(
            "lllllr",
            ["model", "table", "pairs", "turned", "norm", "q with k", "v with o", *_OTHERS],
            rows,
        ),
        "Not symmetries: an eighth of a turn of q alone (without rotation, permutation and signs of q alone); one "
        "plane turned by the other pairing; planes permuted; a quarter turn of one plane under gains; eighths of a "
        "turn of clipped q with k, and of clipped v with o; permutation and signs of v alone.",
        "`unknown` excludes the tests of q and k. Tables of models that Transformers does not build: "
        f"{', '.join(f'`{name}`' for name in found['absent'])}.",
    )


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.1g}"
