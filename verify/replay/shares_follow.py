"""What of a report of shares follows from the rest of it, and what its numbers cannot be.

Intervals are ends of sets of permuted sums that the report does not hold, so only the weights show that they are
theirs. The record alone shows that they could be: that the draws are as many as the level needs, that a p-value is a
number of orders and excludes 0 exactly where the interval does (both count the same orders), that units add up, and
that layers are those of the models.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, inf

from ..shares import ChangesOfBase, draws_needed
from ..shares.estimate import layer_by_number
from ..shares.record import CandidateShare, Estimate, ShareReport
from ..shares.rows import PARTS
from .agreement import Disagreement, problem

_NEAR = 1e-6
"""Of an end of an interval, within which it may be 0 by rounding."""


def follows(report: ShareReport) -> Iterator[Disagreement]:
    """The fields that do not follow from the others, or could not be.

    Parameters
    ----------
    report : the report.
    """
    layers = report.child.architecture.layers
    needed = draws_needed(report.level, len(report.candidates), layers)
    if report.permutations != needed:
        yield problem("$.permutations", report.permutations, f"{needed}, as the level and the candidates ask for")
    for n, one in enumerate(report.candidates):
        at = f"$.candidates[{n}]"
        if one.model.architecture.width != report.child.architecture.width:
            yield problem(f"{at}.model.architecture.width", one.model.architecture.width, "the width of the child")
        for other in one.relatives:
            if n + 1 not in report.candidates[other - 1].relatives:
                yield problem(f"{at}.relatives", other, "a relative that names this one")
        if not one.relatives and report.changes is None:
            yield from _candidate(report, one, at)
    if report.changes is not None:
        yield from _changes(report.changes)


def _changes(found: ChangesOfBase) -> Iterator[Disagreement]:
    """Counts and coefficients of changes of a base: each tensor once, and shares and cosines in their ranges."""
    at = "$.changes"
    names = [one.name for one in found.tensors]
    if names != sorted({*names}):
        yield problem(f"{at}.tensors", len(names), "each tensor once, in the order of their names")
    cosines = [(f"{at}.cosines[{n}][{k}]", one) for n, row in enumerate(found.cosines) for k, one in enumerate(row)]
    cosines += [(f"{at}.numbers[{n}].near", one.near) for n, one in enumerate(found.numbers)]
    left = [(f"{at}.tensors[{n}].residual", one.residual) for n, one in enumerate(found.tensors)]
    left.append((f"{at}.residual", found.residual))
    inflation = [(f"{at}.inflation[{n}]", one) for n, one in enumerate(found.inflation)]
    for values, low, high in ((cosines, -1.0, 1.0), (left, 0.0, 1.0), (inflation, 1.0, inf)):
        for where, value in values:
            if value is not None and not low - _NEAR <= value <= high + _NEAR:
                yield problem(where, value, f"a number from {low:g} to {high:g}")
    for n, one in enumerate(found.tensors):
        if [*one.own] != sorted(one.own, key=lambda own: own.candidate) or len(
            {own.candidate for own in one.own}
        ) < len(one.own):
            yield problem(f"{at}.tensors[{n}].own", len(one.own), "each candidate once, in their order")
        for k, found_sum in enumerate(one.sums):
            if found_sum.agree > one.explained:
                yield problem(f"{at}.tensors[{n}].sums[{k}].agree", found_sum.agree, f"at most {one.explained}")


def _candidate(report: ShareReport, one: CandidateShare, at: str) -> Iterator[Disagreement]:
    layers, of = report.child.architecture.layers, one.model.architecture.layers
    places = [layer.layer for layer in one.layers]
    if places != [*range(layers)]:
        yield problem(f"{at}.layers", places[:9], f"each of the {layers} layers of the child, in order")
    for n, layer in enumerate(one.layers):
        if layer.of >= of:
            yield problem(f"{at}.layers[{n}].of", layer.of, f"one of the candidate's {of} layers")
        elif not layer.chosen and layer.of != layer_by_number(layer.layer, layers, of):
            yield problem(f"{at}.layers[{n}].of", layer.of, "the layer at the same place, as none was chosen")
    parts = {part.part: part.share for part in one.parts}
    if [part.part for part in one.parts] != [part for part in PARTS if part in parts]:
        yield problem(f"{at}.parts", [part.part for part in one.parts], "each part once, in their order")
    for part in sorted(parts.keys() & {*one.ordered}):
        yield problem(f"{at}.ordered", part, "parts of which no share is given")
    total = 0 if one.whole is None else one.whole.units
    inside = sum(share.units for part, share in parts.items() if part != "embeddings")
    by_layer = sum(layer.share.units for layer in one.layers if layer.share is not None)
    for where, units in (("parts", inside), ("layers", by_layer)):
        if units != total:
            yield problem(f"{at}.whole.units", total, f"{units}, the sum over its {where}")
    whole = [] if one.whole is None else [(f"{at}.whole", one.whole, 1)]
    of_parts = [(f"{at}.parts[{n}].share", part.share, len(PARTS)) for n, part in enumerate(one.parts)]
    of_layers = [
        (f"{at}.layers[{n}].share", x.share, layers) for n, x in enumerate(one.layers) if x.share is not None
    ]
    for where, share, statements in (*whole, *of_parts, *of_layers):
        yield from _estimate(report, share, where, statements)


def _estimate(report: ShareReport, share: Estimate, at: str, statements: int) -> Iterator[Disagreement]:
    """One share: its p-value is a number of orders, and its interval excludes 0 where these are few enough."""
    candidates, orders = len(report.candidates), report.permutations + 1
    if share.alone and candidates == 1:
        yield problem(f"{at}.alone", True, "False, as there is no other candidate")
    counted = share.p * orders
    if abs(counted - round(counted)) > _NEAR * orders:
        yield problem(f"{at}.p", share.p, f"a number of orders, of {orders}")
    allowed = floor((1 - report.level) / (candidates * statements * (1 + (candidates > 1))) * orders + 1e-9)
    low, high = share.interval
    near = min(abs(low), abs(high)) < _NEAR
    if share.low is not None and not near and share.excludes_zero is not (round(counted) <= allowed):
        yield problem(f"{at}.p", share.p, f"one that fits an interval from {low:g} to {high:g}")
