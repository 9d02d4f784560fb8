"""Every sentence a report says about its verdict, in one place.

A report says no more than was shown: rejecting the null hypothesis means shared initial weights or
derivation, not who copied from whom; not rejecting it is not evidence of independence.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from ..statistics import TestResult
from .verdict import Verdict

NULL = (
    "No shared arrangement: at least one of the two models was initialised and trained so that relabelling "
    "its internal units changes nothing, and independently of how the other's are arranged. Shared data, a "
    "shared recipe and distillation from outputs are compatible with this hypothesis."
)
ALTERNATIVE = (
    "Shared arrangement: the two models share initial weights, or one was derived from the other or both "
    "from a third. A common initial seed or common pretrained parts count as shared."
)

_FINDINGS: dict[Verdict, str] = {
    "identical": "A and B hold the same weights; there is nothing to test.",
    "dependent": (
        "A and B share initial weights or derivation: the hypothesis that their internal arrangements are "
        "unrelated is rejected ({p}, level {alpha})."
    ),
    "similar_beyond_panel": (
        "A and B are closer than the panel explains; a shared laboratory, data or tokenizer absent from the "
        "panel could do the same."
    ),
    "no_evidence": (
        "No evidence that A and B share initial weights or derivation was found ({p}, level {alpha}); this is "
        "not evidence that they are unrelated."
    ),
    "untestable": "No test can decide whether A and B are related; the reasons are given for each test.",
}


def probability(log10_p: float) -> str:
    """A p-value in words that never read as zero.

    Examples
    --------
    >>> probability(-4463.2), probability(-1.3), probability(0.0)
    ('p < 10^-4463', 'p = 0.050', 'p = 1')
    """
    if log10_p >= 0:
        return "p = 1"
    if log10_p > -3:
        return f"p = {10**log10_p:.2g}" if log10_p > -2 else f"p = {10**log10_p:.1e}"
    return f"p < 10^{-floor(-log10_p)}"


def finding(verdict: Verdict, log10_p: float | None, alpha: float) -> str:
    """The verdict in one sentence."""
    p = "" if log10_p is None else probability(log10_p)
    return _FINDINGS[verdict].format(p=p, alpha=f"{alpha:g}")


def multiplicity(results: Sequence[TestResult]) -> str:
    """How many tests share the level, in one sentence."""
    m = sum(result.applicable for result in results)
    if m == 0:
        return "No test applies, so there is nothing to correct."
    return (
        f"{m} of {len(results)} tests apply, which the architectures alone decide; the p-value of the report "
        f"is {m} times the smallest (Bonferroni), and single tests are adjusted by Holm's procedure."
    )


def power(results: Sequence[TestResult]) -> str | None:
    """What would have been detected, in one sentence; None where nothing could be."""
    able = [r for r in results if r.id.endswith("_identity") and r.detectable_share is not None]
    if not able:
        return None
    best = min(able, key=lambda r: r.detectable_share or 1.0)
    return (
        f"Derivation would have been detected with 95% power had each unit independently kept its index as "
        f"unique best match, under this sketch, with probability at least {best.detectable_share:.3f} "
        f"({best.id}); this says nothing of copies permuted, re-ordered or changed further."
    )


def limitations(verdict: Verdict, results: Sequence[TestResult], chronology: str | None) -> tuple[str, ...]:
    """What the report does not show."""
    lines = []
    if verdict == "dependent":
        lines += [
            "It does not say which model came first, who made which, or whether anyone was allowed to.",
            "It does not tell derivation from a shared initial seed: the same code, configuration and default "
            "seed can give strangers the same initial weights.",
            "A match can be forged by someone who held the reference and re-ordered units to fit it; compare "
            "the cosine of identified units with the background, and establish which file existed first.",
        ]
        if chronology is None:
            lines.append("Which file existed first was not stated.")
    if verdict == "no_evidence":
        lines += [
            "It is not evidence of independence: re-ordered and rotated copies are out of these tests' reach.",
            "Distillation from outputs leaves no arrangement to find, and is not excluded.",
        ]
    if verdict == "identical":
        lines.append("It does not say which file is the original.")
    refused = [result for result in results if not result.applicable]
    if refused and verdict != "identical":
        lines.append("Tests that did not apply: " + ", ".join(result.id for result in refused) + ".")
    lines.append("Every p-value is valid under the assumptions on training printed with its test, and only then.")
    return tuple(lines)
