"""The result of a screen from its tested pairs: error rates over all pairs, kinds, families, and power."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

from ..base import software
from ..claim.conclude import log10_alpha_of_one
from ..claim.declared import declared
from ..claim.subject import Subject
from ..fingerprint import FingerprintRecord, Signed
from ..inference import benjamini_yekutieli, detectable_agreement, detectable_share, holm
from ..statistics.result import Law
from ..statistics.statistic import detectable
from .all_pairs import FirstResult
from .closeness import closeness, kept_most
from .families import families
from .kinds import IDENTICAL, NOTHING_DIFFERS, kind
from .record import (
    Contradiction,
    Edge,
    FirstPower,
    FirstStage,
    LeftOut,
    PairResult,
    PairVerdict,
    ScreenedModel,
    ScreenRecord,
    Untestable,
)
from .result import ScreenResult
from .second_stage import Outcome, Tested

POWER = 0.999
"""Power of the first stage for which the smallest share is stated."""


@dataclass(frozen=True)
class Compared:
    """One model of a screen."""

    label: str
    sha256: str
    record: FingerprintRecord
    signed: Signed | None = None
    """Who stands for the fingerprint that was given; None for weights."""


def level_of_pair(alpha: float, pairs: int) -> float:
    """The level of one pair, to be divided by the number of tests that apply to it."""
    return alpha / pairs


def conclude(
    models: Sequence[Compared],
    *,
    unreadable: Sequence[tuple[str, str]],
    contradicting: Sequence[Contradiction] = (),
    against: str | None,
    alpha: float,
    fdr: float,
    pairs: int,
    log10_level: float,
    first: FirstResult,
    identical: Sequence[tuple[str, str]],
    refused: Mapping[str, int],
    tested: Sequence[tuple[str, str, dict[str, float], Tested]],
) -> ScreenResult:
    """Make the result from the outcomes of both stages.

    Parameters
    ----------
    models : the models that were compared.
    unreadable : name and reason of each model that was left out.
    contradicting : fingerprints that state the weights of another model and hold other numbers.
    against : name of the one model that all others were compared with; None where every two were.
    alpha : family-wise level over all pairs.
    fdr : level of the false discovery rate over all pairs.
    pairs : number of all pairs, including those that did not pass, of identical weights, and that no test applies to.
    log10_level : log10 of the level of the first stage.
    first : what the first stage found.
    identical : pairs of the same weights.
    refused : by model, number of its pairs to which no exact test applies.
    tested : pairs that passed, with the results of both stages.
    """
    records = {m.label: m.record for m in models}
    found = _rows(records, tested, alpha, fdr, pairs)
    edges = [_identical_edge(records, a, b) for a, b in identical]
    edges += [edge for _, edge in found if edge is not None]
    edges.sort(key=lambda edge: (edge.a, edge.b))
    rows = [row for row, _ in found] + [_identical_row(a, b) for a, b in identical]
    rows.sort(key=lambda row: (row.a, row.b))
    power = _power(first.sizes, log10_level)
    untestable, without = Counter(first.untestable), Counter(refused)
    for a, b, _, t in tested:
        if t.log10_p is None:
            untestable[t.failure or "no exact test applies"] += 1
            without.update((a, b))
    record = ScreenRecord(
        models=tuple(
            ScreenedModel(
                label=m.label,
                fingerprint_sha256=m.sha256,
                content_sha256=m.record.content_sha256,
                architecture=m.record.architecture.family,
                layers=m.record.architecture.layers,
                width=m.record.architecture.width,
                untestable=without[m.label],
                signed=m.signed,
            )
            for m in models
        ),
        left_out=tuple(LeftOut(name=name, reason=reason) for name, reason in sorted(unreadable)),
        contradictions=tuple(contradicting),
        against=against,
        alpha=alpha,
        fdr=fdr,
        pairs=pairs,
        identical=len(identical),
        untestable=tuple(Untestable(reason=r, pairs=n) for r, n in sorted(untestable.items())),
        first_stage=FirstStage(level=10**log10_level, tested=first.tested, passed=len(tested), power=power),
        families=families([edge for edge in edges if edge.verdict != "suspected"], all_pairs=against is None),
        suspected=tuple(edge for edge in edges if edge.verdict == "suspected"),
        statements=_statements(
            power,
            pairs,
            alpha,
            fdr,
            [m.label for m in models if m.record.merged_onto],
            [m.label for m in models if len(m.record.parts) > 1],
        ),
        software=software("scipy"),
    )
    return ScreenResult(record, tuple(rows))


def _rows(
    records: Mapping[str, FingerprintRecord],
    tested: Sequence[tuple[str, str, dict[str, float], Tested]],
    alpha: float,
    fdr: float,
    pairs: int,
) -> list[tuple[PairResult, Edge | None]]:
    """A row for each pair that a test applies to, with an edge if the pair was found."""
    with_p = [(a, b, first, t, t.log10_p) for a, b, first, t in tested if t.log10_p is not None]
    values = [log10_p for *_, log10_p in with_p]
    rows = []
    adjusted = zip(with_p, holm(values, pairs), benjamini_yekutieli(values, pairs), strict=True)
    for (a, b, first, t, log10_p), family_wise, discovery in adjusted:
        verdict: PairVerdict = "no_evidence"
        if family_wise <= log10(alpha):
            verdict = "dependent"
        elif discovery <= log10(fdr):
            verdict = "suspected"
        edge = None if verdict == "no_evidence" else _edge(records, a, b, verdict, t, family_wise, alpha, pairs)
        row = PairResult(
            a=a,
            b=b,
            stage="full",
            first_log10_p=min(first.values(), default=None),
            tests=_of_each(t, lambda outcome: outcome.log10_p),
            log10_p=log10_p,
            adjusted_log10_p=family_wise,
            fdr_log10_p=discovery,
            verdict=verdict,
            kind="" if edge is None else edge.kind,
            effects={name: o.effect for name, o in t.tests.items() if o is not None and o.effect is not None},
            closeness=closeness(t.tests, (records[a].architecture.layers, records[b].architecture.layers)),
        )
        rows.append((row, edge))
    return rows


def _edge(
    records: Mapping[str, FingerprintRecord],
    a: str,
    b: str,
    verdict: PairVerdict,
    found: Tested,
    adjusted_log10_p: float,
    alpha: float,
    pairs: int,
) -> Edge:
    of_one = log10_alpha_of_one(
        level_of_pair(alpha, pairs), sum(test is not None for test in found.tests.values()), 1
    )
    sorted_out = kind(
        _of_each(found, lambda outcome: outcome.log10_p),
        _of_each(found, lambda outcome: detectable(outcome.counts, of_one)),
        of_one,
    )
    layers_a, layers_b = (records[label].architecture.layers for label in (a, b))
    words = [
        NOTHING_DIFFERS if found.nothing_differs else "",
        sorted_out.words,
        "" if layers_a == layers_b else f"{layers_a} and {layers_b} layers",
    ]
    return Edge(
        a=a,
        b=b,
        verdict=verdict,
        kind="; ".join(filter(None, words)),
        adjusted_log10_p=adjusted_log10_p,
        found=sorted_out.found,
        not_detected=sorted_out.not_detected,
        declared=_declared(records[a], records[b]),
        closeness=closeness(found.tests, (layers_a, layers_b)),
        kept=kept_most(found.tests, sorted_out.found),
    )


def _of_each(found: Tested, value: Callable[[Outcome], float | None]) -> dict[str, float | None]:
    """A number of each exact test; None if the test does not apply."""
    return {name: None if outcome is None else value(outcome) for name, outcome in found.tests.items()}


def _identical_edge(records: Mapping[str, FingerprintRecord], a: str, b: str) -> Edge:
    named = _declared(records[a], records[b])
    return Edge(a=a, b=b, verdict="identical", kind=IDENTICAL, adjusted_log10_p=None, declared=named)


def _declared(a: FingerprintRecord, b: FingerprintRecord) -> bool:
    """Whether one names the other as a base, or both name one."""
    stated = declared(Subject.of(a), Subject.of(b), "dependent")
    return stated.common or stated.a_names_b is not None or stated.b_names_a is not None


def _identical_row(a: str, b: str) -> PairResult:
    return PairResult(
        a=a,
        b=b,
        stage="identical",
        first_log10_p=None,
        tests={},
        log10_p=None,
        adjusted_log10_p=None,
        fdr_log10_p=None,
        verdict="identical",
        kind=IDENTICAL,
    )


def _power(sizes: Iterable[tuple[str, Law, int, int]], log10_level: float) -> tuple[FirstPower, ...]:
    """Power by statistic, in the worst case over the models compared."""
    worst: dict[str, FirstPower] = {}
    for statistic, law, n, groups in sorted(sizes):
        signs = law == "signs"
        share = (
            detectable_agreement(n, log10_level, POWER) if signs else detectable_share(n, groups, log10_level, POWER)
        )
        here = FirstPower(statistic=statistic, indices=n, groups=groups, share=share)
        if statistic not in worst or _weakness(here) > _weakness(worst[statistic]):
            worst[statistic] = here
    return tuple(sorted(worst.values(), key=lambda power: power.statistic))


def _weakness(power: FirstPower) -> float:
    return 2.0 if power.share is None else power.share


def _statements(
    power: Sequence[FirstPower], pairs: int, alpha: float, fdr: float, merged: Sequence[str], divided: Sequence[str]
) -> tuple[str, ...]:
    seen = [f"{p.statistic}: {'not by this statistic' if p.share is None else f's = {p.share:.3f}'}" for p in power]
    # both procedures reject the smallest p-values: the union has at most alpha more false ones in expectation
    of_our_making = [
        "Adapters that were merged onto a base for this screen are related to it, and to all models that share its "
        f"arrangement, by the merging: {', '.join(merged)}."
    ] * bool(merged)
    of_main_parts = [
        "Models of several parts are compared by one: the largest that is understood, unless another was read alone. "
        "Nothing is said of the others "
        f"(`verify lineage` compares all): {', '.join(divided)}."
    ] * bool(divided)
    return (
        "Dependent means that the internal arrangements are not independent: shared initial weights, or one derived "
        "from the other or both from a third. It does not say who copied, nor that anybody did; and it can be "
        "forged: whoever holds a model or its fingerprint can re-order an unrelated one to match it, at no loss.",
        f"Every adjustment is over all pairs ({pairs}), those that did not pass the first stage included (their "
        "p-value is 1), so the selection does not affect validity. Under the assumptions of the exact tests, the "
        f"probability of any false “dependent” is at most {alpha:.12g}, and the expected share of false pairs among "
        f"“dependent” and “suspected” is at most {alpha + fdr:.12g}, the sum of both levels.",
        f"A kind lists the tests that reject at {alpha:.12g} divided by the number of pairs ({pairs}) and of the "
        "tests that apply, and always the one by which the pair was found; for every other test it gives the "
        "smallest share of indices (of signs that agree) at which the test would have rejected with 95% power. With "
        "more models this level is smaller, and fewer tests may be listed. Why a test does not reject is not known, "
        "and a shared seed, a merge and further training look alike.",
        f"Power of the first stage: a related pair passes with probability {POWER:g} if, for at least one statistic, "
        "units of the same layer keep their index (signs agree) independently with probability s or more. Worst "
        f"case over the models compared: {'; '.join(seen) or 'no statistic'}.",
        "Not detected by the first stage: related pairs whose embedding basis changed and all of whose layers moved "
        "to another depth, or all of whose arrangements that it reads were changed. Of experts, heads and layers, "
        "only the first are compared.",
        "Declared: one of the two models names the other as a base, or both name one, in the files that were read; "
        "this is no evidence, and no test uses it.",
        *of_our_making,
        *of_main_parts,
    )
