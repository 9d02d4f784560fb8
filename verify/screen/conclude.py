"""From tested pairs to a result: error rates over all pairs, kinds, families, and what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from ..base import software
from ..fingerprint import FingerprintRecord
from ..inference import benjamini_yekutieli, detectable_agreement, detectable_share, holm
from .first_stage import TileResult
from .kinds import IDENTICAL, kind
from .record import (
    Edge,
    Family,
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

POWER = 0.999
"""Probability with which a relative of the stated strength passes the first stage."""


@dataclass(frozen=True)
class Compared:
    """One model of a screen."""

    label: str
    sha256: str
    record: FingerprintRecord


@dataclass(frozen=True)
class Tested:
    """What the second stage found of a pair."""

    tests: dict[str, float | None]
    log10_p: float | None
    failure: str | None


def conclude(
    models: Sequence[Compared],
    *,
    unreadable: Sequence[tuple[str, str]],
    against: str | None,
    alpha: float,
    fdr: float,
    pairs: int,
    level: float,
    tiles: Sequence[TileResult],
    identical: Sequence[tuple[str, str]],
    tested: Sequence[tuple[str, str, dict[str, float], Tested]],
) -> ScreenResult:
    """The result that follows from the stages.

    Parameters
    ----------
    pairs : all pairs, also those that did not pass, those of identical weights, and those that no test applies to.
    level : log10 of the first stage's.
    tested : pairs that passed, each with what both stages found.
    """
    rows = _rows(models, tested, alpha, fdr, pairs)
    rows += [_identical_row(a, b) for a, b in identical]
    rows.sort(key=lambda row: (row.a, row.b))
    power = _power(tiles, level)
    untestable: dict[str, int] = {}
    for result in tiles:
        for reason, number in result.untestable:
            untestable[reason] = untestable.get(reason, 0) + number
    for *_, found in tested:
        if found.log10_p is None:
            reason = found.failure or "no exact test applies"
            untestable[reason] = untestable.get(reason, 0) + 1
    record = ScreenRecord(
        models=tuple(
            ScreenedModel(
                label=m.label,
                fingerprint_sha256=m.sha256,
                content_sha256=m.record.content_sha256,
                architecture=m.record.architecture.family,
                layers=m.record.architecture.layers,
                width=m.record.architecture.width,
            )
            for m in models
        ),
        left_out=tuple(LeftOut(name=name, reason=reason) for name, reason in sorted(unreadable)),
        against=against,
        alpha=alpha,
        fdr=fdr,
        pairs=pairs,
        identical=len(identical),
        untestable=tuple(Untestable(reason=r, pairs=n) for r, n in sorted(untestable.items())),
        first_stage=FirstStage(
            level=10**level, tested=sum(result.tested for result in tiles), passed=len(tested), power=power
        ),
        families=_families(rows),
        suspected=tuple(_edge(row) for row in rows if row.verdict == "suspected"),
        statements=_statements(power, pairs, alpha, fdr, [m.label for m in models if m.record.merged_onto]),
        software=software("scipy"),
    )
    return ScreenResult(record, tuple(rows))


def _rows(
    models: Sequence[Compared],
    tested: Sequence[tuple[str, str, dict[str, float], Tested]],
    alpha: float,
    fdr: float,
    pairs: int,
) -> list[PairResult]:
    with_p = [(a, b, first, t, t.log10_p) for a, b, first, t in tested if t.log10_p is not None]
    values = [log10_p for *_, log10_p in with_p]
    layers = {m.label: m.record.architecture.layers for m in models}
    rows = []
    adjusted = zip(with_p, holm(values, pairs), benjamini_yekutieli(values, pairs), strict=True)
    for (a, b, first, t, log10_p), family_wise, discovery in adjusted:
        verdict: PairVerdict = "no_evidence"
        if family_wise <= log10(alpha):
            verdict = "dependent"
        elif discovery <= log10(fdr):
            verdict = "suspected"
        applicable = sum(value is not None for value in t.tests.values())
        of_one_test = log10(alpha) - log10(pairs) - log10(applicable)
        words = kind(t.tests, of_one_test, depths=(layers[a], layers[b])) if verdict != "no_evidence" else ""
        rows.append(
            PairResult(
                a=a,
                b=b,
                stage="full",
                first_log10_p=min(first.values(), default=None),
                tests=t.tests,
                log10_p=log10_p,
                adjusted_log10_p=family_wise,
                fdr_log10_p=discovery,
                verdict=verdict,
                kind=words,
            )
        )
    return rows


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


def _edge(row: PairResult) -> Edge:
    return Edge(a=row.a, b=row.b, verdict=row.verdict, kind=row.kind, adjusted_log10_p=row.adjusted_log10_p)


def _families(rows: Sequence[PairResult]) -> tuple[Family, ...]:
    """Connected components of the pairs that are dependent or identical."""
    edges = [row for row in rows if row.verdict in ("dependent", "identical")]
    family: dict[str, list[str]] = {}
    for row in edges:
        x, y = family.setdefault(row.a, [row.a]), family.setdefault(row.b, [row.b])
        if x is not y:
            x.extend(y)
            family.update(dict.fromkeys(y, x))
    components = {id(members): sorted(members) for members in family.values()}
    return tuple(
        Family(
            name=_name(members),
            members=tuple(members),
            edges=tuple(_edge(row) for row in edges if row.a in set(members)),
        )
        for members in sorted(components.values())
    )


def _name(members: Sequence[str]) -> str:
    return f"{members[0]} and {members[1]}" if len(members) == 2 else f"{members[0]} and {len(members) - 1} others"


def _power(tiles: Sequence[TileResult], level: float) -> tuple[FirstPower, ...]:
    """By statistic, where the models compared let it see least."""
    worst: dict[str, FirstPower] = {}
    for statistic, law, n, groups in dict.fromkeys(size for result in tiles for size in result.sizes):
        signs = law == "signs"
        share = detectable_agreement(n, level, POWER) if signs else detectable_share(n, groups, level, POWER)
        here = FirstPower(statistic=statistic, indices=n, groups=groups, share=share)
        if statistic not in worst or _weakness(here) > _weakness(worst[statistic]):
            worst[statistic] = here
    return tuple(sorted(worst.values(), key=lambda power: power.statistic))


def _weakness(power: FirstPower) -> float:
    return 2.0 if power.share is None else power.share


def _statements(
    power: Sequence[FirstPower], pairs: int, alpha: float, fdr: float, merged: Sequence[str]
) -> tuple[str, ...]:
    seen = [f"{p.statistic}: {'not by this statistic' if p.share is None else f's = {p.share:.3f}'}" for p in power]
    # both procedures reject the smallest p-values: of the longer list, those false by Holm's cost at most alpha more
    of_our_making = [
        "Adapters that were merged onto a base to be compared are related to it, and to whatever shares its "
        f"arrangement, by the merging: {', '.join(merged)}."
    ] * bool(merged)
    return (
        "Dependent means that the internal arrangements are not independent: shared initial weights, or one derived "
        "from the other or both from a third. It does not say who copied, nor that anybody did.",
        f"Every adjustment is over all {pairs} pairs, those that did not pass the first stage included (their "
        "p-value is 1), so passing costs nothing in validity. Under the assumptions of the exact tests, the chance "
        f"of any false “dependent” is at most {alpha:g}, and the expected share of false ones among “dependent” and "
        f"“suspected” is at most {alpha + fdr:g}, the sum of both levels.",
        "A relative of which each unit of the same layer keeps its index (for signs: agrees) with probability at "
        f"least s by any one of these passes the first stage with probability at least {POWER:g}, where the models "
        f"compared let it see least: {'; '.join(seen) or 'no statistic'}.",
        "Not seen by the first stage: relatives all of whose layers stand at another depth, or whose units, channels "
        "and signs are all re-arranged, and whose embedding basis changed, too. Of experts, heads and layers, the "
        "first are compared.",
        *of_our_making,
    )
