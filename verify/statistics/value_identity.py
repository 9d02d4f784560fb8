"""Attention value channels that kept their index, by their weights.

Statistic: the number F of kept value channels of A whose unique best match among B's channels of the
aligned kv head (absolute mean of the cosines of v rows and o columns) sits at the same index.

Group: permutations of the channels of a kv head, independently per layer and head (heads found to
be copies share one). Attention mixes each value channel over positions by the same weights, so permuting
the channels of v together with the columns of o changes nothing. Heads are aligned by a score that no
permutation of channels changes. Null distribution and proof: ``inference.fixed_points``.

Survives what ``unit_identity`` survives, and an MLP replaced or upcycled to experts, and permuted
heads; holds for GELU and layer norm too. Blind to permuted channels and a rotated residual stream.
"""

from __future__ import annotations

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import first, linear_values, same_width
from .blocks import values
from .counted import Counted, Source, at_most, common_to_dense, kept_values
from .evidence import identity_unless_set_aside, order_codes
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(same_width(a, b), linear_values(a, b))


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    _, least = common_to_dense(a, b)
    source, most = Source("values", values, order_codes("value channels")), kept_values(a, b)
    return (Counted("fixed_points", None, (source,), None, least, at_most(a, b, most), of_layer=most),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    return identity_unless_set_aside({"value channels": groups(values, a, b)}, a, b)


_GROUP = "permutations of the value channels of each head, independently of the other heads"


VALUE_IDENTITY = Statistic(
    id="value_identity",
    version=1,
    title="Attention value channels at the same index, by weights",
    null=(
        "The order of the value channels inside each attention head of one model carries no information "
        "about their order in the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP)
        + " It is false for files rotated by one fixed Hadamard matrix between v and o.",
        NOT_ARRANGED,
    ),
    survives="what unit_identity survives, a replaced or upcycled MLP, permuted heads",
    blind_to="permuted value channels, a rotated residual stream",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    group=_GROUP,
    compares="value channels",
)
