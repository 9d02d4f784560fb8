"""What a report of a derivation says: codes and values, which the catalogue turns into sentences."""

from __future__ import annotations

from ..base import Phrase
from ..claim.answer import Answer
from ..wording import said, say
from .record import DerivationReport, Outcome, Rule, What, changed

_NAMED = 3  # things done that the answer names
_LAYERS = 100  # that a sentence lists


def answer(report: DerivationReport) -> Answer:
    """The first lines of the report."""
    v = report.wording
    return Answer(
        verdict=report.outcome,
        word=say(Phrase.of(f"derivation.word.{report.outcome}"), version=v),
        sentence=" ".join(said(finding(report), version=v)),
        count=" ".join(said(counted(report), version=v)),
        chance="",
        does_not_show=say(Phrase.of(f"derivation.limit.{_limit(report)}"), version=v),
        rests_on=say(Phrase.of("derivation.rests"), version=v),
    )


def finding(report: DerivationReport) -> tuple[Phrase, ...]:
    """The outcome, and why the other direction is excluded."""
    if report.outcome == "b_from_a":
        return _follows("A", "B", report.lost_a, report.missing_b)
    if report.outcome == "a_from_b":
        return _follows("B", "A", report.lost_b, report.missing_a)
    if report.with_third:
        return (Phrase.of("derivation.together"),)
    return (Phrase.of(f"derivation.{report.outcome}"),)


def counted(report: DerivationReport) -> tuple[Phrase, ...]:
    """The share of B's numbers that rules give, what most are, and the map of layers if it is not the usual one."""
    total = report.b.entries
    done = [one for one in report.done if one.rule is not None]
    given = [
        one for one in report.tensors if one.rule is not None and one.rule.name not in ("constant", "on_own_grid")
    ]
    covered = sum(one.compared for one in given)
    layers = report.layers
    mapped = [f"{layer} from {of}" for layer, of in layers.items()] if any(k != v for k, v in layers.items()) else []
    return (
        Phrase.of("derivation.covered", entries=total, share=covered / max(1, total)),
        *(Phrase.of("derivation.most", share=one.entries / max(1, total), what=phrase(one)) for one in done[:_NAMED]),
        *((Phrase.of("derivation.layers", layers=", ".join(mapped[:_LAYERS])),) if mapped else ()),
        *amounts(report),
    )


def amounts(report: DerivationReport) -> tuple[Phrase, ...]:
    """How much the tensors were changed for which no rule holds, if their numbers are at A's places."""
    beside = [one for one in report.tensors if one.rule is None and one.amount is not None]
    if not beside:
        return ()
    found = changed("", beside)
    left = len(beside) - found.in_place
    values = {"low": found.low, "high": found.high, "distance": found.distance, "cosine": found.cosine}
    return (
        *((Phrase.of("derivation.changed", tensors=found.in_place, **values),) if found.in_place else ()),
        *((Phrase.of("derivation.not_in_place", tensors=left),) if left else ()),
    )


def limitations(report: DerivationReport) -> tuple[Phrase, ...]:
    """What the report does not show."""
    left = [Phrase.of("derivation.not_read", number=len(report.not_read))] if report.not_read else []
    codes = ("first", "rules", *(("own_grid",) if _on_own_grid(report) else ()), "made", "tool")
    return (*left, *(Phrase.of(f"derivation.limit.{code}") for code in codes))


def words(what: What, version: int) -> str:
    """What was done, in words."""
    return say(phrase(what), version=version)


def phrase(what: What) -> Phrase:
    """What was done, as a phrase."""
    rule = what.rule
    found = Phrase.of("derivation.rule.none") if rule is None else _steps(rule, _values(what))
    if what.elsewhere:
        found = Phrase.of("derivation.elsewhere", what=found)
    return found if what.rows == "same" or rule is None else Phrase.of(f"derivation.rows.{what.rows}", what=found)


def _steps(rule: Rule, values: str) -> Phrase:
    """A rule, or one after another."""
    first, *then = rule.each
    pattern = ".pattern" if first.name == "pruned" and first.setting else ""
    found = Phrase.of(f"derivation.rule.{first.name}{pattern}", setting=first.setting, values=values)
    for one in then:
        found = Phrase.of(f"derivation.then.{one.name}", first=found, setting=one.setting, values=values)
    return found


def _values(what: What) -> str:
    if what.low is None or what.high is None:
        return ""
    return f"{what.low:.6g}" if what.low == what.high else f"{what.low:.6g} to {what.high:.6g}"


def _follows(model: str, other: str, lost: int, missing: int) -> tuple[Phrase, ...]:
    return (
        Phrase.of("derivation.follows", model=model, other=other),
        *((Phrase.of("derivation.lost", lost=lost, model=model, other=other),) if lost else ()),
        *((Phrase.of("derivation.missing", missing=missing, model=model, other=other),) if missing else ()),
    )


def _on_own_grid(report: DerivationReport) -> bool:
    """Whether that is said of a tensor of either model."""
    rules = [rule for one in report.tensors for rule in (one.rule, one.back) if rule is not None]
    return any(rule.name == "on_own_grid" for rule in rules)


def _limit(report: DerivationReport) -> str:
    if report.outcome == "unresolved" and _on_own_grid(report):
        return "own_grid"
    limits: dict[Outcome, str] = {"no_rule": "rules", "unresolved": "made", "equal": "equal"}
    return limits.get(report.outcome, "first")
