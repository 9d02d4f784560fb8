"""``correlations.csv``: one row for every pair of models whose correlation is known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from .populations import DEPTH

GRAPHNET, SPECTRUM, WW, ATLAS = "GraphNet", "Spectrum", "ww-trends-2020", "modelDNA"


class Row(NamedTuple):
    """One pair."""

    a: str
    b: str
    layers: str
    widths: str
    kind: str
    """``same_recipe``, ``derived``, ``unrelated`` (other families), ``kin`` (one family, relation not documented)."""
    group: str
    r: str
    rank_r: str
    statistic: str
    """What the curves are: ``sd``, ``snr``, ``rms``."""
    source: str
    rule: str

    @property
    def low(self) -> float:
        """The correlation, or the lower end of the interval in which it is known to lie."""
        return float(self.r.split("..")[0])

    @property
    def high(self) -> float:
        """The correlation, or the upper end."""
        return float(self.r.split("..")[-1])

    @property
    def one_depth(self) -> bool:
        """Whether it is one of the published stacks of DEPTH layers."""
        return self.source == GRAPHNET and self.layers == f"{DEPTH}/{DEPTH}"

    @property
    def other_width(self) -> bool:
        """Whether the widths differ."""
        first, second = self.widths.split("/")
        return first != second


def write_rows(rows: list[Row], path: Path) -> None:
    """Write ``correlations.csv``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """Read ``correlations.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**row) for row in csv.DictReader(file)]


def find(rows: list[Row], a: str, b: str) -> Row:
    """The row of a pair."""
    return next(row for row in rows if {row.a, row.b} == {a, b})
