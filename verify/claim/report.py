"""ClaimReport: everything a claim of lineage rests on, frozen, versioned and digested."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError

from ..base import Record, ReportError, VerifyError, later, read_regular, without_duplicates, write_atomically
from ..base.canonical_json import canonical, digest
from ..checkpoint import Architecture, FileIdentity
from ..fingerprint import (
    DeadCount,
    Effort,
    Fingerprint,
    FingerprintRecord,
    Pairing,
    PartRecord,
    ReadFrom,
    SketchSpec,
)
from ..panel import PanelUse
from ..statistics import EXACT_TESTS, TestResult
from .citation import Citation, cite
from .declared import Declared
from .part_words import cited
from .parts import EqualTensors, PartSubject, inventory
from .verdict import Verdict

LARGEST_FILE = 1 << 28
"""Bytes; scores of 2000 members make about 40 MB."""
_DERIVED = ("digest", "citation")

_ORDER = [test.id for test in EXACT_TESTS]


def _place(item: tuple[str, TestResult]) -> tuple[int, str]:
    """Canonical JSON sorts its keys; a report read back lists its tests as it did when it was made."""
    return (_ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)), item[0]


class Results(Mapping[str, TestResult]):
    """Results by test id, read-only; unlike a mapping proxy it can be copied and sent to another process."""

    def __init__(self, results: Mapping[str, TestResult]) -> None:
        self._results = dict(sorted(results.items(), key=_place))

    def __getitem__(self, key: str) -> TestResult:
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return repr(self._results)


Tests = Annotated[
    Mapping[str, TestResult],
    AfterValidator(Results),
    PlainSerializer(dict, return_type=dict[str, TestResult]),
]


class Subject(Record):
    """One of the two models, as it was examined."""

    name: str
    """Folder or file name, never a path."""
    origin: str | None = None
    """Address it was read from; None for files of the machine that read them."""
    revision: str | None = None
    """Commit of the files, where the place they lie in keeps a history."""
    merged_onto: str | None = None
    """Name, or address and commit, of the base that this adapter was merged onto; None for a model of its own."""
    declared_bases: tuple[str, ...] = ()
    """Names of the models that this one was made from, as its makers declare them; no evidence."""
    architecture: Architecture
    files: tuple[FileIdentity, ...]
    effort: Effort = "full"
    """How much was read."""
    sketch: SketchSpec
    """Under which it was read."""
    content_sha256: str
    """sha256 over every learned tensor, canonical ones as float32, so a lossless change of format keeps it; at lesser
    effort, over the rows that were read."""
    not_read: tuple[str, ...] = later(())
    """Other files of weights that lie beside those read, by name."""
    anchors: int
    """Anchors kept: tokens, or rows of the table of tokens."""
    pairing: Pairing = later("tokens")
    """By what anchors pair with those of another model: tokens, or the numbers of rows."""
    tokenizer: str | None = later()
    """Name of the file that tells the tokens; None where none was found."""
    dead: tuple[DeadCount, ...]
    non_finite: int
    outside: tuple[str, ...]
    unrecognised: tuple[str, ...]
    unrecognised_inside: tuple[str, ...] | None = later()
    """Those of them that lie inside a layer that was read; None where that is not known."""
    notes: tuple[str, ...] = later(())
    """What was found otherwise than the model's makers declare, in sentences."""
    part: str = later("")
    """Name of the part that architecture, anchors, tests and what is below their digest are of."""
    parts: tuple[PartRecord, ...] = later(())
    """All parts of the model; empty where they are not known."""
    bytes_read: int
    software: dict[str, str]
    read_from: ReadFrom | None = later()
    """Whether weights were read, or a fingerprint that states what it is of; None in older files."""
    arrays_sha256: str | None = later()
    """Of a fingerprint that was read, the digest of its arrays; "" where it states none, so that nothing binds them
    to what it states. None where weights were read, and in older files."""

    @staticmethod
    def of(record: FingerprintRecord, part: FingerprintRecord | None = None) -> Subject:
        """The subject described by a model's fingerprint record.

        Parameters
        ----------
        part : the record of the part that is compared, where the model is not one part alone.
        """
        apart = {"anchors", "arrays_sha256", "part", "parts"}
        shared = Subject.model_fields.keys() & FingerprintRecord.model_fields.keys() - apart
        fields = {name: getattr(record, name) for name in shared}
        if part is not None:
            fields |= {name: getattr(part, name) for name in PartSubject.model_fields} | {"outside": part.outside}
            fields |= {"part": part.part or inventory(record)[0].name, "parts": inventory(record)}
        return Subject(**fields | {"anchors": len((part or record).anchors)})

    @staticmethod
    def read(model: Fingerprint, part: FingerprintRecord | None = None) -> Subject:
        """The subject that a fingerprint is of, and what it was read from; of a part as in :meth:`of`."""
        arrays = model.record.arrays_sha256 if model.read_from == "fingerprint" else None
        stated = {"read_from": model.read_from, "arrays_sha256": arrays}
        return Subject.of(model.record, part).model_copy(update=stated)


class PartResult(Record):
    """A part of A and the part of B that it was compared with."""

    a: str
    """Name, as among the parts of A."""
    b: str
    """Name, as among the parts of B."""
    verdict: Verdict
    """At the level of the exact tests; ``identical`` where both hold the same numbers."""
    log10_p: float | None = None
    """log10 of the family-wise p-value of its exact tests; None where none applies."""
    adjusted_log10_p: float | None = None
    """The same, adjusted by Holm's procedure over all pairs of parts, and for the search."""
    tests: Tests = Field(default={}, validate_default=True)
    """Results by test id; empty for the pair that the report is headlined by, whose tests are the report's, and where
    no table understands the parts."""
    subject_a: PartSubject | None = None
    """What of the part of A its tests depend on; None where there are none here."""
    subject_b: PartSubject | None = None
    shared_anchors: int | None = None
    """Anchor tokens that both know; None where there are no tests here."""


class Hypotheses(Record):
    """Both propositions, in words."""

    null: str
    alternative: str


class Provenance(Record):
    """What computed the report, and with which options."""

    software: dict[str, str]
    effort: Effort = "full"
    """At which the two were compared: at most the smaller of theirs."""
    sketch: SketchSpec
    """Under which the two were compared."""
    seed: str
    """As text: canonical JSON has no integers beyond 2**53. No test in schema 1 draws random numbers."""


class ClaimReport(Record):
    """The result of :func:`verify.test_lineage`.

    Read ``verdict`` first, then ``tests``; ``digest`` is what others cite.
    """

    schema_version: Literal[1] = 1
    a: Subject
    """The questioned model."""
    b: Subject
    """The reference."""
    verdict: Verdict
    finding: str
    """The verdict in words: first of the pair of parts that it is of, then of others."""
    may_say: str
    """What a paper or a brief that cites the report may say."""
    may_not_say: str
    """What it may not."""
    alpha: float = Field(gt=0, lt=1)
    """Level of the exact tests, fixed before anything was seen."""
    log10_p: float | None
    """log10 of the family-wise p-value of the exact tests, adjusted over pairs of parts; None where none applies."""
    panel_log10_p: float | None = None
    """log10 p of the primary panel test; None where no panel was used, or it holds too few models like A and B:
    ranks are then with the test, and are no verdict."""
    robust_log10_p: float | None = None
    """The larger of the two: valid if either set of assumptions holds."""
    panel_alpha: float = Field(default=0.01, gt=0, lt=1)
    """Level of the primary panel test, fixed before anything was seen."""
    panel: PanelUse | None = None
    """The panel behind the panel tests; None where none was used."""
    selection: str = Field(default="pre-specified", pattern=r"^(pre-specified|best_of_[1-9][0-9]{0,8})$")
    """How the pair came to be tested: named in advance, or the best of so many that were searched; then all
    p-values of the report have paid for the search, and those of single tests have not."""
    chronology: str | None = None
    """Which file existed first, as stated by whoever asked for the report."""
    hypotheses: Hypotheses
    shared_anchors: int | None = later()
    """Anchor tokens that both vocabularies know, which decides whether tests on tokens apply; None in older files."""
    tests: Tests
    """Results by test id; inapplicable tests say why."""
    parts: tuple[PartResult, ...] = later(())
    """Pairs of parts, the one that verdict and tests are of first; empty where each model is one part."""
    equal_tensors: EqualTensors | None = later()
    """Tensors that no table understands, equal in both."""
    multiplicity: str
    power: str | None
    """What would have been detected, in one sentence; None where nothing was tested."""
    declared: Declared
    """What the models' makers declare, beside the verdict."""
    limitations: tuple[str, ...]
    provenance: Provenance
    created: str
    """When the report was made, ISO 8601, UTC: its only clock."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything but ``digest`` and ``citation``."""
    citation: Citation | None = None

    def sealed(self) -> ClaimReport:
        """The same report with its digest and citation."""
        value = digest(self._content(), without=_DERIVED)
        version = self.provenance.software.get("verify-lineage", "")
        citation = cite(cited(self), value, self.created, version)
        return self.model_copy(update={"digest": value, "citation": citation})

    def is_intact(self) -> bool:
        """Whether the digest is that of the content."""
        return self.digest == digest(self._content(), without=_DERIVED)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Canonical JSON (RFC 8785); also written to ``path`` if given."""
        content = canonical(self._content())
        if path is not None:
            write_atomically(Path(path), content + b"\n")
        return content.decode()

    def to_markdown(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page for a reader who is not a statistician; also written to ``path`` if given."""
        from ..render.markdown import markdown

        return _written(markdown(self), path)

    def to_latex(self, path: str | os.PathLike[str] | None = None, *, fragment: bool = False) -> str:
        r"""A standalone document, or a fragment for ``\input``; also written to ``path`` if given."""
        from ..render.latex import latex

        return _written(latex(self, fragment=fragment), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """One file that loads nothing, with figures if matplotlib is installed; also written to ``path`` if given."""
        from ..render.html import html

        return _written(html(self), path)

    def to_pdf(self, path: str | os.PathLike[str]) -> None:
        """Write A4 pages, typeset by pdflatex or typst (extra ``pdf``).

        Raises
        ------
        InputError
            If neither is installed.
        """
        from ..render.pdf import pdf

        write_atomically(Path(path), pdf(self))

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> ClaimReport:
        """Read a report from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is not a report, or its digest or citation does not fit its content.
        """
        text = source if isinstance(source, str) and source.lstrip().startswith("{") else _read(Path(source))
        try:
            content = json.loads(text, object_pairs_hook=without_duplicates)
            report = ClaimReport.model_validate(content)
            found = digest(content, without=_DERIVED)  # of what is written, not of what it was read as
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "the document"
            raise _not_a_report(f"at {where!r:.80}: {problem['msg']}") from error
        except (ValueError, RecursionError) as error:
            raise _not_a_report(f"{str(error)!r:.120}") from error
        for what, intact in (("digest", report.digest == found), ("citation", report == report.sealed())):
            if not intact:
                raise ReportError(
                    f"The report's {what} is not that of its content ({found:.23}...), so it was altered after it "
                    "was made; obtain an unaltered copy."
                )
        return report

    def to_frame(self) -> Any:
        """One row a test, as a pandas DataFrame.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise VerifyError("A data frame needs pandas, which is not installed; `pip install pandas`.") from error

        rows = [test.model_dump(exclude={"counts", "by_layer", "effect"}) for test in self.tests.values()]
        return pd.DataFrame(rows).set_index("id")

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from ..render.html import compact

        return compact(self)

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.model_dump_json())
        return content


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        write_atomically(Path(path), text.encode())
    return text


def _read(path: Path) -> str:
    try:
        return read_regular(path, LARGEST_FILE).decode("utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or not a path
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise ReportError(f"{path.name!r:.120} cannot be read as a report ({reason}); check the path.") from error


def _not_a_report(reason: str) -> ReportError:
    return ReportError(
        f"This is not a claim report of schema 1 ({reason}); give the report.json that `verify lineage` wrote."
    )
