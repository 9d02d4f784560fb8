"""The tables: cells of several pairs, put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log10
from statistics import mean, median
from typing import Any

from ..results import rounded
from .attack import Step
from .cell import AGAIN, TESTS, Cell
from .evasions import EVASIONS
from .forgeries import FORGERIES
from .trained import REPAIR, TRAININGS

LEVELS = (0.001, 0.05)
_DIGITS = 3
_NO_RELATIVES = ("body", "distillation")
"""Evasions after which no arrangement is shared in what is trained anew."""


def evasion_table(steps: Sequence[Step]) -> dict[str, Any]:
    """What hides a copy, and what it costs."""
    attacked = [step for step in steps if step.attack in (*EVASIONS, *TRAININGS)]
    before = _before(steps, "nothing")
    attacks = []
    for name in (*EVASIONS, *TRAININGS):
        of_attack = [step for step in attacked if step.attack == name]
        if not of_attack:
            continue
        attack = EVASIONS.get(name) or TRAININGS[name]
        head = {
            "title": attack.title,
            "unit": "of the training of a model" if name in TRAININGS else EVASIONS[name].unit,
            "free": name in EVASIONS and EVASIONS[name].free,
            "training": name in TRAININGS,
        }
        rows = [_of_evasion(name, group, before) for group in _groups(of_attack)]
        attacks.append(head | {"rows": rows})
    return {
        "pairs": len(before),
        "loss": _nats(mean(before.values())),
        "repair": REPAIR,
        "levels": list(LEVELS),
        "tests": _applicable(attacked),
        "attacks": attacks,
        "controls": _controls([step.cell["control"] for step in steps if step.attack != "nothing"]),
    }


def forgery_table(steps: Sequence[Step]) -> dict[str, Any]:
    """What makes a stranger look related, what it costs, and what it leaves behind."""
    forged = [step for step in steps if step.attack in FORGERIES]
    pairs, tests = {step.pair for step in forged}, _applicable(forged)
    strangers = [step for step in steps if step.attack == "stranger" and step.pair in pairs]
    before = _before(strangers, "stranger")
    free = [step.cell for step in forged if FORGERIES[step.attack].free]
    relatives = [
        step.cell
        for step in steps
        if step.attack in (*EVASIONS, *TRAININGS) and step.attack not in _NO_RELATIVES and not step.repaired
    ]
    return {
        "pairs": len(before),
        "loss": _nats(mean(before.values())),
        "repair": REPAIR,
        "again": {name: getattr(AGAIN, name) for name in ("units", "projections", "anchors")},
        "tests": tests,
        "rows": [_of_forgery(group, before) for group in _groups([*strangers, *forged])],
        "sketches": {test: {"relatives": _twice(relatives, test), "forged": _twice(free, test)} for test in tests},
        "lifts": {
            test: lifts
            for test in (*tests, "rotary_phase")
            if (lifts := {"relatives": _spread(relatives, test), "forged": _spread(free, test)})["forged"]
        },
    }


def _of_evasion(name: str, group: Sequence[Step], before: dict[str, float]) -> dict[str, Any]:
    first = group[0]
    return {
        "strength": first.strength,
        "repaired": first.repaired,
        "trained": float(first.strength) if name in TRAININGS else REPAIR if first.repaired else 0,
        **_costs(group, before),
        "found": {
            test: [sum(p <= log10(level) for p in values) for level in LEVELS] + [len(values)]
            for test in TESTS
            if (values := _values(group, "log10_p", test))
        },
        **_answers(group),
    }


def _of_forgery(group: Sequence[Step], before: dict[str, float]) -> dict[str, Any]:
    first = group[0]
    of = FORGERIES.get(first.attack)
    return {
        "title": of.title if of else "nothing",
        "strength": first.strength,
        "repaired": first.repaired,
        "free": of is None or of.free,
        "aims": list(of.aims) if of else [],
        **_costs(group, before),
        "log10_p": {test: rounded(median(found), 1) for test in TESTS if (found := _values(group, "log10_p", test))},
        "again": {test: rounded(median(found), 1) for test in TESTS if (found := _values(group, "again", test))},
        **_answers(group),
        "gains": sum("gains" in step.cell["signs"] for step in group),
    }


def _costs(group: Sequence[Step], before: dict[str, float]) -> dict[str, Any]:
    """Loss over that of the unattacked model: median, least and most over the pairs."""
    costs = [step.cell["loss"] - before[step.pair] for step in group]
    return {"pairs": len(group), "cost": [_nats(of(costs)) for of in (median, min, max)]}


def _answers(group: Sequence[Step]) -> dict[str, Any]:
    answers = [step.cell["answer"] for step in group]
    spreads = [r for step in group if (r := step.cell["spreads"]) is not None]
    return {
        "related": answers.count("dependent"),
        "alike": answers.count("similar_beyond_panel"),
        "spreads": rounded(median(spreads), 2) if spreads else None,
    }


def _controls(cells: Sequence[Cell]) -> dict[str, Any]:
    """The same attacked models against models that they are not related to."""
    values = {test: [cell["log10_p"][test] for cell in cells if test in cell["log10_p"]] for test in TESTS}
    return {
        "models": len(cells),
        "related": sum(cell["answer"] == "dependent" for cell in cells),
        "found": {
            test: [sum(p <= log10(level) for p in of_test) for level in LEVELS] + [len(of_test)]
            for test, of_test in values.items()
            if of_test
        },
    }


def _twice(cells: Sequence[Cell], test: str) -> list[int]:
    """Of models that a test rejects under the usual sketch, how many, and how many under the other as well."""
    found = [cell for cell in cells if cell["log10_p"].get(test, 0) <= log10(LEVELS[0])]
    return [len(found), sum(cell["again"].get(test, 0) <= log10(LEVELS[0]) for cell in found)]


def _spread(cells: Sequence[Cell], test: str) -> list[float] | None:
    """Of models that a test rejects: how many, and the least, median and largest lift."""
    lifts = [_lift(cell, test) for cell in cells if cell["log10_p"].get(test, 0) <= log10(LEVELS[0])]
    known = [lift for lift in lifts if lift is not None]
    return [len(known), *(rounded(of(known), 2) for of in (min, median, max))] if known else None


def _lift(cell: Cell, test: str) -> float | None:
    """The median score of identified indices over that of the best matches elsewhere; of planes, their coherence."""
    if test == "rotary_phase":
        return float(cell["coherence"])
    return cell["cosines"][test][0] / cell["cosines"][test][1] if test in cell["cosines"] else None


def _nats(value: float) -> float:
    return round(value, _DIGITS) + 0.0  # never -0


def _before(steps: Sequence[Step], name: str) -> dict[str, float]:
    return {step.pair: step.cell["loss"] for step in steps if step.attack == name}


def _values(group: Iterable[Step], field: str, test: str) -> list[float]:
    return [step.cell[field][test] for step in group if test in step.cell[field]]


def _applicable(steps: Sequence[Step]) -> list[str]:
    return [test for test in TESTS if any(test in step.cell["log10_p"] for step in steps)]


def _groups(steps: Sequence[Step]) -> list[list[Step]]:
    """By attack, strength and repair, in order of appearance."""
    found: dict[tuple[str, str, bool], list[Step]] = {}
    for step in steps:
        found.setdefault((step.attack, step.strength, step.repaired), []).append(step)
    return list(found.values())
