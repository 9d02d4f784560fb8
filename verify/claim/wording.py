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
    "untestable": "No test can decide whether A and B are related{why}.",
}


def probability(log10_p: float) -> str:
    """A p-value in words that never read as zero.

    Examples
    --------
    >>> probability(-4463.2), probability(-1.3), probability(0.0)
    ('p < 10^-4463', 'p = 0.05', 'p = 1')
    """
    if log10_p >= 0:
        return "p = 1"
    if log10_p > -3:
        return f"p = {10**log10_p:.2g}" if log10_p > -2 else f"p = {10**log10_p:.1e}"
    return f"p < 10^{-floor(-log10_p)}"


def finding(verdict: Verdict, results: Sequence[TestResult], log10_p: float | None, alpha: float) -> str:
    """The verdict in one sentence."""
    reasons = dict.fromkeys(result.reason for result in results if result.reason)
    why = ": " + "; ".join(f"{reason}" for reason in reasons) if reasons else ""
    p = "" if log10_p is None else probability(log10_p)
    return _FINDINGS[verdict].format(p=p, alpha=f"{alpha:g}", why=why)


def multiplicity(results: Sequence[TestResult]) -> str:
    """How many tests share the level, in one sentence."""
    m = sum(result.applicable for result in results)
    if m == 0:
        return "No test applies, so there is nothing to correct."
    return (
        f"{m} of {len(results)} tests apply, which the architectures alone decide; the p-value of the report "
        f"is {m} times the smallest (Bonferroni), and single tests are adjusted by Holm's procedure."
    )


def power(verdict: Verdict, results: Sequence[TestResult]) -> str | None:
    """What would have been detected, in one sentence, where nothing was; else None."""
    able = [r for r in results if r.id.endswith("_identity") and r.detectable_share is not None]
    if verdict != "no_evidence" or not able:
        return None
    shares = ", ".join(f"{r.detectable_share:.3f} ({r.id})" for r in able)
    return (
        "Derivation would have been detected with 95% power had each unit (channel, dimension) independently kept "
        f"its index as unique best match, under this sketch, with probability at least {shares}; this says nothing "
        "of copies permuted, re-ordered or changed further."
    )


def limitations(verdict: Verdict, results: Sequence[TestResult], chronology: str | None) -> tuple[str, ...]:
    """What the report does not show."""
    lines = []
    if verdict == "dependent":
        lines += [
            "It does not say who made which model, or whether anyone was allowed to.",
            "It does not tell derivation from a shared initial seed: the same code, configuration and default "
            "seed can give strangers the same initial weights.",
            "A match can be forged by someone who held the reference and re-ordered units to fit it; compare "
            "the cosine of identified units with the background, and establish which file existed first.",
        ]
        stated = "was not stated" if chronology is None else "is as stated by whoever asked for this report"
        lines.append(f"No test says which model came first; which file existed first {stated}.")
    if verdict == "no_evidence":
        lines += [
            "It is not evidence of independence: re-ordered and rotated copies are out of these tests' reach.",
            "Distillation from outputs leaves no arrangement to find, and is not excluded.",
        ]
    if verdict == "untestable":
        lines.append("It is not evidence of independence: nothing was tested.")
    if verdict == "identical":
        return ("It does not say which file is the original.",)
    refused = [result for result in results if not result.applicable]
    if refused:
        lines.append("Tests that did not apply: " + ", ".join(result.id for result in refused) + ".")
    if len(refused) < len(results):
        lines.append("Every p-value is valid under the assumptions on training printed with its test, and only then.")
    return tuple(lines)
