"""The result of a screen: its record, its pairs, and its files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ..base import InputError, VerifyError, canonical, digest, options, replace_together, write_atomically
from .answer import Answer, answer, sentence
from .record import Family, PairResult, ScreenRecord
from .tables import of_all_models, of_pairs, to_csv, to_parquet

Format = Literal["parquet", "csv"]
FORMS: tuple[Format, ...] = get_args(Format)

VERDICTS = ("identical", "dependent", "suspected", "no_evidence", "untestable")
"""Verdict on a pair of a screen."""

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
class ScreenResult:
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
        """The finding in a few lines, with what it rests on and does not mean."""
        return answer(self.record)

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

    def __str__(self) -> str:
        r = self.record
        stage = r.first_stage
        return "\n".join(
            (
                self.finding,
                f"levels   {r.alpha:g} family-wise, {r.fdr:g} of false discoveries, over {r.pairs} pairs",
                f"stages   {stage.passed} of {stage.tested} pairs passed the first",
                f"left out {len(r.left_out)} models",
                f"digest   {self.digest}",
            )
        )

    def columns(self) -> dict[str, list[Any]]:
        """The table of pairs, by column: names, stage, each exact test, adjusted p-values, verdict, kind."""
        return of_pairs(self.record, self.pairs)

    def to_frame(self) -> Any:
        """One row for each pair, as a pandas DataFrame with the columns of :meth:`columns`.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise VerifyError('A data frame needs pandas: `pip install "verify-lineage[frame]"`.') from error
        return DataFrame(self.columns())

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
        from ..render.screen_figures import family_map

        found = [row for row in self.pairs if row.verdict != "no_evidence"]
        related = sorted({name for row in found for name in (row.a, row.b)})
        names = related[:_MOST_DRAWN]
        if not names:
            return {}
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
