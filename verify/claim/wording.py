"""Every sentence a report says about its verdict, in one place.

A report says no more than was shown: rejecting the null hypothesis means shared initial weights or
derivation, not who copied from whom; not rejecting it is not evidence of independence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import floor
from typing import Any, Literal, NamedTuple

from ..fingerprint import Effort
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

Evidence = Literal["none", "exact", "panel", "both"]
"""Which kinds of test applied: those with symmetry nulls, the primary panel test, or both."""


class Sentences(NamedTuple):
    """What a report, and whoever cites it, may say of a verdict."""

    finding: str
    may_say: str
    may_not_say: str


_NOT_WHO = "who copied from whom, on purpose or not, or against what right"
_DEPENDENT = Sentences(
    "{Pair} share initial weights or derivation, if the assumptions stated hold: the hypothesis that their internal "
    "arrangements are unrelated is rejected ({p}).",
    "The internal arrangements of {pair} are not independent ({p}): they share initial weights, or one was derived "
    "from the other or both from a third, if the assumptions stated in the report hold.",
    f"{_NOT_WHO[0].upper()}{_NOT_WHO[1:]}; how probable a relation is; that a shared initial seed is excluded.",
)
_SIMILAR = Sentences(
    "{Pair} are closer than the panel explains: unrelated models drawn like its members score as high with a "
    "probability of at most {bound} (95% confidence), which supports at most the words: {strength}. If {pair} could "
    "have been any of the members of their own stratum and declared corpus, {p}; a shared laboratory, data or "
    "tokenizer that these do not share could do the same.",
    "{Pair} are more alike than unrelated models of the panel, which score as high with a probability of at most "
    "{bound} (95% confidence) and support at most the words: {strength}; {p}, if {pair} could have been any of "
    "those of their own stratum and declared corpus.",
    f"That one was derived from the other; {_NOT_WHO}; any stronger words than those.",
)
_NOTHING = Sentences(
    "No evidence that {pair} share initial weights or derivation was found ({p}); this is not evidence that they "
    "are unrelated.{ranked}",
    "The tests found no evidence that {pair} share initial weights or derivation ({p}); the report says what they "
    "would have detected.",
    "That {pair} are unrelated, independent, or cleared.",
)
_SENTENCES: dict[tuple[Verdict, Evidence], Sentences] = {
    ("identical", "none"): Sentences(
        "A and B hold the same weights; there is nothing to test.",
        "A and B hold the same weights, by the digests in the report.",
        f"Which is the original; {_NOT_WHO}.",
    ),
    ("dependent", "exact"): _DEPENDENT,
    ("dependent", "both"): _DEPENDENT,
    ("similar_beyond_panel", "panel"): _SIMILAR,
    ("similar_beyond_panel", "both"): _SIMILAR,
    ("no_evidence", "exact"): _NOTHING,
    ("no_evidence", "panel"): _NOTHING,
    ("no_evidence", "both"): _NOTHING,
}
_SENTENCES |= {
    ("untestable", evidence): Sentences(
        "No test can decide whether {pair} are related{why}.{ranked}",
        "Whether {pair} are related could not be tested; the report gives the reasons.",
        "That {pair} are related, or that they are not.",
    )
    for evidence in ("none", "exact", "panel", "both")
}


def sentences(
    verdict: Verdict,
    results: Sequence[TestResult],
    log10_p: float | None,
    alpha: float,
    panel_log10_p: float | None = None,
    panel_alpha: float = 0.01,
    bound: float | None = None,
    of: tuple[str, str] | None = None,
    ranked: str | None = None,
) -> Sentences:
    """The sentences of a verdict, by the evidence there is and the strength that the panel allows.

    Parameters
    ----------
    results : the exact tests, for the reasons of those that do not apply.
    log10_p, alpha, panel_log10_p, panel_alpha : the p-values of the report and their levels.
    bound : upper bound on the false-match probability of the panel; it caps the words.
    of : what is compared, and what is said behind the p-value, where that is a part of each model.
    ranked : what a panel shows and why that is no verdict (:func:`no_verdict`).
    """
    exact = None if log10_p is None else f"{probability(log10_p)}, level {alpha:g}"
    panel = None if panel_log10_p is None else f"panel {probability(panel_log10_p)}, level {panel_alpha:g}"
    evidence: Evidence = "both" if exact and panel else "exact" if exact else "panel" if panel else "none"
    shown = {"dependent": exact, "similar_beyond_panel": panel}.get(verdict, "; ".join(filter(None, (exact, panel))))
    few = _too_few(results) if verdict == "untestable" else ()
    reasons = "; ".join(dict.fromkeys([*(result.reason for result in results if result.reason), *few]))
    pair, also = of or ("A and B", "")
    filled = {
        "pair": pair,
        "Pair": pair[0].upper() + pair[1:],
        "p": f"{shown}{also}",
        "strength": "no support" if bound is None else verbal_cap(bound),
        "bound": "1" if bound is None else f"{bound:.3f}",
        "ranked": "" if ranked is None else f" {ranked}",
        "why": f": {reasons}" if reasons else "",
    }
    return Sentences(*(text.format(**filled) for text in _SENTENCES[verdict, evidence]))


def no_verdict(primary: TestResult, design: str, why: str) -> str | None:
    """What a panel with too few like A and B shows, and why that is no verdict; None where nothing was ranked."""
    rung = next((rung for rung in primary.rungs if rung.design == design), None)
    if rung is None:
        return None
    return (
        f"Among the {rung.size} pairs of A, B and the panel's members theirs ranks {rung.rank} by {primary.id}, "
        f"which is no verdict: {why}."
    )


def _too_few(results: Sequence[TestResult]) -> tuple[str, ...]:
    """Why tests that apply could not have reached the level: how few of their indices can match."""
    counts = {r.id: next((c for c in r.counts if c.law == "fixed_points"), None) for r in results if r.applicable}
    seen = [f"{c.n if c.live is None else c.live} of {c.n} ({test})" for test, c in counts.items() if c is not None]
    if not seen:
        return ()
    return (f"too few indices have numbers that are finite and not all zero in both models: {', '.join(seen)}",)


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


def multiplicity(results: Sequence[TestResult], selection: str = "pre-specified", parts: int = 1) -> str:
    """How many tests, pairs of parts and pairs searched share the level."""
    m = sum(result.applicable for result in results)
    if m == 0:
        return "No test applies, so there is nothing to correct."
    searched = selection.removeprefix("best_of_")
    paid = f" The report's p-values pay for the {searched} pairs searched." if searched.isdigit() else ""
    over = f" Over the {parts} pairs of parts that tests apply to, p-values are adjusted by Holm's procedure again."
    over = over if parts > 1 else ""
    return (
        f"{m} of {len(results)} exact tests apply, which the architectures alone decide; their p-value is "
        f"{m} times the smallest (Bonferroni), and single tests are adjusted by Holm's procedure.{over}{paid}"
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


def verbal_cap(bound: float) -> str:
    """The strongest verbal support that a bound on the false-match probability allows.

    The likelihood ratio of a match is at most one over the probability of a false match; the words are those of
    the scale of the European Network of Forensic Science Institutes (``data/enfsi.toml``).

    Examples
    --------
    >>> verbal_cap(0.19), verbal_cap(0.9)
    ('weak support', 'no support')
    """
    words = "no support"
    for row in verbal_scale():
        if 1 / bound >= row["at_least"]:
            words = row["words"]
    return words


@cache
def verbal_scale() -> tuple[dict[str, Any], ...]:
    """Rows of the scale: likelihood ratio ``at_least``, and ``words``, ascending."""
    text = files("verify.data").joinpath("enfsi.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["row"])


_DECLARED = {
    "declared_confirmed": "{who} as a base, and the verdict ({verdict}) agrees that they are related, which does not "
    "show the direction, or who made what from which.",
    "declared_not_confirmed": "{who} as a base; the verdict ({verdict}) does not confirm it, which is no evidence "
    "against it.",
    "undeclared_found": "The verdict is {verdict}, and neither model names the other as a base, nor do both name "
    "one, in what was read. They may be declared elsewhere, under another name, or through a model in between.",
    "nothing": "Neither model names the other as a base, nor do both name one, and no relation was established "
    "(verdict {verdict}).",
}
_OF_OUR_MAKING = (
    "An adapter was merged onto a base for this comparison: that it resembles the base, and whatever descends from "
    "that, is of the merging, and does not show which base the adapter was trained on."
)


def declared(status: str, verdict: Verdict, matches: Mapping[str, str | None], *, of_our_making: bool) -> str:
    """What is declared, beside the verdict.

    Parameters
    ----------
    matches : how the models of a statement such as "A names B" were matched: ``"address"``, ``"name"``, or None where
        it is not stated.
    of_our_making : whether the verdict found a relation, and an adapter was merged to make one of the models.
    """
    stated = [
        who + (" (matched by the last part of its name only)" if match == "name" else "")
        for who, match in matches.items()
        if match
    ]
    lines = [_DECLARED[status].format(who=", and ".join(stated), verdict=verdict.replace("_", " "))]
    if of_our_making:
        lines.append(_OF_OUR_MAKING)
    return " ".join([*lines, "What makers declare is no evidence, and no test uses it."])


def merged(models: Mapping[str, str | None]) -> tuple[str, ...]:
    """What a report does not show of adapters that were merged for it: for each side, the base or None."""
    return tuple(
        f"{side} is an adapter that was merged for this report: to its base, and to whatever shares that base's "
        "arrangement, it is related by the merging. Weights alone cannot say which base it was trained on."
        for side, base in models.items()
        if base is not None
    )


def same_rows(nothing_differs: bool) -> tuple[str, ...]:
    """What a report does not show of two models in which nothing that was read differs, though their files do."""
    return (
        "There is no difference in what was read of the two models: they may be one model whose files were written "
        "anew, or differ in what was not read. At full effort every number is compared.",
    ) * nothing_differs


def from_fingerprints(models: Mapping[str, str | None]) -> tuple[str, ...]:
    """What a report rests on where no weights were read: for each side, its fingerprint's digest of arrays, or None.

    The digest is empty where the fingerprint states none.
    """
    return tuple(
        f"{side} was given as a fingerprint, not as weights: that its numbers and digests are of the model it names "
        "is as whoever made it states, and only the weights can show it."
        + ("" if arrays else " It states no digest of its own numbers, so nothing binds them to what it states.")
        for side, arrays in models.items()
        if arrays is not None
    )


def limitations(
    verdict: Verdict,
    results: Sequence[TestResult],
    chronology: str | None,
    panel_results: Sequence[TestResult] = (),
    effort: Effort = "full",
    why_not: str | None = None,
) -> tuple[str, ...]:
    """What the report does not show; ``why_not`` is why nothing ranked in a panel is a verdict, if so."""
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
            "It is not evidence of independence: "
            + (
                "a copy changed further than the strangers in the panel differ would not be seen."
                if panel_results and panel_results[0].applicable and why_not is None
                else "copies whose units were re-ordered and whose residual stream was rotated are out of the exact "
                "tests' reach; a panel of unrelated models like them can find "
                "them."
            ),
            "Distillation from outputs leaves no arrangement to find, and is not excluded.",
        ]
    if verdict == "similar_beyond_panel":
        lines += [
            "It does not establish derivation: no exact test rejects, and the panel p-value holds only if the panel "
            "is a fair sample of unrelated models like these.",
            "The number of models in the panel limits the strength of any words; see the guaranteed bound.",
        ]
    if verdict == "untestable":
        lines.append("It is not evidence of independence: nothing was tested.")
    if verdict == "identical":
        return ("It does not say which file is the original.",)
    refused = [result for result in (*results, *panel_results) if not result.applicable]
    if refused:
        lines.append("Tests that did not apply: " + ", ".join(result.id for result in refused) + ".")
    if effort != "full":
        lines.append(
            f"The models were compared at {effort} effort: by rows chosen in advance, "
            + ("fewer than" if effort == "screen" else "all that")
            + " the exact tests can use. A content digest of a model read so covers those rows alone."
        )
    if any(result.applicable for result in results):
        lines.append("Every p-value is valid under the assumptions on training printed with its test, and only then.")
    return tuple(lines)
