"""Recompute an exact result from its recorded counts; no recorded p-value is used.

The result is what a consistent record would contain. Impossible numbers (more matches than units, more units than the
models have) are replaced by the nearest possible ones, so that the comparison shows where they are. Tests are known
only by their own descriptions (``counted``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..base import Phrase
from ..fingerprint import Fingerprint
from .counted import Counted, common_to_dense
from .evidence import (
    Evidence,
    LayerRow,
    agreeing_count,
    effect_of,
    fixed_point_count,
    localisation,
    set_aside_note,
    step_of,
)
from .result import MOST_INDICES, Count, EffectSize, ExactResult, LayerResult, Places, SetAside
from .statistic import Statistic

_LARGEST_COSINE = 1.01  # float16 rows have length 1 only up to rounding

Problem = tuple[str, object, str]
"""Field below the test, such as ``counts[0].n``, the value recorded, and what was expected."""


def remade(
    test: Statistic, recorded: ExactResult | None, a: Fingerprint, b: Fingerprint, log10_alpha: float
) -> tuple[ExactResult, list[Problem]]:
    """The result that follows from recorded counts, and the problems of the record.

    Parameters
    ----------
    test : the test, by the definition that the result was made with.
    recorded : the recorded result of the test; None if there is none.
    a, b : fingerprints, of which only the records are read: architecture, effort, sketch, anchors, dead rows, and
        unknown tensors. They need no arrays.
    log10_alpha : log10 of the level of one test, for the statement of power.
    """
    reason = test.refusal(a, b)
    if reason is not None:
        return test.refused(reason), []
    recorded = recorded or test.refused("")
    described = test.describe(a, b)
    counted = described.counted
    aside = tuple(code for code in _codes(counted) if code in recorded.set_aside)
    layers: tuple[LayerResult, ...] = ()
    if described.localised and not all(_set_aside(one, aside) for one in counted):
        layers = _layers(recorded.by_layer, a, b, counted[0].of_layer)
    added_up = layers if described.localised and len(counted) == 1 else None
    counts = tuple(_count(one, recorded, added_up, aside) for one in counted)
    n, least = sum(count.n for count in counts), _least(test, counted, a, b)
    problems: list[Problem] = []
    if not aside and n < least:
        problems.append(("counts[0].n", n, f"at least {least}, as it applies"))
    listed = sum(row.n for row in layers)
    if added_up is not None and listed > n:
        problems.append(("by_layer", listed, f"rows of {n} indices together, as many as the models hold"))
    notes = _notes(recorded.notes, (*described.notes, *map(set_aside_note, aside)), len(counts))
    effect = _effect(recorded.effect, counts)
    if recorded.places is not None and (wrong := misplaced(recorded.places, counts, layers)) is not None:
        problems.append(("places", "matches in other places", wrong))
    evidence = Evidence(counts, effect, layers, notes, aside, recorded.places)
    return test.conclude(evidence, log10_alpha), problems


def misplaced(places: Places, counts: Sequence[Count], layers: Sequence[LayerResult]) -> str | None:
    """What listed places would have to be, to fit the counts; None where they fit.

    Parameters
    ----------
    places : where best matches stand.
    counts : of the same test.
    layers : its rows by layer; none if it tells no layers.
    """
    if len(counts) != 1 or counts[0].law != "fixed_points":
        return "none, as the test does not count indices at the same place alone"
    (count,) = counts
    if (sum(places.sizes), len(places.sizes)) != (count.n, count.groups) or places.step != step_of(count.n):
        return f"every {step_of(count.n)}-th of {count.n} indices in {count.groups} groups, as counted"
    fixed, seen = ([0] * len(places.sizes) for _ in range(2))
    for group, place, best in places.listed:
        fixed[group] += best == place
        seen[group] += 1
    start = 0
    for row in layers or counts:  # groups are in the order of the rows
        these = slice(start, start := start + row.groups)
        n, found = sum(places.sizes[these]), sum(fixed[these])
        if n != row.n or not found <= row.count <= found + n - sum(seen[these]):
            return f"{row.count} of {row.n} at the same place, as counted"
    return None if start == len(places.sizes) else "groups of the layers that are listed"


def _notes(recorded: Sequence[Phrase], due: Sequence[Phrase], counts: int) -> tuple[Phrase, ...]:
    """Notes that follow from the record, where it has them, and those on ties that a test can make."""
    ties = [note for note in recorded if _can_be_ties(note)][:counts]
    kept = [note for note in recorded if note in due or note in ties]
    return (*kept, *(note for note in due if note not in kept))


def _can_be_ties(note: Phrase) -> bool:
    pairs, merged, largest = (note.values.get(name) for name in ("pairs", "merged", "largest"))
    whole = all(type(number) is int for number in (pairs, merged, largest))
    if note.code != "tied" or len(note.values) != 3 or not whole:
        return False
    return merged >= 1 and 2 <= largest <= pairs <= MOST_INDICES and merged <= pairs  # type: ignore[operator]


def _codes(counted: Sequence[Counted]) -> list[SetAside]:
    """All parts that could be set aside, in the order of the tests."""
    return list(dict.fromkeys(code for one in counted for source in one.sources for code in source.set_aside))


def _set_aside(one: Counted, aside: Sequence[SetAside]) -> bool:
    """Whether nothing remains to be counted."""
    return bool(one.sources) and all(set(source.set_aside) & set(aside) for source in one.sources)


def _least(test: Statistic, counted: Sequence[Counted], a: Fingerprint, b: Fingerprint) -> int:
    """Smallest number of indices (or signs) that an applicable test compares, over all counts; 0 if unknown."""
    if test.counts is None and any(one.law == "fixed_points" for one in counted):
        return 1 if all(common_to_dense(a, b)) else 0
    return max(one.least for one in counted)


def _count(
    one: Counted, recorded: ExactResult, layers: tuple[LayerResult, ...] | None, aside: Sequence[SetAside]
) -> Count:
    """A recorded count with its p-value recomputed; the sum over layers, if these are listed."""
    rows: Sequence[Count | LayerResult] = [c for c in recorded.counts if (c.law, c.part) == (one.law, one.part)][:1]
    if layers is not None:
        rows = layers
    if _set_aside(one, aside):
        rows = ()
    count, n, groups, live = _possible(rows)
    if one.most is not None:
        n = min(n, one.most, MOST_INDICES) if one.least < one.most else min(one.most, MOST_INDICES)
        count, live = min(count, n), None if live is None else min(live, n)
        groups = min(max(groups, min(1, n)), n)
    if one.most_groups is not None:
        groups = min(one.most_groups, n)
    if one.law == "signs":
        return agreeing_count(count, n, one.part)
    return fixed_point_count(count, n, groups, live, one.part)


def _possible(rows: Sequence[Count | LayerResult], most: int | None = None) -> tuple[int, int, int, int | None]:
    """The nearest possible total of count, n (at most ``most``), groups and live indices."""
    n = min(sum(max(row.n, 0) for row in rows), MOST_INDICES if most is None else most)
    stated = [row.live for row in rows if row.live is not None]
    live = min(max(sum(stated), 0), n) if len(stated) == len(rows) else None
    count = min(max(sum(row.count for row in rows), 0), n if live is None else live)
    return count, n, min(max(sum(row.groups for row in rows), min(1, n)), n), live


def _layers(
    recorded: tuple[LayerResult, ...], a: Fingerprint, b: Fingerprint, most: int | None
) -> tuple[LayerResult, ...]:
    last_a, last_b = (model.record.architecture.layers - 1 for model in (a, b))
    rows: list[LayerRow] = [
        (min(max(x.layer_a, 0), last_a), min(max(x.layer_b, 0), last_b), *_possible([x], most)) for x in recorded
    ]
    distinct = all(low[:2] < high[:2] for low, high in pairwise(rows))
    return localisation(rows if distinct else sorted({row[:2]: row for row in rows}.values()))


def _effect(recorded: EffectSize | None, counts: Sequence[Count]) -> EffectSize | None:
    """The recomputed share, with the recorded cosines limited to possible values."""
    effect = effect_of(counts)
    of_indices = next((count for count in counts if count.law == "fixed_points"), None)
    if effect is None or recorded is None or of_indices is None:
        return effect
    return EffectSize(
        share=effect.share,
        cosine_identified=_cosine(recorded.cosine_identified) if of_indices.count else None,
        cosine_background=_cosine(recorded.cosine_background),
    )


def _cosine(value: float | None) -> float | None:
    return None if value is None else min(max(value, -_LARGEST_COSINE), _LARGEST_COSINE)
