"""The result of a screen: its record, its pairs, and its files."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..base import InputError, canonical, digest, options, replace_together, write_atomically
from ..base.card import Card, flat
from ..base.display import Drawn, Tabular, frame
from ..statistics import EXACT_TESTS
from .record import Family, PairResult, ScreenRecord

if TYPE_CHECKING:
    from ..render.report_figures import ReportFigure

Format = Literal["parquet", "csv"]
FORMS: tuple[Format, ...] = get_args(Format)

VERDICTS = ("identical", "dependent", "suspected", "no_evidence", "untestable")
"""Verdict on a pair of a screen."""

_OURS = ("pairs.parquet", "pairs.csv", "families.json", "summary.md", "families.svg", "families.png")

_BEGINNING = 1 << 12  # bytes of a table or page
_MOST_RECORD = 1 << 28  # bytes of a record that are read

_MOST_DRAWN = 150  # models on the map


@dataclass(frozen=True)
class ScreenResult(Tabular, Drawn):
    """The result of :func:`verify.screen`.

    Parameters
    ----------
    record : ScreenRecord
    pairs : pairs that passed the first stage or hold identical weights, ordered by their names.
    """

    record: ScreenRecord
    pairs: tuple[PairResult, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """Models connected by pairs that are dependent or identical."""
        return self.record.families

    @property
    def finding(self) -> str:
        """The finding in one sentence."""
        from .summary import finding

        return finding(self.record)

    @property
    def verdicts(self) -> frozenset[str]:
        """Verdicts that at least one pair has; ``left_out`` if a model could not be read."""
        record, counts = self.record, Counter[str](row.verdict for row in self.pairs)
        counts["untestable"] = sum(u.pairs for u in record.untestable)
        counts["no_evidence"] = record.pairs - sum(counts[v] for v in VERDICTS if v != "no_evidence")
        counts["left_out"] = len(record.left_out)
        return frozenset(verdict for verdict, number in counts.items() if number)

    @property
    def digest(self) -> str:
        """``sha256:`` over the canonical JSON of the record and of the pairs."""
        pairs = [pair.model_dump(mode="json") for pair in self.pairs]
        return digest({"record": self.record.model_dump(mode="json"), "pairs": pairs})

    def __repr__(self) -> str:
        r = self.record
        return f"ScreenResult({len(r.models)} models, {r.pairs} pairs, {len(r.families)} families, {self.digest:.19})"

    def _card(self) -> Card:
        r = self.record
        stage = r.first_stage
        facts = (
            ("levels", f"{r.alpha:g} family-wise, {r.fdr:g} of false discoveries, over {r.pairs} pairs"),
            ("stages", f"{stage.passed} of {stage.tested} pairs passed the first"),
            ("left out", f"{len(r.left_out)} models"),
            ("digest", self.digest),
        )
        rows = (
            {
                "family": family.name,
                "models": len(family.members),
                "related pairs": len(family.edges),
                "identical": sum(edge.verdict == "identical" for edge in family.edges),
                "undeclared": sum(edge.declared is False for edge in family.edges),
            }
            for family in r.families
        )
        return Card(self.finding, facts, tuple(rows))

    def columns(self) -> dict[str, list[Any]]:
        """The table of pairs, by column: names, stage, log10 p of each test, of both adjustments, verdict, kind."""
        fields = [(name, name) for name in ("a", "b", "stage", "first_log10_p")]
        last = ("log10_p", "adjusted_log10_p", "fdr_log10_p", "verdict", "kind")
        table: dict[str, list[Any]] = {name: [getattr(row, name) for row in self.pairs] for name, _ in fields}
        table |= {f"{t.id}_log10_p": [row.tests.get(t.id) for row in self.pairs] for t in EXACT_TESTS}
        return table | {name: [getattr(row, name) for row in self.pairs] for name in last}

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each pair that passed the first stage or holds identical weights."""
        columns = {name: values for name, values in self.columns().items() if name != "kind"}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def to_model_frame(self) -> Any:
        """One row for each model, as a pandas DataFrame: its family, if any, its relatives and its architecture.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        families = {name: family for family in self.families for name in family.members}
        edges = [edge for family in self.families for edge in family.edges]
        related = Counter(name for edge in edges for name in (edge.a, edge.b))
        return frame(
            [
                {
                    "model": model.label,
                    "family": families[model.label].name if model.label in families else None,
                    "relatives": related[model.label],
                    **{name: value for name, value in flat(model).items() if name != "label"},
                }
                for model in self.record.models
            ]
        )

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The record, as canonical JSON; also written to ``path`` if given."""
        content = canonical(self.record.model_dump(mode="json"))
        if path is not None:
            write_atomically(options.path("path", path), content + b"\n")
        return content.decode()

    def save(self, folder: str | os.PathLike[str], form: Format | None = None) -> list[Path]:
        """Write ``pairs.parquet`` (or ``pairs.csv``), ``families.json``, ``summary.md`` and the map of families.

        The map is written only if matplotlib is installed and a pair was found. Files of these names
        that an earlier screen left in the folder are replaced or removed.

        Parameters
        ----------
        folder : folder to write to, made if absent.
        form : format of the table; by default Parquet if pyarrow is installed, else CSV.

        Raises
        ------
        InputError
            If Parquet is asked for and pyarrow is not installed, or a file of one of these names is of no screen.
        """
        from .summary import summary

        form, folder = chosen_form(form), options.path("folder", folder)
        check_folder(folder)
        contents = {
            f"pairs.{form}": _parquet(self.columns()) if form == "parquet" else _csv(self.columns()),
            "families.json": self.to_json().encode(),
            "summary.md": summary(self.record, f"pairs.{form}").encode(),
        }
        if find_spec("matplotlib") is not None:
            contents |= {f"families{suffix}": drawn for suffix, drawn in self.figures().items()}
        replace_together(folder, contents, stale=_OURS)
        return [folder / name for name in contents]

    def figures(self) -> dict[str, bytes]:
        """The clustered map of the models that have relatives, as ``.svg`` and ``.png``; empty if none has.

        Raises
        ------
        InputError
            If matplotlib is not installed.
        """
        from ..render.screen_figures import rendered

        return {} if (figure := self._map()) is None else rendered(figure)

    def _pictures(self) -> Mapping[str, Any]:
        figure = self._map()
        return {} if figure is None else {figure.name: figure}

    def _map(self) -> ReportFigure | None:
        from ..render.screen_figures import family_map

        found = [row for row in self.pairs if row.verdict != "no_evidence"]
        related = sorted({name for row in found for name in (row.a, row.b)})
        names = related[:_MOST_DRAWN]
        if not names:
            return None
        at = {name: i for i, name in enumerate(names)}
        strength = np.zeros((len(names), len(names)))
        identical = np.zeros(strength.shape, dtype=bool)
        for row in self.pairs:
            if row.a in at and row.b in at:
                i, j = at[row.a], at[row.b]
                strength[i, j] = strength[j, i] = -(row.adjusted_log10_p or 0.0)
                identical[i, j] = identical[j, i] = row.verdict == "identical"
        return family_map(names, strength, identical, others=len(self.record.models) - len(names))


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder in which the files of a screen would replace or remove a file that no screen wrote.

    Raises
    ------
    InputError
        With the name of the file.
    """
    present = [Path(folder, name) for name in _OURS if Path(folder, name).exists()]
    drawn = [path for path in present if path.suffix in (".svg", ".png")]
    recorded = {path.name for path in present if path not in drawn and _is_ours(path)}
    for path in present:
        if not (path.name in recorded or (path in drawn and "families.json" in recorded)):
            raise InputError(
                f"{str(path)!r:.200} was written by no screen, and would be lost; move it, or give another folder."
            )


def _is_ours(path: Path) -> bool:
    """Whether a table, page or record is one of a screen."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        content = file.read(_MOST_RECORD if path.suffix in (".json", ".parquet") else _BEGINNING)
    return {
        ".csv": content.startswith(b"a,b,stage,first_log10_p"),
        ".json": b'"first_stage"' in content,
        ".md": content.startswith(b"# Screen of "),
        ".parquet": content.startswith(b"PAR1") and b"first_log10_p" in content,
    }[path.suffix]


def chosen_form(asked: Format | None) -> Format:
    """The format of the table of pairs.

    Raises
    ------
    InputError
        If Parquet is asked for and pyarrow is not installed.
    """
    asked = None if asked is None else options.one_of("form", asked, FORMS)
    installed = find_spec("pyarrow") is not None
    if asked == "parquet" and not installed:
        raise InputError('Parquet needs pyarrow: `pip install "verify-lineage[screen]"`, or ask for csv.')
    return asked or ("parquet" if installed else "csv")


def _parquet(columns: dict[str, list[Any]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {name: pa.float64() if name.endswith("log10_p") else pa.string() for name in columns}
    table = pa.table({name: pa.array(values, kinds[name]) for name, values in columns.items()})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _csv(columns: dict[str, list[Any]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*([_cell(value) for value in values] for values in columns.values()), strict=True))
    return buffer.getvalue().encode()


def _cell(value: Any) -> str:
    """Format a cell: names that no spreadsheet takes for a formula, numbers in full."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
    return "" if value is None else repr(value)
