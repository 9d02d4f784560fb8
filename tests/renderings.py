"""Reports of every verdict, their pages in every format, and pages taken apart."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.reports import CREATED, with_results
from verify import ClaimReport, EvidenceLine, ScoreResult, test_lineage
from verify.base import Phrase
from verify.claim import Dated, HubCommits, HubFile, TimeStamp
from verify.data import model
from verify.render import FORMATS
from verify.render.numbers import log10
from verify.statistics import Words
from verify.wording.forms import chance

PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "related": ("continued-3x", "reference", {}),
    "unrelated": ("stranger-1", "reference", {}),
    "obfuscated-all": (
        "obfuscated-all",
        "reference",
        {"panel": "default", "corpus": "zoo-code"},
    ),
    "related, panel": ("continued-3x", "reference", {"panel": "default"}),
    "unrelated, panel": ("stranger-1", "reference", {"panel": "default"}),
    "untestable": ("stranger-1", "gpt2-reference", {"alpha": 1e-300}),
    "same-seed": ("same-seed", "reference", {"searched": 50, "chronology": "B was published in May 2024"}),
    "identical": ("reference", "reference", {}),
}
latex_here = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@pytest.fixture(scope="module")
def reports() -> dict[str, ClaimReport]:
    """One for each pair of shipped models."""
    return all_reports()


@cache
def all_reports() -> dict[str, ClaimReport]:
    """Made once, for all files that read them."""
    return {
        name: test_lineage(model(a), model(b), created=CREATED, **options) for name, (a, b, options) in PAIRS.items()
    }


@pytest.fixture(params=list(PAIRS))
def report(request: pytest.FixtureRequest, reports: dict[str, ClaimReport]) -> ClaimReport:
    """Each of them."""
    return reports[request.param]


_PAGES: dict[tuple[str, str], str] = {}


def page_of(report: ClaimReport, kind: str) -> str:
    """The page of one of the reports, drawn once for all tests that read it."""
    if (report.digest, kind) not in _PAGES:
        _PAGES[report.digest, kind] = FORMATS[kind](report).decode()
    return _PAGES[report.digest, kind]


def hostile(report: ClaimReport, text: str) -> ClaimReport:
    """The report with a hostile text wherever it holds one that a stranger wrote."""

    def subject(side: Any) -> Any:
        shape = side.architecture.model_copy(update={"model_type": text, "family": text})
        files = tuple(file.model_copy(update={"name": text}) for file in side.files)
        notes = (Phrase.of("config.otherwise", key=text, said=text, found=1), Phrase.quoted(text))
        return side.model_copy(update={"name": text, "architecture": shape, "files": files, "notes": notes})

    update: dict[str, Any] = {"a": subject(report.a), "b": subject(report.b), "chronology": text}
    stamp = TimeStamp.model_construct(token="", root="", document="", name=text)
    listed = (HubFile.model_construct(path=text, sha256=text, commit=text, time=""),)
    commits = HubCommits.model_construct(origin=text, revision="0" * 40, files=listed)
    pieces: dict[str, Any] = {"model": "a", "time": "2024-05-01T12:00:00+00:00", "who": text, "files": (text,)}
    update["dated"] = tuple(Dated.model_construct(**pieces, numbers=True, evidence=one) for one in (stamp, commits))
    if report.panel:
        members = tuple(member.model_copy(update={"name": text}) for member in report.panel.members)
        reasons = (Phrase.quoted(text), Phrase.of("panel.member.stands_for", name=text, family=text))
        dropped = tuple(
            out.model_copy(update={"name": text, "reason": reasons[n % 2]})
            for n, out in enumerate(report.panel.dropped)
        )
        panel = {"members": members, "dropped": dropped, "name": text, "version": text}
        update["panel"] = report.panel.model_copy(update=panel)
    said = Words(title=text, null=text, assumptions=(text,), survives=text or "-", blind_to=text or "-")
    results = [
        one.model_copy(update={"words": said, "reason": Phrase.quoted(text), "notes": (Phrase.quoted(text),)})
        for one in report.results
    ]
    own = ScoreResult(id="own", version=1, applicable=True, score=0.5, words=said)
    line = EvidenceLine(
        line="own",
        asked=Phrase.quoted(text),
        assumes=(),
        alpha=None,
        log10_p=None,
        attainable_log10_p=None,
        results=(own,),
    )
    changed = with_results(report, *results).model_copy(update=update)
    return changed.model_copy(update={"evidence": (*changed.evidence, line)})


class Page(HTMLParser):
    """Elements, attributes, and the text outside drawings and style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []
        self.text: list[str] = []
        self.depth = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":  # where a line may break
            return
        self.text.append("" if tag == "sup" else " ")
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]
        self.depth += tag in ("svg", "style")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in ("svg", "style")

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", (data,)))


def headline(report: ClaimReport) -> set[str]:
    """What no rendering may leave out; powers without their sign, since pages raise them."""
    counts = {str(n) for test in report.exact for c in test.counts for n in (c.count, c.n)}
    rungs = [(test.id, rung) for test in report.ranked for rung in test.ranks]
    shown = [
        rung
        for name, rung in rungs
        if report.panel and (name == report.panel.primary or rung.design == report.panel.primary_design)
    ]
    ranks = {str(n) for rung in shown for n in (rung.rank, rung.size)}
    values = (report.panel_log10_p, report.robust_log10_p)
    together = set() if report.log10_p is None else {chance(report.log10_p).replace("^", "")}
    return counts | ranks | together | {report.verdict, *(str(log10(value)) for value in values if value is not None)}


def text_of(content: bytes) -> str:
    """As pdftotext reads it."""
    command = ["pdftotext", "-layout", "-", "-"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()


def squeezed(text: str) -> str:
    """Without spaces, which lines and columns add."""
    return re.sub(r"\s", "", text.replace("\N{MINUS SIGN}", "-"))
