"""Sections of a report of shares on changes of a base: what counts for each candidate, which sums, and by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..shares.of_base import ChangedTensor, ChangesOfBase
from ..shares.record import ShareReport
from ..shares.said_of_changes import listed, weight
from .kinds import Code, Inline, Number
from .numbers import count, share
from .page import Block, Paragraph, table

_MOST_ROWS = 400  # of a table on the page; the record has all


def of_candidates(report: ShareReport, found: ChangesOfBase) -> list[Block]:
    """What counts for each candidate.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    judged, told = sum(one.judged for one in found.tensors), found.told
    rows = []
    for n, one in enumerate(report.candidates, start=1):
        own, alone = found.own(n), found.weights(n)
        ends: Sequence[Inline] = ("–",) * 3
        if alone is not None:
            ends = tuple(Number(weight(x)) for x in (alone.median, alone.low, alone.high))
        counts = (portion(x, told) for x in (own.agree, own.only, own.elsewhere, own.beside))
        label = report.label(n - 1)
        rows.append((label, Code(one.model.name), count(len(found.holding(n))), count(judged), *counts, *ends))
    return [
        Paragraph(
            "A number tells if C changed it by much more than its rounding, by no multiple of P and no size that "
            "many have, as of decay and of steps of one length. Tensors that C has on a grid are not judged. A "
            "number counts for a candidate if it agrees with a sum of changes in which that candidate's is beyond "
            "rounding, and with none without it. Elsewhere: would, if that change stood half a row further. Beside: "
            "agrees with nothing and misses such a sum by up to three times its bounds. None of these has a p-value."
        ),
        table(
            "Tensors that hold a candidate's change, shares of the telling numbers, and the multiple of the change "
            "where it stands alone (median, least and most over tensors)",
            ("", "candidate", "tensors", "of", "agree", "only so", "elsewhere", "beside", "weight", "least", "most"),
            rows,
        ),
    ]  # fmt: skip


def of_sums(report: ShareReport, found: ChangesOfBase) -> list[Block]:
    """Which sums were found, over tensors.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    seen = [one for one in found.tensors if one.sums]
    sets = sorted({one.candidates for t in seen for one in t.sums}, key=lambda of: (len(of), of))
    rows = []
    for of in sets:
        having = [(t, one) for t in seen for one in t.sums if one.candidates == of]
        changed = sum(t.changed for t, _ in having)
        ranges = ", ".join(_range([one.weights[k] for _, one in having]) for k in range(len(of)))
        base = _range([one.base for _, one in having if one.base] or [0.0])
        rows.append(
            (listed(report.named(of)), ranges, Number(base), count(len({t.name for t, _ in having})),
             portion(sum(one.agree for _, one in having), changed))
        )  # fmt: skip
    return [
        table(
            "Sums of changes with which numbers of C agree; a number may agree with more than one",
            ("changes of", "weights, over tensors", "of P", "tensors", "of the numbers changed there"),
            rows[:_MOST_ROWS],
        )
    ]


def by_layer_and_part(report: ShareReport, found: ChangesOfBase) -> list[Block]:
    """Counts by layer, by part and by tensor.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    return [
        *(
            _grouped(report, name, [(key, [t for t in found.tensors if getattr(t, name) == key]) for key in keys])
            for name in ("layer", "part")
            if (keys := list(dict.fromkeys(getattr(t, name) for t in _in_order(found.tensors))))
        ),
        _grouped(report, "tensor", [(t.name, [t]) for t in found.tensors[:_MOST_ROWS]]),
        table(
            "Tensors of P that are not compared",
            ("tensor", "model", "why"),
            (
                (Code(one.name), "C" if one.candidate == 0 else report.label(one.candidate - 1), one.reason)
                for one in found.not_compared[:_MOST_ROWS]
            ),
        ),
    ]


def of_fit(report: ShareReport, found: ChangesOfBase) -> list[Block]:
    """Least squares, and how alike the changes are.

    Parameters
    ----------
    report : the report.
    found : its changes.
    """
    labels = report.named(range(1, len(report.candidates) + 1))
    rows = zip(labels, found.coefficients, found.inflation, found.cosines[1:], strict=True)
    return [
        Paragraph(
            ("The sum of multiples of the candidates' changes that is nearest to the child's, over all tensors that "
             "all have. It leaves ", share(found.residual), " of its squares. These are estimates without an error "
             "rate: a model that is only like a parent gets one too, and where variance inflation is large, the "
             "change is nearly a sum of the others' and its coefficient means little.")
        ),
        table(
            "Least squares, and cosines of changes",
            ("", "coefficient", "variance inflation", "cosine with C", *(f"with {label}" for label in labels)),
            (
                (label, share(fitted), share(inflation), *map(share, cosines))
                for label, fitted, inflation, cosines in rows
            ),
        ),
    ]  # fmt: skip


def _grouped(report: ShareReport, what: str, groups: Iterable[tuple[str, list[ChangedTensor]]]) -> Block:
    columns = ("numbers", "changed", "telling", "agree with a sum", "judged")
    labels = report.named(range(1, len(report.candidates) + 1))
    rows = []
    for key, tensors in groups:
        entries, changed, told, explained = (
            sum(getattr(t, name) for t in tensors) for name in ("entries", "changed", "told", "explained")
        )
        judged = sum(t.judged for t in tensors)
        held = (count(sum(n in t.held for t in tensors)) for n in range(1, len(labels) + 1))
        first: Inline = key or "outside of layers"
        rows.append(
            (first if what == "layer" else Code(key), count(entries), portion(changed, entries),
             portion(told, entries), portion(explained, changed), count(judged), *held)
        )  # fmt: skip
    title = f"Counts by {what}: shares of its numbers, and of the changed ones, and tensors that hold each change"
    return table(title, (what, *columns, *labels), rows)


def _in_order(tensors: Sequence[ChangedTensor]) -> list[ChangedTensor]:
    return sorted(tensors, key=lambda t: (t.layer != "", int(t.layer or 0)))


def portion(some: int, of: int) -> Number:
    """A share that reads 0 or 1 only where it is.

    Parameters
    ----------
    some, of : counts.
    """
    if not of:
        return Number("–")
    return Number("0" if not some else "1" if some == of else f"{min(max(some / of, 0.001), 0.999):.3f}")


def _range(values: Sequence[float]) -> str:
    low, high = weight(min(values)), weight(max(values))
    return low if low == high else f"{low} to {high}"
