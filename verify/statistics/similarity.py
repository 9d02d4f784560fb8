"""The class of similarities: symmetric scores of two fingerprints, one object per file.

A similarity that is invariant under everything an evader can do has, for that reason, no null distribution from
symmetry. Its p-value comes from the rank of the claim in a declared panel of unrelated models; there is no threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..base import Phrase, StatisticsError
from ..fingerprint import Fingerprint
from ..wording import say
from .applicability import on_shared_anchors
from .hypotheses import EXCHANGEABLE, EXCHANGEABLE_ASSUMPTIONS
from .words import Words

INVARIANCES = frozenset(
    {
        "unit_permutation",
        "unit_signs",
        "unit_scaling",
        "head_permutation",
        "channel_permutation",
        "stream_rotation",
        "layer_order",
    }
)
"""Changes of a checkpoint under which a similarity may declare its score invariant.

All but the last keep the function: hidden units permuted (``unit_permutation``), up and down negated
together (``unit_signs``) or scaled against each other (``unit_scaling``); kv heads permuted with the
query heads that read them; value channels inside a head permuted and negated; norm gains folded into
what reads them and the residual stream rotated. ``layer_order`` is any order of the blocks.
"""


@dataclass(frozen=True)
class Similarity:
    """A similarity of two models, larger for closer ones; calling it gives the score.

    Parameters
    ----------
    id, version, title : names; the version changes whenever a score could.
    source : the paper that it comes from.
    measures : the definition of the score, in a sentence.
    invariances : names among ``INVARIANCES``; the others may change the score.
    cost : time of one score, in layers, units and anchors.
    refuse : returns the reason why two models have no score, or None; computes no score.
    score : the score of two models that were not refused and whose anchor axes hold one token list
        (``applicability.on_anchors``); exactly symmetric.
    """

    id: str
    version: int
    title: str
    source: str
    measures: str
    invariances: frozenset[str]
    cost: str
    refuse: Callable[[Fingerprint, Fingerprint], Phrase | str | None]
    score: Callable[[Fingerprint, Fingerprint], float]

    def __post_init__(self) -> None:
        unknown = self.invariances - INVARIANCES
        if unknown:
            raise ValueError(f"{self.id} declares {sorted(unknown)}; expected names among {sorted(INVARIANCES)}.")

    @property
    def words(self) -> Words:
        """Its sentences, for use in a panel."""
        changed = INVARIANCES - self.invariances
        return Words(
            title=self.title,
            null=EXCHANGEABLE,
            assumptions=EXCHANGEABLE_ASSUMPTIONS,
            survives=", ".join(sorted(self.invariances)).replace("_", " "),
            blind_to=f"changed by: {', '.join(sorted(changed)).replace('_', ' ')}" if changed else "",
        )

    def refusal(self, a: Fingerprint, b: Fingerprint) -> Phrase | None:
        """Why two models have no score, or None."""
        reason = self.refuse(a, b)
        return Phrase.quoted(reason) if isinstance(reason, str) else reason

    def __call__(self, a: Fingerprint, b: Fingerprint) -> float:
        """Score two models on the anchors both know, or on the list that both were already cut to.

        Raises
        ------
        StatisticsError
            If the models have no score, or one that is not finite: a missing score must never count as "not extreme".
        """
        pair = f"{a.record.name} and {b.record.name}"
        if not a.record.sketch.same_sizes(b.record.sketch):
            raise StatisticsError(f"{self.id} cannot compare {pair}: their fingerprints have different sketches.")
        reason = self.refusal(a, b)
        if reason is not None:
            names = {"A": a.record.name, "B": b.record.name}
            raise StatisticsError(f"{self.id} does not apply to {pair}: {say(reason, names=names)}.")
        score = float(self.score(*on_shared_anchors(a, b)))
        if not math.isfinite(score):
            raise StatisticsError(f"{self.id} of {pair} is {score}, not a finite number; look for dead weights.")
        return score
