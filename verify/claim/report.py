"""ClaimReport: everything a claim of lineage rests on, frozen, versioned and digested.

It holds facts alone. Its sentences are made on demand by the catalogue that it names (``verify.wording``): its digest
covers facts, and no words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PrivateAttr, model_validator

from ..base import Phrase, later, options, write_atomically
from ..base.canonical_json import canonical, digest
from ..base.display import Drawn, Tabular, frame
from ..panel import PanelUse
from ..statistics import ExactResult, PanelResult, Result, Results
from ..wording import LATEST, VERSIONS, say
from ..wording import said as spoken
from . import said, said_of_change
from .answer import Answer, answer
from .change import AdapterChange
from .citation import Author, Citation, Url
from .dated import Dated
from .declared import Declared
from .evidence import EXACT, PANEL, RESERVED, EvidenceLine, Verdict, not_ones_own
from .pages import Pages, citation_of
from .parts import EqualTensors
from .record import Hypotheses, PartResult, Provenance
from .said_of_parts import of_the_models
from .subject import Subject

SCHEMA: Final = 2
MOST_LAYERS = 10_000
"""Pairs of layers that one test may list: more than any two models have that match one to one."""


class ClaimReport(Tabular, Drawn, Pages):
    """The result of :func:`verify.test_lineage`.

    Read ``verdict`` first, then ``tests``; ``digest`` is what others cite.
    """

    schema_version: Literal[2] = 2
    wording: int = Field(default=LATEST, ge=1)
    """Version of the catalogue of sentences at the time the report was made."""
    a: Subject
    """The questioned model."""
    b: Subject
    """The reference."""
    verdict: Verdict
    evidence: tuple[EvidenceLine, ...]
    """Lines of evidence: the exact tests, then the panel where one was used, then others; the verdict is a function
    of them."""
    robust_log10_p: float | None = None
    """log10 of the larger of both lines' p-values: valid if either set of assumptions holds. None unless both have
    one."""
    panel: PanelUse | None = None
    """The panel; None if none was used."""
    searched: int = Field(default=1, ge=1, le=10**9)
    """Pairs of models that were searched for this one; 1 for a pair named in advance. The p-values of lines are
    multiplied by it, those of single tests are not."""
    chronology: str | None = None
    """Which file existed first, as stated by the caller."""
    dated: Annotated[tuple[Dated, ...], Field(max_length=128)] = later(())
    """Evidence that A or B existed by a time; it enters no p-value and no verdict."""
    authors: tuple[Author, ...] = later(())
    """Who made the report, as stated by the caller: "Family, Given" for a person, or the name of a body."""
    url: Url | None = later()
    """Where it is published, as stated by the caller."""
    shared_anchors: int | None = later()
    """Number of anchor tokens that both vocabularies know, which decides whether tests on tokens apply; None in older
    files."""
    parts: tuple[PartResult, ...] = later(())
    """Pairs of parts, that of the headline first; empty if each model is one part."""
    equal_tensors: EqualTensors | None = later()
    """Tensors that no table understands, equal in both."""
    change: AdapterChange | None = later()
    """Whether one model holds the change that the other, an adapter, makes to its base; None unless both were given
    as weights and read in full. It enters no verdict."""
    reworked: tuple[Phrase, ...] = later(())
    """Signs of re-parametrisation in A, in B and between them: descriptions that enter no p-value and no verdict."""
    declared: Declared
    """Declared lineage, beside the verdict."""
    provenance: Provenance
    created: str
    """Time at which the report was made, ISO 8601, UTC; no other time is recorded."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else; of an older schema, as that defines it."""
    _older: tuple[int, dict[str, Any]] | None = PrivateAttr(default=None)
    """Schema and content of the file that this report was read from, if that was of an older schema."""

    # ---- its evidence

    def line(self, name: str) -> EvidenceLine | None:
        """The line of evidence of that name."""
        return next((line for line in self.evidence if line.line == name), None)

    @model_validator(mode="after")
    def _lines_are_distinct(self) -> ClaimReport:
        """No line stands in for another, and none of somebody's own for what the library tested."""
        names = [line.line for line in self.evidence]
        if len(set(names)) < len(names):
            raise ValueError(f"two lines of evidence are called {max(names, key=names.count)!r:.60}")
        for line in self.own_lines:
            if (why := not_ones_own(line)) is not None:
                raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _parts_and_layers_are_theirs(self) -> ClaimReport:
        """Results are of parts that the models have, and of no more layers than these have."""
        names = [{part.name for part in subject.parts} for subject in (self.a, self.b)]
        for one in self.parts:
            if one.a not in names[0] or one.b not in names[1]:
                raise ValueError(
                    f"compares the parts {one.a!r:.60} and {one.b!r:.60}, of which the models have not both"
                )
        most = min(self.a.architecture.layers * self.b.architecture.layers, MOST_LAYERS)
        if any(len(result.by_layer) > max(1, most) for result in self.exact):
            raise ValueError(f"holds results of more pairs of layers than the {most} that the models have")
        return self

    @property
    def results(self) -> tuple[Result, ...]:
        """The results of the library's tests, of all lines but one's own."""
        return tuple(result for line in self.evidence if line.line in RESERVED for result in line.results)

    @property
    def exact(self) -> tuple[ExactResult, ...]:
        """The results of the exact tests."""
        line = self.line(EXACT)
        return tuple(result for result in line.results if isinstance(result, ExactResult)) if line else ()

    @property
    def ranked(self) -> tuple[PanelResult, ...]:
        """The results of the panel tests, the primary one first."""
        line = self.line(PANEL)
        return tuple(result for result in line.results if isinstance(result, PanelResult)) if line else ()

    @property
    def located(self) -> ExactResult | None:
        """The first exact test that tells which layers match."""
        return next((result for result in self.exact if result.by_layer), None)

    @property
    def own_lines(self) -> tuple[EvidenceLine, ...]:
        """The caller's own lines of evidence, which enter no verdict."""
        return tuple(line for line in self.evidence if line.line not in RESERVED)

    @property
    def primary(self) -> PanelResult | None:
        """The result of the one panel test that may enter the verdict."""
        name = self.panel.primary if self.panel else ""
        return next((result for result in self.ranked if result.id == name), None)

    @property
    def tests(self) -> Results:
        """Results by the test's id."""
        return Results(self.results)

    @property
    def alpha(self) -> float:
        """Level of the exact tests."""
        return self._of_line(EXACT, "alpha") or 1e-3

    @property
    def log10_p(self) -> float | None:
        """Family-wise log10 p of the exact tests, adjusted over pairs of parts; None if none applies."""
        return self._of_line(EXACT, "log10_p")

    @property
    def panel_alpha(self) -> float | None:
        """Level of the primary panel test; None where no panel was used."""
        return self._of_line(PANEL, "alpha")

    @property
    def panel_log10_p(self) -> float | None:
        """log10 p of the primary panel test; None where no panel was used, or its ranks are no verdict."""
        return self._of_line(PANEL, "log10_p")

    def _of_line(self, name: str, field: Literal["alpha", "log10_p"]) -> float | None:
        line = self.line(name)
        return None if line is None else getattr(line, field)

    # ---- its words

    @property
    def finding(self) -> str:
        """The verdict in words: for the pair of parts in the headline, then for others."""
        return self._words(said.said(self).finding)

    @property
    def undeclared(self) -> bool:
        """Whether the models are related, and neither names the other as a base, nor do both name one."""
        return self.declared.status == "undeclared_found"

    @property
    def outcomes(self) -> frozenset[str]:
        """The verdict, and ``undeclared`` if that is so."""
        return frozenset((self.verdict, *(("undeclared",) if self.undeclared else ())))

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        return answer(self)

    @property
    def names(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.a.name, self.b.name

    @property
    def may_say(self) -> str:
        """The claim that a paper or a brief may cite the report for."""
        return self._words(said.said(self).may_say)

    @property
    def may_not_say(self) -> str:
        """Claims that it may not be cited for."""
        return self._words(said.said(self).may_not_say)

    @property
    def hypotheses(self) -> Hypotheses:
        """Null and alternative hypothesis of the exact tests."""
        return Hypotheses(**{name: self._words((Phrase.of(f"shared_arrangement.{name}"),)) for name in _PROPOSITIONS})

    @property
    def multiplicity(self) -> str:
        """Corrections for the number of tests, pairs of parts and pairs searched."""
        return self._words(said.multiplicity(self))

    @property
    def power(self) -> str | None:
        """Power: what would have been detected; None if a test rejected or nothing was tested."""
        return self._words(said.power(self)) or None

    @property
    def limitations(self) -> tuple[str, ...]:
        """What the report does not show."""
        return tuple(spoken(said.limitations(self), version=self.wording))

    @property
    def declared_in_words(self) -> str:
        """Declared lineage, in words."""
        merged = bool(self.a.merged_onto or self.b.merged_onto)
        return self._words(said.declared(self.declared, self.verdict, merged=merged, whole=of_the_models(self)))

    @property
    def change_in_words(self) -> str:
        """Whether one model holds the change of the other, an adapter; empty where that was not asked."""
        return self._words(() if self.change is None else said_of_change.change(self.change))

    @property
    def dates_in_words(self) -> str:
        """By when either model existed; empty where no dated evidence was given."""
        from .said_of_dates import order

        return self._words(order(self) if self.dated else ())

    @property
    def citation(self) -> Citation:
        """How to cite the report; derived from the rest."""
        return citation_of(self)

    def say(self, phrase: Phrase) -> str:
        """A reason or note of the report, in the sentences of its catalogue."""
        return say(phrase, version=self.wording)

    def in_words_of(self, version: int) -> ClaimReport:
        """The same facts with another version of the catalogue; the digest remains that of the record."""
        return self.model_copy(update={"wording": _version(version)})

    def _words(self, phrases: tuple[Phrase, ...]) -> str:
        return " ".join(spoken(phrases, version=self.wording))

    # ---- its seal and its files

    @property
    def schema_of_maker(self) -> int:
        """The schema under which it was made, perhaps older than that of this class."""
        return SCHEMA if self._older is None else self._older[0]

    def made_under(self, schema: int, content: dict[str, Any]) -> ClaimReport:
        """The same report, read from a file of an older schema, of which it keeps content, digest and bytes."""
        report = self.model_copy()
        report._older = (schema, content)
        return report

    def sealed(self) -> ClaimReport:
        """The same report with its digest."""
        return self.model_copy(update={"digest": digest(self.facts(), without=("digest",))})

    def is_intact(self) -> bool:
        """Whether the digest is that of the content."""
        from .reading import READERS

        return self.digest == digest(self.content(), without=READERS[self.schema_of_maker].outside)

    def facts(self) -> dict[str, Any]:
        """The record as a JSON object, in the present schema."""
        return self.model_dump(mode="json")

    def content(self) -> dict[str, Any]:
        """The record as a JSON object, in the schema of its file."""
        return self.facts() if self._older is None else self._older[1]

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Canonical JSON (RFC 8785); also written to ``path`` if given."""
        content = canonical(self.content())
        if path is not None:
            write_atomically(options.path("path", path), content + b"\n")
        return content.decode()

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> ClaimReport:
        """Read a report, of this schema or an older one, from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is not a report, or its digest does not fit its content.
        """
        from .reading import intact

        if not isinstance(source, str | os.PathLike):
            options.refuse("source", source, "a path, or the JSON text of a report")
        return intact(source)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each test: its line of evidence, count, n, count expected by chance, and p-values."""
        from .frames import of_tests

        return of_tests(self)

    def to_frame(self) -> Any:
        """One row for each test, as a pandas DataFrame indexed by id, one value in each cell.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        return frame(self.to_dicts(), "test")

    def to_layer_frame(self) -> Any:
        """One row for each pair of layers and test, as a pandas DataFrame.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        from .frames import of_layers

        return frame(of_layers(self))

    def _looked_at(self) -> Iterable[Mapping[str, object]]:
        from .frames import of_counts

        return of_counts(self)

    def __repr__(self) -> str:
        return f"ClaimReport({self.a.name!r:.100}, {self.b.name!r:.100}: {self.verdict}, {self.digest[:23]})"


_PROPOSITIONS = ("null", "alternative")


def _version(version: int) -> int:
    if type(version) is not int or version not in VERSIONS:
        options.refuse("version", version, f"a version of the catalogue, {', '.join(map(str, VERSIONS))}")
    return version
