"""The tables of a screen, flat: one row for each pair that was tested, and one for each model."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..statistics import EXACT_TESTS
from .answer import by_size, compared_with_none
from .declarations import declarations
from .record import Edge, PairResult, ScreenRecord

Columns = dict[str, list[Any]]

_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n]")
"""How a cell begins that a spreadsheet may take for a formula: it may pass over what shows nothing."""


def of_pairs(record: ScreenRecord, pairs: Sequence[PairResult]) -> Columns:
    """The table of pairs, by column.

    Parameters
    ----------
    record : the record of the screen.
    pairs : its pairs.

    Returns
    -------
    dict
        Names, stage, p-value and effect sizes of each exact test, adjusted p-values, verdict, closeness, whether the
        pair is declared, and its kind in words.
    """
    stated = declarations(record)
    tests = [test.id for test in EXACT_TESTS]

    def each(*names: str) -> Columns:
        return {name: [getattr(pair, name) for pair in pairs] for name in names}

    def effects(field: str, name: str) -> Columns:
        return {f"{test}_{name}": [getattr(pair.effects.get(test), field, None) for pair in pairs] for test in tests}

    return (
        each("a", "b", "stage", "first_log10_p")
        | {f"{test}_log10_p": [pair.tests.get(test) for pair in pairs] for test in tests}
        | effects("share", "share")
        | effects("cosine_identified", "cosine")
        | each("log10_p", "adjusted_log10_p", "fdr_log10_p", "verdict", "closeness")
        | {"declared": [stated.get((pair.a, pair.b)) for pair in pairs]}
        | each("kind")
    )


def of_models(record: ScreenRecord) -> list[dict[str, Any]]:
    """One row for each model, those that were left out last."""
    family: dict[str, int] = {}
    within: dict[str, list[int]] = {}
    for n, one in enumerate(by_size(record), start=1):
        family |= dict.fromkeys(one.members, n)
        for k, part in enumerate(one.overlapping, start=1):
            for name in part:
                within.setdefault(name, []).append(k)
    near: dict[str, list[tuple[str, Edge]]] = {}
    for one in record.families:
        for edge in one.edges:
            near.setdefault(edge.a, []).append((edge.b, edge))
            near.setdefault(edge.b, []).append((edge.a, edge))
    never = set(compared_with_none(record))
    suspected = {name for edge in record.suspected for name in (edge.a, edge.b)}
    rows = []
    for model in record.models:
        name = model.label
        related = sorted(near.get(name, []), key=_distance)
        alone = "compared with none" if name in never else "suspected" if name in suspected else "no relative found"
        rows.append(
            {
                "model": name,
                "status": "related" if name in family else alone,
                "family": family.get(name),
                "overlapping": ", ".join(map(str, within.get(name, ()))),
                "relatives": len(related),
                "closest": related[0][0] if related else None,
                "closeness": related[0][1].closeness if related else None,
                "architecture": model.architecture,
                "layers": model.layers,
                "width": model.width,
                "untestable_pairs": model.untestable,
                "fingerprint_sha256": model.fingerprint_sha256,
                "content_sha256": model.content_sha256,
                "signed": None if model.signed is None else model.signed.key or model.signed.status,
                "reason": "",
            }
        )
    return rows


def _distance(near: tuple[str, Edge]) -> tuple[bool, float, str]:
    name, edge = near
    return edge.verdict != "identical", -(edge.closeness or 0.0), name


def of_all_models(record: ScreenRecord) -> Columns:
    """The table of models, by column, with those that were left out and why."""
    rows = of_models(record)
    rows += [{"model": one.name, "status": "left out", "reason": one.reason} for one in record.left_out]
    return {name: [row.get(name) for row in rows] for name in _MODEL}


_MODEL = {
    "model": str,
    "status": str,
    "family": int,
    "overlapping": str,
    "relatives": int,
    "closest": str,
    "closeness": float,
    "architecture": str,
    "layers": int,
    "width": int,
    "untestable_pairs": int,
    "fingerprint_sha256": str,
    "content_sha256": str,
    "signed": str,
    "reason": str,
}


def to_csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as CSV: UTF-8, numbers in full, and no cell that a spreadsheet takes for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_cell(value) for value in values] for values in columns.values()), strict=True))
    return buffer.getvalue().encode()


def to_parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({name: pa.array(values, _kind(name, pa)) for name, values in columns.items()})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _kind(name: str, pa: Any) -> Any:
    """The type of a column, also where it has no value."""
    numbers = ("log10_p", "_share", "_cosine", "closeness")
    kind = _MODEL.get(name, float if name.endswith(numbers) else str)
    return {float: pa.float64(), int: pa.int64(), str: pa.string()}[kind]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return "" if value is None else repr(value)
