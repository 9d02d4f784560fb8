"""What the numbers of a report of a derivation cannot be, by what they are counts of.

Rules and counts are of the weights, so only these show that they are theirs. The record alone shows that they could
be: every tensor has its place, numbers add up to those that were read, and no count is of more than there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..derivations.record import DerivationModel, DerivationReport, TensorFrom
from .agreement import Disagreement, problem

_NEAR = 1e-5
"""Of distances and cosines, which are recorded to six digits."""


def follows(report: DerivationReport) -> Iterator[Disagreement]:
    """The fields that could not be.

    Parameters
    ----------
    report : the report.
    """
    in_a = {one.of: one.entries_a for one in report.tensors}
    alone_a = {one.name: one.entries for one in report.alone_a}
    in_b = {one.name: one.entries for one in report.tensors} | {one.name: one.entries for one in report.alone_b}
    for name, count in Counter(one.name for one in report.alone_a).items():
        if count > 1 or name in in_a:
            yield problem("$.alone_a", name[:80], "tensors of A that stand beside none of B, each once")
    for at, model, numbers in (("a", report.a, in_a | alone_a), ("b", report.b, in_b)):
        yield from _read(f"$.{at}.entries", model, sum(numbers.values()))
    for n, name in enumerate(report.not_read):
        if not name.startswith(("A: ", "B: ")):
            yield problem(f"$.not_read[{n}]", name[:80], "a tensor after the label of its model")
    held = (
        *((f"$.tensors[{n}]", one.held_in, in_b) for n, one in enumerate(report.tensors)),
        *((f"$.alone_a[{n}]", one.held_in, in_b) for n, one in enumerate(report.alone_a)),
        *((f"$.alone_b[{n}]", one.held_in, in_a | alone_a) for n, one in enumerate(report.alone_b)),
    )
    for where, holder, there in held:
        if holder is not None and holder not in there:
            yield problem(f"{where}.held_in", holder[:80], "a tensor of the other model")
    for n, one in enumerate(report.tensors):
        if one.entries_a != in_a[one.of]:
            yield problem(f"$.tensors[{n}].entries_a", one.entries_a, f"{in_a[one.of]}, as elsewhere of this tensor")
        yield from _tensor(one, f"$.tensors[{n}]")


def _read(at: str, model: DerivationModel, total: int) -> Iterator[Disagreement]:
    if model.entries != total:
        yield problem(at, model.entries, f"{total}, the sum over its tensors")


def _tensor(one: TensorFrom, at: str) -> Iterator[Disagreement]:
    further, names = one.entries - one.entries_a, {each.name for each in (one.rule, one.back) if each is not None}
    if "repeated" not in names:
        if further * one.rows < 0 or bool(further) != bool(one.rows) or (one.rows and further % one.rows):
            yield problem(f"{at}.rows", one.rows, f"rows of {further} numbers together")
        if one.compared != (fewer := min(one.entries, one.entries_a)):
            yield problem(f"{at}.compared", one.compared, f"{fewer}, the numbers of the rows that both have")
    if one.new > max(one.entries, one.entries_a):
        yield problem(f"{at}.new", one.new, "no more numbers than the tensors have")
    for name in ("lost_a", "lost_b"):
        if (lost := getattr(one, name)) > one.compared:
            yield problem(f"{at}.{name}", lost, "no more numbers than are compared")
    if one.rule is not None and one.rule.name == "equal" and one.equal != one.compared:
        yield problem(f"{at}.equal", one.equal, f"{one.compared}, all that are compared, as the rule says")
    amount = one.amount
    if amount is not None and amount.distance**2 < (1 - amount.cosine**2) * (1 - _NEAR) - _NEAR:
        yield problem(f"{at}.amount.distance", amount.distance, f"one that a cosine of {amount.cosine:g} allows")
