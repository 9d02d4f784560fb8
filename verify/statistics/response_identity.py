"""Hidden units and value channels that kept their index, by their responses to shared tokens.

Statistic: as ``unit_identity`` and ``value_identity`` together, but each unit (channel) is described
by its response to the anchors, tokens that both vocabularies know or rows of equally large tables by number: its gate
(up, v) row times the gain of the norm before it times their embeddings, centred over them. The counts are pooled.
``fingerprint.anchors`` shows that any such pairing of rows is valid.

Group: the direct product of the two tests' groups; the responses of permuted rows are permuted
responses. Null distribution and proof: ``inference.fixed_points``, with the numbers of groups of both added.

Survives, besides what those tests survive, rotation of the residual stream, folded norms and a changed
width: (W diag(g) Q)(E Q)' = W diag(g) E'. Blind to permuted units *and* channels.
"""

from __future__ import annotations

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import both_mlps, enough_anchors, first, linear_values, on_shared_anchors
from .blocks import unit_responses, value_responses
from .counted import Counted, Source, at_most, common_to_dense, kept_units, kept_values
from .evidence import identity_unless_set_aside, order_codes
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    neither = both_mlps(a, b) is not None and linear_values(a, b) is not None
    return first(enough_anchors(a, b), both_mlps(a, b) if neither else None)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    least, most = 1 if any(common_to_dense(a, b)) else 0, kept_units(a, b) + kept_values(a, b)
    return (Counted("fixed_points", None, _sources(a, b), None, least, at_most(a, b, most), of_layer=most),)


def _sources(a: Fingerprint, b: Fingerprint) -> tuple[Source, ...]:
    of_units = Source("unit responses", unit_responses, order_codes("hidden units"))
    of_values = Source("value responses", value_responses, order_codes("value channels"))
    refused = ((of_units, both_mlps(a, b)), (of_values, linear_values(a, b)))
    return tuple(source for source, reason in refused if reason is None)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    a, b = on_shared_anchors(a, b)
    found = {source.set_aside[0]: groups(source.read, a, b) for source in _sources(a, b)}
    return identity_unless_set_aside(found, a, b)


_GROUP = (
    "permutations of the hidden units of each MLP block and of the value channels of each head, independently of the "
    "other blocks and heads"
)


RESPONSE_IDENTITY = Statistic(
    id="response_identity",
    version=1,
    title="Hidden units and value channels at the same index, by response to shared tokens",
    null=(
        "The order of the hidden units inside each MLP block, and of the value channels inside each "
        "attention head, of one model carries no information about their order in the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP),
        NOT_ARRANGED,
    ),
    survives="what the two tests by weights survive, a rotated residual stream, folded norms",
    blind_to="hidden units and value channels both permuted",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    group=_GROUP,
    compares="responses",
)
