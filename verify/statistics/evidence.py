"""Evidence of exact tests: counts with their p-values, effect size, localisation and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..base import Phrase
from ..base.arrays import median
from ..fingerprint import Fingerprint
from ..inference import bonferroni_min, holm, log10_p_fixed_points, log10_p_signs
from .blocks import BlockReader
from .groups import G, Group, Grouping, Merged, groups
from .matching import NONE, background, best_matches
from .ordered import READERS, both_ordered
from .pinned import both_pinned
from .result import MOST_INDICES, MOST_PLACES, Count, EffectSize, LayerResult, Part, Places, SetAside
from .swaps import mean_far_from_zero

LayerRow = tuple[int, int, int, int, int, int | None]
"""Layer of A, of B, count, n, groups, live indices."""


@dataclass(frozen=True)
class Evidence:
    """Result of a statistic: counts, effect size, localisation and notes."""

    counts: tuple[Count, ...]
    effect: EffectSize | None
    by_layer: tuple[LayerResult, ...] = ()
    notes: tuple[Phrase, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    places: Places | None = None
    """Where best matches stand, which no p-value follows from."""

    @property
    def log10_p(self) -> float:
        """log10 p of all counts (Bonferroni)."""
        return bonferroni_min([count.log10_p for count in self.counts])


def fixed_point_count(matched: int, n: int, groups: int, live: int | None = None, part: Part | None = None) -> Count:
    """A count of fixed points with the bound on its p-value; p = 1 without groups.

    Parameters
    ----------
    matched : number of fixed points.
    n : indices compared.
    groups : independent groups L.
    live : of ``n``, indices with a direction in both models; None for all.
    part : what was counted, where a test counts its parts apart.

    Returns
    -------
    Count
        With log10 of the bound; 0 without groups.
    """
    log10_p = log10_p_fixed_points(matched, groups) if groups else 0.0
    return Count(law="fixed_points", count=matched, n=n, groups=groups, log10_p=log10_p, live=live, part=part)


def sign_count(numbers: np.ndarray, part: Part | None = None) -> Count:
    """A count of positive among non-zero numbers; non-finite numbers are dropped."""
    return agreeing_count(int((numbers > 0).sum()), int((numbers > 0).sum() + (numbers < 0).sum()), part)


def agreeing_count(agreeing: int, n: int, part: Part | None = None) -> Count:
    """A count of agreeing signs with its p-value.

    Parameters
    ----------
    agreeing : number of agreeing signs.
    n : number of signs compared.
    part : what was counted, where a test counts its parts apart.

    Returns
    -------
    Count
        With log10 of the binomial tail.
    """
    log10_p = log10_p_signs(agreeing, n)
    return Count(law="signs", count=agreeing, n=n, groups=n, log10_p=log10_p, part=part)


def recounted(count: Count) -> Count:
    """The count with the p-value that its other fields give, whatever the one that it states.

    Raises
    ------
    ValueError
        If nothing can have been counted so.
    """
    if not (0 <= count.count <= count.n and count.groups >= 0):
        raise ValueError(f"counts {count.count} of {count.n} in {count.groups} groups; give a count of at most all")
    if count.law == "signs":
        return agreeing_count(count.count, count.n, count.part)
    return fixed_point_count(count.count, count.n, count.groups, count.live, count.part)


def effect_of(counts: Sequence[Count]) -> EffectSize | None:
    """Share of indices that kept their place or, if only signs are counted, of signs that agree."""
    of_indices = [count for count in counts if count.law == "fixed_points"][:1]
    chosen = of_indices or counts
    found, n = sum(count.count for count in chosen), sum(count.n for count in chosen)
    return EffectSize(share=found / n) if n else None


def identity_evidence(groupings: Sequence[Grouping[Group]]) -> Evidence:
    """Fixed points of the unique best match over independent groups, with effect and localisation."""
    return more_conservative(_identity, groupings)


def identity_unless_set_aside(groupings: Mapping[Part, Grouping[Group]], a: Fingerprint, b: Fingerprint) -> Evidence:
    """Evidence of identity, excluding parts whose indices are not in random order in either model.

    The p-value is the larger of those with and without these parts: the decision to exclude depends on data that
    permutations change, so only the larger is valid.

    Parameters
    ----------
    groupings : groups of each part that is counted.
    a, b : the models.

    Returns
    -------
    Evidence
        The one with the larger p-value.
    """
    codes = {part: order_set_aside(part, READERS[part], a, b) for part in groupings}
    evidence = identity_evidence(list(groupings.values()))
    aside = tuple(code for of_part in codes.values() for code in of_part)
    if not aside:
        return evidence
    rest = identity_evidence([grouping for part, grouping in groupings.items() if not codes[part]])
    chosen = max(rest, evidence, key=lambda e: e.log10_p)
    return replace(chosen, notes=(*chosen.notes, *map(set_aside_note, aside)), set_aside=aside)


def order_set_aside(
    part: Part, readers: tuple[BlockReader, ...], a: Fingerprint, b: Fingerprint
) -> tuple[SetAside, ...]:
    """Codes of what shows, in each model by itself, that the indices of a part are not in random order.

    Parameters
    ----------
    part : whose indices are compared.
    readers : readings of them.
    a, b : the models.

    Returns
    -------
    tuple of codes
        Some of ``order_codes(part)``; none if one of the models may be in random order.
    """
    found = both_pinned(part, a, b), both_ordered(readers, a, b)
    return tuple(code for code, broken in zip(order_codes(part), found, strict=True) if broken)


def order_codes(part: Part) -> tuple[SetAside, SetAside]:
    """Codes of a part that a public matrix pins, and of one whose units are sorted or fall into classes."""
    return part, f"order of {part}"


def more_conservative(evidence: Callable[[list[G]], Evidence], groupings: Sequence[Grouping[G]]) -> Evidence:
    """The evidence with the larger p-value, of separate pairs of blocks and of merged ties."""
    separate = evidence([group for grouping in groupings for group in grouping.separate])
    merged_groups = [group for grouping in groupings for group in grouping.merged]
    if all(len(group.pairs) == 1 for group in merged_groups):
        return separate
    chosen = max(evidence(merged_groups), separate, key=lambda e: e.log10_p)
    return replace(chosen, notes=(*chosen.notes, _tied(merged_groups)))


def two_at_a_time(read: BlockReader, a: Fingerprint, b: Fingerprint, part: Part | None = None) -> Evidence:
    """Agreeing signs of flipping vectors, two indices at a time (``swaps``); none if both have a mean far from zero.

    Parameters
    ----------
    read : reads the blocks of a model.
    a, b : the models.
    part : what is counted, where a test counts its parts apart.
    """
    if all(_mean_far_from_zero(read, model) for model in (a, b)):
        aside = "signs" if part is None else f"signs of {part}"
        return Evidence((agreeing_count(0, 0, part),), None, notes=(set_aside_note(aside),), set_aside=(aside,))

    def evidence(found: list[Group]) -> Evidence:
        return Evidence((sign_count(np.concatenate([g.agreement for g in found] or [np.zeros(0)]), part),), None)

    return more_conservative(evidence, [groups(read, a, b, signs=True)])


def _mean_far_from_zero(read: BlockReader, model: Fingerprint) -> bool:
    return mean_far_from_zero(
        [x.sum(0) for x in block.sign_flipping] for row in read(model).values() for block in row.values()
    )


def set_aside_note(code: SetAside) -> Phrase:
    """The note on what was set aside: signs for their mean, parts for a matrix that pins them or for their order."""
    if code.startswith("order of "):
        return Phrase.of("set_aside_ordered", part=code.removeprefix("order of "))
    if code.startswith("signs"):
        return Phrase.of("set_aside_mean", what=code)
    return Phrase.of("set_aside_pinned", part=code)


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


def _identity(found: list[Group]) -> Evidence:
    best = [best_matches(group.scores) for group in found]
    matched = [of_group == np.arange(len(of_group)) for of_group in best]
    count = fixed_point_count(
        sum(int(m.sum()) for m in matched),
        sum(len(m) for m in matched),
        sum(len(m) > 0 for m in matched),
        sum(_live(group) for group in found),
    )
    return Evidence((count,), _effect(found, matched, count), _by_layer(found, matched), places=_places(found, best))


def _tied(found: Sequence[Merged]) -> Phrase:
    """A note on merged groups."""
    sizes = [len(group.pairs) for group in found if len(group.pairs) > 1]
    return Phrase.of("tied", pairs=sum(sizes), merged=len(sizes), largest=max(sizes))


def _live(group: Group) -> int:
    """Number of indices that are live in both models in any pair of blocks; others have no score."""
    return int(np.isfinite(group.scores.diagonal()).sum())


def _effect(found: list[Group], matched: list[np.ndarray], count: Count) -> EffectSize | None:
    if count.n == 0:
        return None
    diagonal = np.concatenate([g.scores.diagonal()[m] for g, m in zip(found, matched, strict=True)])
    others = np.concatenate([background(group.scores) for group in found])
    return EffectSize(
        share=count.count / count.n,
        cosine_identified=median(diagonal) if len(diagonal) else None,
        cosine_background=median(others) if len(others) else None,
    )


def step_of(indices: int) -> int:
    """Every how many indices one is listed, so that no more than ``MOST_PLACES`` are."""
    return max(1, -(-indices // MOST_PLACES))


def _places(found: list[Group], best: list[np.ndarray]) -> Places | None:
    order = sorted(range(len(found)), key=lambda i: tuple(layer for layer, _ in found[i].pairs[0]))
    in_order = [best[i] for i in order if len(best[i])]
    if not 0 < sum(map(len, in_order)) <= MOST_INDICES:
        return None
    together = np.concatenate(in_order)
    step = step_of(len(together))
    listed = (None if place == NONE else place for place in together[::step].tolist())
    return Places(sizes=tuple(map(len, in_order)), step=step, best=tuple(listed))


def _by_layer(found: list[Group], matched: list[np.ndarray]) -> tuple[LayerResult, ...]:
    tally: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for group, m in zip(found, matched, strict=True):
        (layer_a, _), (layer_b, _) = group.pairs[0]
        count, n, groups, live = tally.get((layer_a, layer_b), (0, 0, 0, 0))
        tally[layer_a, layer_b] = count + int(m.sum()), n + len(m), groups + (len(m) > 0), live + _live(group)
    return localisation([(*layers, *row) for layers, row in sorted(tally.items())])
