"""Test of a panel on strangers outside it: how often unrelated models that a user names would get a verdict.

A panel's own twins rank uniformly among themselves by construction, which proves nothing. Strangers from elsewhere
do: they are paired two by two in each folder, in the order of the sha256 of their names, so no model is in two
pairs, and each pair is ranked in the panel as a claim would be. If recipes were exchangeable with those of the
panel, the number of verdicts at a level would be at most binomial(pairs, level), pairs of one recipe being counted
as if independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

from ..base import Progress, Record, in_notebook
from ..base.card import Card, flat
from ..base.display import Tabular
from ..fingerprint import Fingerprint
from ..inference import disjoint_pairs, false_match_bound
from .evidence import evaluate
from .record import Panel
from .use import PanelEvidence, undecided

LEVELS = (0.05, 0.01)
_CONFIDENCE = 0.95


class StrangersAt(Record):
    """Verdicts on strangers at one level."""

    level: float
    reachable: bool
    """Whether the panel can give a verdict at this level on all pairs."""
    called: int
    """Pairs with a verdict."""
    low: float
    """95% lower confidence bound on the share of pairs that get one."""
    high: float
    """95% upper confidence bound."""

    @property
    def too_many(self) -> bool:
        """Whether the share is above the level, with 95% confidence."""
        return self.low > self.level * (1 + 1e-9)  # one of one at .05 is no more than the level


class StrangersAudit(Tabular, Record):
    """Verdicts on strangers that are in no panel."""

    pairs: int
    levels: tuple[StrangersAt, ...]

    @property
    def calibrated(self) -> bool | None:
        """Whether no level is exceeded; None where the panel can give no verdict on these models."""
        able = [at for at in self.levels if at.reachable]
        return not any(at.too_many for at in able) if able else None

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each level."""
        return [flat(at) for at in self.levels]

    def _card(self) -> Card:
        answers = {True: "not contradicted", False: "no", None: "not shown: no verdict is possible on these models"}
        facts = [("pairs", self.pairs), ("calibrated for models like these", answers[self.calibrated])]
        facts += [
            (
                f"level {at.level:g}",
                f"{at.called} of {self.pairs} get a verdict (95% bounds {at.low:.3f}, {at.high:.3f})",
            )
            for at in self.levels
            if at.reachable
        ]
        return Card("Verdicts of the panel on strangers outside it", tuple(facts), tuple(self.to_dicts()))


def audit_strangers(
    panel: Panel, groups: Sequence[Mapping[str, Fingerprint]], progress: Progress = in_notebook
) -> StrangersAudit | None:
    """Rank disjoint pairs of unrelated models as claims; None if no group has two models.

    Parameters
    ----------
    panel : the panel.
    groups : models by name; pairs are formed inside a group, so one of one recipe tests the hardest case.
    progress : called after each pair.

    Returns
    -------
    StrangersAudit or None
    """
    pairs = [
        (list(group.values())[i], list(group.values())[j]) for group in groups for i, j in disjoint_pairs(list(group))
    ]
    if not pairs:
        return None
    found = []
    for n, (a, b) in enumerate(pairs, start=1):
        found.append(evaluate(panel, a, b, alpha=max(LEVELS)))
        progress("strangers", n, len(pairs))
    return StrangersAudit(pairs=len(pairs), levels=tuple(_at(level, found) for level in LEVELS))


def _at(level: float, found: Sequence[PanelEvidence]) -> StrangersAt:
    """How many claims get a verdict at a level; none where one of them could not have got it."""
    able, n = all(_reaches(one, level) for one in found), len(found)
    called = sum(
        one.use.beyond and one.primary.log10_p is not None and one.primary.log10_p <= log10(level) for one in found
    )
    called = called if able else 0
    return StrangersAt(
        level=level,
        reachable=able,
        called=called,
        low=1 - false_match_bound(n - called, n, _CONFIDENCE),
        high=false_match_bound(called, n, _CONFIDENCE),
    )


def _reaches(one: PanelEvidence, level: float) -> bool:
    """Whether a panel with these recipes and members allows a verdict at a level."""
    least = one.primary.attainable_log10_p
    allowed = undecided(one.use.model_copy(update={"alpha": level})) is None
    return allowed and least is not None and least <= log10(level)
