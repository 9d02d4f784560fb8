"""The result of a screen: its record, its pairs, and its files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..base import InputError, canonical, digest, options, replace_together, write_atomically
from ..base.card import Card, flat
from ..base.display import Drawn, Tabular, frame
from .answer import Answer, answer, sentence
from .declarations import not_declared
from .record import Family, PairResult, ScreenRecord
from .tables import of_all_models, of_pairs, to_csv, to_parquet

if TYPE_CHECKING:
    from ..render.report_figures import ReportFigure

Format = Literal["parquet", "csv"]
FORMS: tuple[Format, ...] = get_args(Format)

VERDICTS = ("identical", "dependent", "suspected", "no_evidence", "untestable")
"""Verdict on a pair of a screen."""
OUTCOMES = (*VERDICTS, "undeclared", "left_out")
"""What ``--fail-on`` can name: a verdict on a pair, related models that nobody declares, a model left out."""

_OURS = (
    "screen.html",
    "summary.md",
    "pairs.csv",
    "pairs.parquet",
    "models.csv",
    "models.parquet",
    "families.json",
    "families.svg",
    "families.png",
)
"""Files of a screen; the last two, of earlier versions, are removed."""

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
        return sentence(self.record)

    @property
    def answer(self) -> Answer:
        """The finding in a few lines, with what it rests on and does not show."""
        return answer(self.record)

    @property
    def verdicts(self) -> frozenset[str]:
        """Verdicts that at least one pair has, and those of :data:`OUTCOMES` that hold."""
        record, counts = self.record, Counter[str](row.verdict for row in self.pairs)
        counts["untestable"] = sum(u.pairs for u in record.untestable)
        counts["no_evidence"] = record.pairs - sum(counts[v] for v in VERDICTS if v != "no_evidence")
        counts["undeclared"] = len(not_declared(record))
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
        found = self.answer
        rows = (
            {
                "family": family.name,
                "models": len(family.members),
                "related pairs": len(family.edges),
                "identical": sum(edge.verdict == "identical" for edge in family.edges),
                "undeclared": sum(edge.declared is False for edge in family.edges),
            }
            for family in self.record.families
        )
        facts = [(label, line if isinstance(line, str) else "".join(line)) for label, line in found.lines]
        head = f"{found.word}: {found.sentence}"
        return Card(head, (*facts, ("Digest", self.digest)), tuple(rows), "red" if found.found else "blue")

    def columns(self) -> dict[str, list[Any]]:
        """The table of pairs, by column: names, stage, each exact test, adjusted p-values, verdict, kind."""
        return of_pairs(self.record, self.pairs)

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

    def to_html(self, files: Sequence[str] = ()) -> str:
        """The page of the screen, which loads nothing; ``files`` are named as lying beside it."""
        from .page import page

        return page(self.record, self.digest, files)

    def save(self, folder: str | os.PathLike[str], form: Format | None = None) -> list[Path]:
        """Write the page, a summary, the tables of pairs and of models, and the record.

        Files of these names that an earlier screen left in the folder are replaced or removed.

        Parameters
        ----------
        folder : folder to write to, made if absent.
        form : format of the tables; CSV by default.

        Raises
        ------
        InputError
            If Parquet is asked for and pyarrow is not installed, or a file of one of these names is of no screen.
        """
        from .summary import summary

        form, folder = chosen_form(form), options.path("folder", folder)
        check_folder(folder)
        pairs, models = f"pairs.{form}", f"models.{form}"
        written = to_parquet if form == "parquet" else to_csv
        contents = {
            "screen.html": self.to_html(("summary.md", pairs, models, "families.json")).encode(),
            "summary.md": summary(self.record, pairs).encode(),
            pairs: written(self.columns()),
            models: written(of_all_models(self.record)),
            "families.json": self.to_json().encode(),
        }
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
        from .page import trees

        figure = self._map()
        return trees(self.record) | ({} if figure is None else {figure.name: figure})

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
        ".csv": content.startswith((b"a,b,stage,first_log10_p", b"model,status,family")),
        ".json": b'"first_stage"' in content,
        ".html": b"<title>Screen of " in content,
        ".md": content.startswith(b"# Screen of "),
        ".parquet": content.startswith(b"PAR1") and (b"first_log10_p" in content or b"untestable_pairs" in content),
    }[path.suffix]


def chosen_form(asked: Format | None) -> Format:
    """The format of the tables: CSV, or Parquet where it is asked for.

    Raises
    ------
    InputError
        If Parquet is asked for and pyarrow is not installed.
    """
    form = "csv" if asked is None else options.one_of("form", asked, FORMS)
    if form == "parquet" and find_spec("pyarrow") is None:
        raise InputError('Parquet needs pyarrow: `pip install "verify-lineage[screen]"`, or ask for csv.')
    return form
