"""Signs that agree: of value channels (v with o) and of gated units (up with down).

Statistic: the number of indices whose inner products, of v rows plus of o columns (of up rows plus of
down columns), add up to a positive number; exact zeros are dropped.

Group: sign flips. Flipping a value channel in v and o, or a gated unit in up and down, changes no
output where values are mixed linearly and the MLP is odd in up; a tied set of copies has one sign per
index, and its inner products are summed first. Blocks are aligned by a score that no sign changes.
Null law and proof: ``inference.signs`` (binomial, exact).

Survives what ``unit_identity`` and ``value_identity`` survive. Blind to sign flips and permutations.
The MLP part refuses GELU units, where the symmetry does not hold: on real pairs of GELU strangers the same
count reached |z| = 5.5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..fingerprint import Fingerprint
from .applicability import both_mlps, first, linear_values, odd_in_up, same_width
from .blocks import unit_pairs, values
from .groups import Group, Grouping, groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .result import EffectSize
from .statistic import Evidence, Statistic, cautious, sign_count


def _refuse_units(a: Fingerprint, b: Fingerprint) -> str | None:
    return first(both_mlps(a, b), odd_in_up(a, b))


def _refuse(a: Fingerprint, b: Fingerprint) -> str | None:
    units_refused = _refuse_units(a, b)
    return first(same_width(a, b), linear_values(a, b) if units_refused else None)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    found: list[Grouping] = []
    notes: tuple[str, ...] = ()
    for what, reason, component in (
        ("Hidden units", _refuse_units(a, b), unit_pairs),
        ("Value channels", linear_values(a, b), values),
    ):
        if reason is None:
            found.append(groups(component, a, b, signs=True))
        else:
            notes += (f"{what} were left out: {reason}.",)
    evidence = cautious(_agreement, found)
    return replace(evidence, notes=notes + evidence.notes)


def _agreement(found: list[Group]) -> Evidence:
    count = sign_count(np.concatenate([group.agreement for group in found]))
    return Evidence((count,), EffectSize(share=count.count / count.n) if count.n else None)


SIGN_AGREEMENT = Statistic(
    id="sign_agreement",
    version=1,
    title="Agreeing signs of value channels and gated units",
    null=(
        "The signs of the value channels, and of the gated hidden units, of one model carry no information "
        "about those of the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group="sign flips of value channels and of gated units")
        + " A positive initialisation breaks this.",
        NOT_ARRANGED,
    ),
    survives="what unit_identity and value_identity survive",
    blind_to="sign flips, permutations, a rotated residual stream",
    refuse=_refuse,
    run=_run,
)
