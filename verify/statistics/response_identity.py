"""Hidden units and value channels that kept their index, by their responses to shared tokens.

Statistic: as ``unit_identity`` and ``value_identity`` together, but each unit (channel) is described
by its response to the anchors, tokens that both vocabularies know or rows of equally large tables by number: its gate
(up, v) row times the gain of the norm before it times their embeddings, centred over them. The counts are pooled.
Why any such pairing of rows will do is shown in ``fingerprint.anchors``.

Group: the direct product of the two tests' groups; the responses of permuted rows are permuted
responses. Null law and proof: ``inference.fixed_points``, with the groups of both summed.

Survives, besides what those tests survive, rotation of the residual stream, folded norms and a changed
width: (W diag(g) Q)(E Q)' = W diag(g) E'. Blind to permuted units *and* channels.
"""

from __future__ import annotations

from ..fingerprint import Fingerprint
from .applicability import both_mlps, enough_anchors, first, linear_values, on_shared_anchors
from .blocks import unit_responses, value_responses
from .groups import Grouping, groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .result import Part
from .statistic import Evidence, Statistic, identity_evidence


def _refuse(a: Fingerprint, b: Fingerprint) -> str | None:
    neither = both_mlps(a, b) is not None and linear_values(a, b) is not None
    return first(enough_anchors(a, b), both_mlps(a, b) if neither else None)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    a, b = on_shared_anchors(a, b)
    found: dict[Part, Grouping] = {}
    if both_mlps(a, b) is None:
        found["hidden units"] = groups(unit_responses, a, b)
    if linear_values(a, b) is None:
        found["value channels"] = groups(value_responses, a, b)
    return identity_evidence(found, a, b)


RESPONSE_IDENTITY = Statistic(
    id="response_identity",
    version=1,
    title="Hidden units and value channels at the same index, by response to shared tokens",
    null=(
        "The order of the hidden units inside each MLP block, and of the value channels inside each "
        "attention head, of one model carries no information about their order in the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group="permutations of hidden units and of value channels"),
        NOT_ARRANGED,
    ),
    survives="what the two tests by weights survive, a rotated residual stream, folded norms",
    blind_to="hidden units and value channels both permuted",
    refuse=_refuse,
    run=_run,
)
