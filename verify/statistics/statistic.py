"""The shape of a test: one object, one file, a function of two fingerprints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log10

import numpy as np

from ..fingerprint import Fingerprint
from ..inference import (
    bonferroni_min,
    detectable_agreement,
    detectable_share,
    holm,
    log10_p_fixed_points,
    log10_p_signs,
)
from .groups import Group, Grouping
from .matching import background, fixed_points
from .pinned import both_pinned
from .result import Count, EffectSize, LayerResult, Part, SetAside, TestResult

LayerRow = tuple[int, int, int, int, int, int | None]
"""Layer of A, of B, count, n, groups, live indices."""


@dataclass(frozen=True)
class Statistic:
    """A test of lineage.

    Parameters
    ----------
    id, version, title : names; the version changes whenever a result could.
    null : the null hypothesis in words.
    assumptions : what must be true of training for the p-value to be valid, in sentences.
    survives, blind_to : what the test can and cannot see, in words.
    refuse : reason why the test does not apply to two models, or None; sees no score.
    run : evidence of two models to which the test applies, at a log10 level.
    """

    id: str
    version: int
    title: str
    null: str
    assumptions: tuple[str, ...]
    survives: str
    blind_to: str
    refuse: Callable[[Fingerprint, Fingerprint], str | None]
    run: Callable[[Fingerprint, Fingerprint], Evidence]

    def __call__(self, a: Fingerprint, b: Fingerprint, *, level: float = -3.0) -> TestResult:
        """Test A against B; ``level`` (log10) is only for the statement of power."""
        reason = self.refuse(a, b)
        return self.refused(reason) if reason is not None else self.conclude(self.run(a, b), level)

    def refused(self, reason: str) -> TestResult:
        """The result where the test does not apply."""
        return TestResult(
            id=self.id,
            version=self.version,
            title=self.title,
            applicable=False,
            reason=reason,
            null=self.null,
            assumptions=self.assumptions,
        )

    def conclude(self, evidence: Evidence, level: float) -> TestResult:
        """The result that follows from the evidence; nothing else of the models enters it."""
        best = min(evidence.counts, key=lambda count: count.log10_p)
        most = [_attainable(count) for count in evidence.counts]
        level = level - log10(len(evidence.counts))
        shares = [share for count in evidence.counts if (share := _detectable(count, level)) is not None]
        return TestResult(
            id=self.id,
            version=self.version,
            title=self.title,
            applicable=True,
            null=self.null,
            assumptions=self.assumptions,
            notes=evidence.notes,
            set_aside=evidence.set_aside,
            method="exact" if all(count.law == "signs" for count in evidence.counts) else "bound",
            counts=evidence.counts,
            statistic=best.count,
            expected=best.n / 2 if best.law == "signs" else float(best.groups),
            log10_p=evidence.log10_p,
            attainable_log10_p=bonferroni_min(most),
            effect=evidence.effect,
            detectable_share=min(shares, default=None),
            by_layer=evidence.by_layer,
        )


@dataclass(frozen=True)
class Evidence:
    """What a statistic found: counts, and what describes them."""

    counts: tuple[Count, ...]
    effect: EffectSize | None
    by_layer: tuple[LayerResult, ...] = ()
    notes: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()

    @property
    def log10_p(self) -> float:
        """Of all counts."""
        return bonferroni_min([count.log10_p for count in self.counts])


def fixed_point_count(matched: int, n: int, groups: int, live: int | None = None) -> Count:
    """A count of fixed points with its bound; no group at all bounds nothing."""
    log10_p = log10_p_fixed_points(matched, groups) if groups else 0.0
    return Count(law="fixed_points", count=matched, n=n, groups=groups, log10_p=log10_p, live=live)


def sign_count(numbers: np.ndarray, part: Part | None = None) -> Count:
    """A count of positive numbers among those not zero; numbers that are not finite are dropped."""
    return agreeing_count(int((numbers > 0).sum()), int((numbers > 0).sum() + (numbers < 0).sum()), part)


def agreeing_count(agreeing: int, n: int, part: Part | None = None) -> Count:
    """A count of agreeing signs with its p-value."""
    log10_p = log10_p_signs(agreeing, n)
    return Count(law="signs", count=agreeing, n=n, groups=n, log10_p=log10_p, part=part)


def cautious(evidence: Callable[[list[Group]], Evidence], groupings: Sequence[Grouping]) -> Evidence:
    """The evidence with the larger p-value: of all pairs of blocks apart, and with tied ones merged."""
    separate = evidence([group for grouping in groupings for group in grouping.separate])
    merged_groups = [group for grouping in groupings for group in grouping.merged]
    if all(len(group.pairs) == 1 for group in merged_groups):
        return separate
    chosen = max(evidence(merged_groups), separate, key=lambda e: e.log10_p)
    return replace(chosen, notes=chosen.notes + _tie_notes(merged_groups))


def identity_evidence(groupings: dict[Part, Grouping], a: Fingerprint, b: Fingerprint) -> Evidence:
    """Fixed points of the unique best match over independent groups, with effect and localisation.

    Where both models look pinned at a part's indices, the evidence is that without the part, or that with it if its
    p-value is the larger: which of the two is decided by data that permutations change, so only the larger is valid.
    """
    pinned = tuple(part for part in groupings if both_pinned(part, a, b))
    evidence = cautious(_identity, list(groupings.values()))
    if not pinned:
        return evidence
    rest = cautious(_identity, [grouping for part, grouping in groupings.items() if part not in pinned])
    chosen = max(rest, evidence, key=lambda e: e.log10_p)
    return replace(chosen, notes=chosen.notes + pinned_notes(pinned), set_aside=pinned)


def pinned_notes(parts: Sequence[Part]) -> tuple[str, ...]:
    """One sentence for each part whose indices a public matrix pins."""
    return tuple(
        f"{part.capitalize()} were set aside: in both models they resemble the rows of an identity or Hadamard "
        "matrix at the same indices, as if both had begun with it."
        for part in parts
    )


def _identity(found: list[Group]) -> Evidence:
    matched = [fixed_points(group.scores) for group in found]
    count = fixed_point_count(
        sum(int(m.sum()) for m in matched),
        sum(len(m) for m in matched),
        sum(len(m) > 0 for m in matched),
        sum(_live(group) for group in found),
    )
    return Evidence((count,), _effect(found, matched, count), _by_layer(found, matched))


def _tie_notes(found: list[Group]) -> tuple[str, ...]:
    """One sentence on merged groups."""
    merged = [group for group in found if len(group.pairs) > 1]
    return (
        f"{sum(len(g.pairs) for g in merged)} pairs of blocks look like copies of one another and were merged into "
        f"{len(merged)} (the largest of {max(len(group.pairs) for group in merged)}).",
    )


def _live(group: Group) -> int:
    """Indices with a direction in both models, in any pair of blocks; others have no score."""
    return int(np.isfinite(group.scores.diagonal()).sum())


def _effect(found: list[Group], matched: list[np.ndarray], count: Count) -> EffectSize | None:
    if count.n == 0:
        return None
    diagonal = np.concatenate([g.scores.diagonal()[m] for g, m in zip(found, matched, strict=True)])
    others = np.concatenate([background(group.scores) for group in found])
    return EffectSize(
        share=count.count / count.n,
        cosine_identified=float(np.median(diagonal)) if len(diagonal) else None,
        cosine_background=float(np.median(others)) if len(others) else None,
    )


def _by_layer(found: list[Group], matched: list[np.ndarray]) -> tuple[LayerResult, ...]:
    tally: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for group, m in zip(found, matched, strict=True):
        (layer_a, _), (layer_b, _) = group.pairs[0]
        count, n, groups, live = tally.get((layer_a, layer_b), (0, 0, 0, 0))
        tally[layer_a, layer_b] = count + int(m.sum()), n + len(m), groups + (len(m) > 0), live + _live(group)
    return localisation([(*layers, *row) for layers, row in sorted(tally.items())])


def localisation(rows: Sequence[LayerRow]) -> tuple[LayerResult, ...]:
    """Layer pairs with their p-values, adjusted over the rows."""
    counts = [fixed_point_count(*row[2:]) for row in rows]
    adjusted = holm([count.log10_p for count in counts])
    return tuple(
        LayerResult(
            layer_a=row[0],
            layer_b=row[1],
            count=count.count,
            n=count.n,
            groups=count.groups,
            log10_p=count.log10_p,
            adjusted_log10_p=value,
            live=count.live,
        )
        for row, count, value in zip(rows, counts, adjusted, strict=True)
    )


def _attainable(count: Count) -> float:
    if count.law == "signs":
        return log10_p_signs(count.n, count.n)
    return log10_p_fixed_points(_able(count), count.groups) if count.groups else 0.0


def _detectable(count: Count, level: float) -> float | None:
    if count.law == "signs":
        return detectable_agreement(count.n, level)
    return detectable_share(_able(count), count.groups, level) if count.groups else None


def _able(count: Count) -> int:
    """Indices that can match."""
    return count.n if count.live is None else count.live
