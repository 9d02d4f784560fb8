"""Hidden units that kept their index, by their weights.

Statistic: the number F of kept hidden units of A whose unique best match among B's units of the
aligned block (mean of the cosine of gate rows and the absolute cosine of up rows; where there is no
gate, the cosine of up rows) sits at the same index.

Group: permutations of the hidden units, independently per block (the experts of one block, and
blocks found to be copies, share one permutation). The channels of a state space are such units, those of
each head among themselves; its heads share one permutation too. Null distribution and proof:
``inference.fixed_points``.

Survives fine-tuning, long continued training, pruning, quantisation, merging, sign flips of units,
re-initialised or moved layers. Blind to permuted units and to a rotated residual stream.

Source: Zhu et al. 2025 (arXiv 2502.12292), phi_U; fixed points in place of Spearman correlation.
"""

from __future__ import annotations

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import both_mlps, first, same_width
from .blocks import units
from .counted import Counted, Source, at_most, common_to_dense, kept_units
from .evidence import identity_unless_set_aside, order_codes
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(same_width(a, b), both_mlps(a, b))


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    least, _ = common_to_dense(a, b)
    source, most = Source("units", units, order_codes("hidden units")), kept_units(a, b)
    return (Counted("fixed_points", None, (source,), None, least, at_most(a, b, most), of_layer=most),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    return identity_unless_set_aside({"hidden units": groups(units, a, b)}, a, b)


_GROUP = "permutations of the hidden units of each MLP block, independently of the other blocks"


UNIT_IDENTITY = Statistic(
    id="unit_identity",
    version=1,
    title="Hidden units at the same index, by weights",
    null=(
        "The order of the hidden units inside each MLP block of one model carries no information "
        "about their order in the other."
    ),
    assumptions=(EQUIVARIANT_TRAINING.format(group=_GROUP), NOT_ARRANGED),
    survives="fine-tuning, continued training, pruning, quantisation, merging, moved or replaced layers",
    blind_to="permuted hidden units, a rotated residual stream",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    group=_GROUP,
    compares="hidden units",
)
