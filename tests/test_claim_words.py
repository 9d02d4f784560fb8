"""The words of a claim report say no more than was shown, and hostile names are inert among them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests import claims
from tests.claims import HOSTILE, VERDICTS, claim, renamed
from verify import ClaimReport, Fingerprint

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports


# ---- words
FORBIDDEN = re.compile(
    r"\bprove[sdn]?\b|stol|steal|theft|probability that|likely|certain|innocent|guilty", re.IGNORECASE
)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_no_report_says_more_than_was_shown(reports: dict[str, ClaimReport], verdict: str) -> None:
    """No page or record speaks of proof, theft or the probability of a hypothesis."""
    report = reports[verdict]
    assert FORBIDDEN.findall(report.to_markdown()) == []
    assert FORBIDDEN.findall(report.to_json()) == []


def test_a_positive_says_what_it_cannot_tell(reports: dict[str, ClaimReport]) -> None:
    """Who copied, a shared seed, a forged match, and which came first."""
    page = " ".join(reports["dependent"].limitations)
    for said in ("who made which", "shared initial seed", "forged", "which file existed first"):
        assert said in page


@pytest.mark.parametrize("verdict", VERDICTS)
def test_nothing_names_a_place_on_this_machine(reports: dict[str, ClaimReport], verdict: str, models: Any) -> None:
    """Subjects are named by folder; no absolute path is in record or page."""
    assert reports[verdict].b.name == "parent"
    for text in (reports[verdict].to_json(), reports[verdict].to_markdown()):
        assert str(models["parent"].parent) not in text
        assert "/tmp" not in text


# ---- hostile names


def rendered(page: str) -> tuple[list[str], set[str]]:
    """All text of a Markdown page as shown, and the kinds of markup on it."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(page)
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    return [leaf.content for leaf in leaves if leaf.content], {leaf.type for leaf in [*tokens, *leaves]}


def check_inert(page: str, plain: str, text: str) -> None:
    """A page has the markup and the lines of the same page with a harmless name, and shows no hidden character."""
    (_, kinds), (_, expected) = rendered(page), rendered(plain)
    assert kinds <= expected | {"text_special", "softbreak"}
    assert not kinds & {"html_inline", "html_block", "image", "link_open"}
    assert page.count("\n") == plain.count("\n")
    assert len(page) < len(plain) + 30_000
    assert all(c == "\n" or c.isprintable() for c in page)
    if len(text) > 1000:
        assert text not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert_on_the_page(fingerprints: dict[str, Fingerprint], text: str) -> None:
    """Markup, links, HTML, mathematics, control and bidirectional characters, and endless names stay text."""
    parent, stranger = fingerprints["parent"], fingerprints["stranger"]
    plain = claim(renamed(stranger, "model"), parent, chronology="model").to_markdown()
    check_inert(claim(renamed(stranger, text), parent, chronology=text or None).to_markdown(), plain, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert_in_reasons(fingerprints: dict[str, Fingerprint], text: str) -> None:
    """A reason, a note and a finding may hold a name, and are as inert."""
    parent = fingerprints["parent"]

    def untestable(name: str) -> str:
        model = renamed(fingerprints["stranger"], name)
        shape = model.record.architecture.model_copy(update={"odd_in_up": False, "positions": "sinusoidal"})
        return claim(
            Fingerprint(model.record.model_copy(update={"architecture": shape}), model.arrays), parent
        ).to_markdown()

    check_inert(untestable(text), untestable("model"), text)


@pytest.mark.slow
@given(st.text(max_size=40))
@example("![x](http://y)")
@example("__0__")
@settings(max_examples=60, deadline=None)
def test_no_name_becomes_markup(reports: dict[str, ClaimReport], text: str) -> None:
    """Whatever the name."""
    report = reports["no_evidence"]

    def page(name: str) -> str:
        return report.model_copy(update={"a": report.a.model_copy(update={"name": name})}).to_markdown()

    check_inert(page(text), page("model"), text)
