"""A rendering holds nothing but the record, in every format, the answer first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log10 as base10
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import renderings
from tests.renderings import Page, headline, page_of
from verify import ClaimReport
from verify.claim.answer import looked_at
from verify.claim.said import why_no_rank_decides
from verify.render import FORMATS
from verify.render.chance_hill import law_of, usual
from verify.render.identity_map import seed_of, shuffled
from verify.render.latex import latex
from verify.render.numbers import general, log10, share
from verify.render.report_figures import figures
from verify.render.sections.how_to_check import command
from verify.statistics import words_of
from verify.wording.forms import at_most, chance, verbal_cap, verbal_scale

report, reports = renderings.report, renderings.reports

TEXTS = ("md", "tex", "html", "fragment")


def unescaped(tex: str) -> str:
    """The words of our LaTeX: its body without layout, and its escapes undone."""
    body = tex.split(r"\begin{document}")[-1]
    body = re.sub(r"(?s)\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}", _words_of_a_picture, body)
    body = re.sub(
        r"(?m)^% .*$|\\begin\{longtable\}.*|\\setlength\{.*|\\par\\ifdim.*|\\includegraphics.*|\\IfFile.*", "", body
    )
    body = re.sub(r"Figure, left out because its file \\texttt\{[^}]*\}", "", body)
    body = body.replace(r"\allowbreak{}", "").replace(r"\ensuremath{-}", "-")
    commands = {"textquotesingle": "'", "textless": "<", "textgreater": ">", "textasciicircum": "^"}
    body = re.sub(r"\\(text\w+)\{\}", lambda m: commands.get(m[1], "?"), body)
    body = re.sub(r"10\\textsuperscript\{(?:\{(-)\})?(\d+)\}", r"10\1\2", body)
    return re.sub(
        r"\\texttt\{([^{}]*)\}", r"\1", re.sub(r"\{([-,!?*=\[\]])\}", r"\1", re.sub(r"\\([{}$&#%_])", r"\1", body))
    )


def _words_of_a_picture(tikz: re.Match[str]) -> str:
    """What stands in its nodes, without their places."""
    return " ".join(re.findall(r"(?m)^\\node\[.*?\] at \(.*?\) \{(.*)\};$", tikz[0]))


def words(report: ClaimReport, kind: str) -> str:
    """What a rendering says."""
    page = page_of(report, kind)
    if kind == "html":
        return "".join(Page(page).text)
    return unescaped(page) if kind in ("tex", "fragment") else _flat(page.replace("\\", ""))


def _flat(text: str) -> str:
    """Powers as they read where they are raised."""
    return re.sub(r"\b10\^(-?\d)", r"10\1", text)


_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)*(?:e-?\d+)?(?!\w)")
_CONSTANTS = {
    "95", "8785",  # per cent of intervals and envelopes, and the RFC of canonical JSON
    "2502.12292", "6", "37", "26", "1979", "2025", "2002", "1934", "2015",  # references
    "1", "2", "3", "4", "5", "7", "19", "20",  # the steps of "How to check it", and 19 times in 20
}  # fmt: skip


def leaves(value: Any) -> Iterator[Any]:
    """Everything in a record that a page may state: values, numbers in sentences, and how many things a list has."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        yield len(value)
        for item in value:
            yield from leaves(item)
    else:
        yield value


def sentences(report: ClaimReport) -> Iterator[str]:
    """What the catalogue makes of the record; each phrase is filled by the record's own values alone."""
    yield from (report.answer.sentence, *(line for _, line in report.answer.lines))
    yield from (report.finding, report.may_say, report.may_not_say, report.multiplicity, report.power or "")
    yield from (*report.limitations, report.declared_in_words, report.hypotheses.null, report.hypotheses.alternative)
    for test in report.results:
        yield from (words_of(test).title, words_of(test).null, *words_of(test).assumptions)
        yield from map(report.say, (*test.notes, *([test.reason] if test.reason else [])))
    if report.panel and (why := why_no_rank_decides(report)):
        yield report.say(why)
    yield from (report.say(out.reason) for out in (report.panel.dropped if report.panel else ()))


def sentences_of_the_verdict(report: ClaimReport) -> list[str]:
    """What every page says in full."""
    answer = report.answer
    first = [answer.word, answer.sentence, *(line for _, line in answer.lines)]
    return [*first, report.finding, report.may_say, report.may_not_say, *report.limitations, report.power or ""]


def statable(report: ClaimReport) -> set[str]:
    """The rounding rule: log10 p to two decimals above -100 and whole below; others to three, or as given.

    Also what pictures' texts derive: usual counts of a law, dots on a diagonal by chance, sums of dead rows, half of
    the signs, lower tails, extremes and medians.
    """
    content = report.model_dump(mode="json")
    found = {*_CONSTANTS, *_NUMBER.findall(report.created[:10])}  # the citation gives the day
    for leaf in leaves(content):
        if isinstance(leaf, str):
            found |= set(_NUMBER.findall(leaf))
        elif isinstance(leaf, int | float):
            found |= {str(leaf), str(log10(leaf)), str(share(leaf)), str(general(leaf))}
    for sentence in sentences(report):
        found |= set(_NUMBER.findall(_flat(sentence)))
    found |= {n for one in looked_at(report) for n in _NUMBER.findall(_flat(chance(one.count.log10_p)))}
    found |= {str(value) for one in looked_at(report) for value in usual(law_of(one))}
    places = [one.test.places for one in looked_at(report) if one.test.places is not None]
    found |= {str(sum(place == best for _, place, best in shuffled(one, seed_of(one)))) for one in places}
    together = 0.0 if report.log10_p is None else report.log10_p
    found |= {n for value in (base10(report.alpha), together) for n in _NUMBER.findall(_flat(chance(value)))}
    found |= {str(sum(row.rows for row in side.dead)) for side in (report.a, report.b)}
    for test in report.tests.values():
        found |= {str(general(c.n / 2)) for c in getattr(test, "counts", ()) if c.law == "signs"}
        found |= {str(rung.size - rung.rank) for rung in getattr(test, "ranks", ())}
        if getattr(test, "grid", ()):
            grid = np.array(test.grid)
            found |= {str(share(float(np.median(grid)))), *(str(i) for i in np.argwhere(grid == grid.max())[0])}
    if report.panel and report.panel.audit:
        q = np.array(report.panel.audit.quantiles)
        found |= {str(((q[:, 0] < q[:, 1]) | (q[:, 0] > q[:, 2])).sum())}
        found |= {str(len(report.panel.members) + 2)}
    return found


def test_the_reports_are_of_every_verdict(reports: dict[str, ClaimReport]) -> None:
    """All five, and one of a pair that was searched for."""
    found = {report.verdict for report in reports.values()}
    assert found == {"identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable"}


@pytest.mark.parametrize("kind", TEXTS)
def test_every_number_is_in_the_record(report: ClaimReport, kind: str) -> None:
    """Parsed back from the page; the rounding rule is that of ``statable``."""
    numbers = set(_NUMBER.findall(words(report, kind).replace("\N{MINUS SIGN}", "-")))
    assert len(numbers) > 15
    match = report.panel.false_match if report.panel else None
    rounded_up = set(_NUMBER.findall(at_most(match.bound))) if match else set()
    assert numbers - statable(report) - rounded_up == set()


@pytest.mark.parametrize("kind", TEXTS)
def test_no_page_leaves_out_a_headline(report: ClaimReport, kind: str) -> None:
    """Verdict, p-values, digest and every count, in each format."""
    text = words(report, kind).replace("\N{MINUS SIGN}", "-")
    assert {word for word in headline(report) | {report.digest} if word not in text} == set()
    for sentence in sentences_of_the_verdict(report):
        assert " ".join(_flat(sentence).split()) in " ".join(text.split())


def test_pages_begin_with_the_answer_and_end_with_appendices(report: ClaimReport) -> None:
    """The same in every format."""
    order = ["What was looked at", "Parts compared", "What was declared", "How to check it", "What may be said",
             "What this does not show", "Against the panel", "Appendix: assumptions", "Appendix: counts",
             "Appendix: models and files", "Appendix: checks", "Appendix: references"]  # fmt: skip
    left_out = {"Against the panel"} if report.panel is None else set()
    left_out |= (
        set() if report.exact and report.verdict != "identical" else {"Appendix: assumptions", "Appendix: counts"}
    )
    order = [title for title in order if title not in left_out]
    pages = {kind: page_of(report, kind) for kind in TEXTS}
    assert re.findall(r"(?m)^## (.*)$", pages["md"]) == order
    assert re.findall(r"<h2[^>]*>(.*)</h2>", pages["html"]) == order
    assert re.findall(r"\\section\*\{(.*)\}", pages["tex"]) == order


def test_the_same_report_gives_the_same_bytes(reports: dict[str, ClaimReport]) -> None:
    """In every format, and after a round trip through JSON."""
    report = reports["obfuscated-all"]
    again = ClaimReport.from_json(report.to_json())
    for kind, make in FORMATS.items():
        if kind != "pdf":
            assert make(report) == make(again), kind
    for name, figure in figures(report).items():
        for suffix in ("svg", "pdf", "png"):
            assert figure.render(suffix) == figures(again)[name].render(suffix)


@pytest.mark.parametrize("kind", TEXTS)
def test_no_page_says_more_than_was_shown(report: ClaimReport, kind: str) -> None:
    """No proof, theft or probability of a relation, and no stronger words than the panel supports."""
    text = words(report, kind).lower()
    assert (
        re.findall(r"\bproves?\b|\bproven\b|stol|steal|theft|probability that the models|guilt|innocent", text) == []
    )
    scale = [row["words"] for row in verbal_scale()]
    cap = verbal_cap(report.panel.false_match.bound) if report.panel and report.panel.false_match else "no support"
    allowed = scale[: scale.index(cap) + 1] if cap in scale else []
    bare = text
    for phrase in sorted(scale, key=len, reverse=True):
        assert phrase in allowed or phrase not in bare
        bare = bare.replace(phrase, "")


def test_reports_write_themselves(tmp_path: Path, reports: dict[str, ClaimReport]) -> None:
    """The methods are thin."""
    report = reports["related"]
    assert report.to_latex(tmp_path / "r.tex") == (tmp_path / "r.tex").read_text("utf-8") == latex(report)
    assert report.to_html(tmp_path / "r.html") == (tmp_path / "r.html").read_text("utf-8")
    assert r"\documentclass" not in report.to_latex(fragment=True)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("", "", ""),
        ("x", "x", " --corpus x"),
        ("x", "y", " --corpus x --corpus y"),
        ("", "y", " --corpus '' --corpus y"),
    ],
)
def test_the_command_gives_each_model_its_corpus(reports: dict[str, ClaimReport], a: str, b: str, said: str) -> None:
    """One name is of both; where only one model's is declared, the other's is given as empty."""
    report = reports["obfuscated-all"]
    assert report.panel is not None
    panel = report.panel.model_copy(update={"corpus_a": a, "corpus_b": b})
    made = command(report.model_copy(update={"panel": panel}))
    assert made.partition(" --corpus")[0] + said == made
