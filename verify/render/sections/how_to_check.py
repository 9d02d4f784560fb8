"""How to check the report, and its references."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ...claim import ClaimReport
from ..kinds import Code, Command, Inline
from ..page import Block, Items

ALPHA, PANEL_ALPHA = 1e-3, 1e-2
"""Default levels of the command."""


def how_to_check(report: ClaimReport) -> list[Block]:
    """The commands that check the report, from its arithmetic to its weights, and what its digest covers."""
    version = report.provenance.software.get("verify-lineage", "")
    install = Code(f"pip install verify-lineage=={version}" if version else "pip install verify-lineage")
    return [
        Items(
            (
                ("Install the version that made it: ", install, "."),
                (
                    "Its arithmetic, in seconds and without the models: ",
                    Code("verify replay report.json"),
                    ". Whether the counts are those of the two models this does not show.",
                ),
                (
                    "From the models, which shows that too: ",
                    Command(f"verify replay report.json --a A --b B{_replayed(report)}"),
                    ".",
                ),
                *_again(report),
                (
                    "Who signed it, if it came with a signature: ",
                    Code("verify check-signature report.json.dsse --key KEY.pub"),
                    ". This page carries none.",
                ),
                (
                    "The digest of this report is ",
                    Code(report.digest),
                    ": sha256 over the RFC 8785 canonical JSON of ",
                    Code("report.json"),
                    *_without(report),
                    ".",
                ),
                "This page is made from the record alone. A chance is rounded up; log10 p-values are shown to two "
                "decimals, or whole beyond two digits, and shares, scores and bounds to three. The record has them "
                "in full.",
            ),
            ordered=True,
        ),
    ]


def _again(report: ClaimReport) -> list[Inline]:
    """How the report is made again; not of an older schema."""
    if report.schema_of_maker != report.schema_version:
        return []
    return [
        (
            "Made anew, with the options that were used: ",
            Command(command(report)),
            "; the sketch is fixed by its specification.",
        )
    ]


def _replayed(report: ClaimReport) -> str:
    """Options of ``verify replay`` that the models of the report need."""
    given = report.provenance.options
    panel = "" if report.panel is None else f" --panel {'default' if given.get('panel') == 'default' else 'PANEL'}"
    return panel + "".join(f" {flag} {value}" for flag, value in _of_models(given))


_WORDS = ("declare", "part")  # whose value names no place


def _of_models(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """The options by which a model is read."""
    return [
        (f"--{option}-{side}", shlex.quote(given[f"{option}_{side}"]) if option in _WORDS else option.upper())
        for side in "ab"
        for option in ("layout", "declare", "base", "part", "tokenizer")
        if f"{option}_{side}" in given
    ]


def _without(report: ClaimReport) -> tuple[str, ...]:
    """The keys that the digest does not cover."""
    if report.schema_of_maker == 1:
        return (" without the keys ", Code("digest"), " and ", Code("citation"))
    return (" without the key ", Code("digest"))


def command(report: ClaimReport) -> str:
    """The command that makes the report again, with the options that were given."""
    given = report.provenance.options
    flags = [("effort", given.get("effort")), ("alpha", repr(report.alpha) if report.alpha != ALPHA else None)]
    if report.panel is not None:
        own = report.panel
        flags += [
            ("panel", "default" if given.get("panel") == "default" else "PANEL"),
            ("panel-alpha", repr(own.alpha) if own.alpha != PANEL_ALPHA else None),
            *(("family", family) for family in own.families),
            *(("corpus", corpus) for corpus in _corpora(own.corpus_a, own.corpus_b)),
        ]
    flags.append(("searched", str(report.searched) if report.searched > 1 else None))
    said = [f"--{name} {shlex.quote(value)}" for name, value in flags if value is not None]
    return " ".join(["verify lineage A B", *said, *(f"{flag} {value}" for flag, value in _of_models(given))])


def _corpora(a: str, b: str) -> tuple[str, ...]:
    """What ``--corpus`` is given: one name for both models, or A's and B's, of which either may be empty."""
    if a == b:
        return (a,) if a else ()
    return a, b


def references(report: ClaimReport) -> tuple[Inline, ...]:
    """References of the page, and how to cite the report."""
    ranked = bool(report.ranked)
    found = [
        "S. Zhu, A. Ahmed, R. Kuditipudi, P. Liang. Independence Tests for Language Models. ICML 2025, "
        "arXiv 2502.12292.",
        "S. Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, "
        "1979.",
    ]
    if ranked:
        found += [
            "R. M. Warner, D. A. Kenny, M. Stoto. A new round robin analysis of variance for social interaction "
            "data. Journal of Personality and Social Psychology 37, 1979 (the two-way residual).",
            "P. R. Rosenbaum. Observational Studies. Springer, 2002 (sensitivity).",
            "C. J. Clopper, E. S. Pearson. The use of confidence or fiducial limits illustrated in the case of the "
            "binomial. Biometrika 26, 1934 (the guaranteed bound).",
            "European Network of Forensic Science Institutes. Guideline for evaluative reporting in forensic "
            "science, 2015 (the words).",
        ]
    found.append(f"To cite this report: {report.citation.text}")
    return tuple(found)
