"""Words of every version of the tests: of today's by the registry, of earlier ones by the table here.

An exact test that changed is of a new version, and its old one is listed here: its laws, what it may have counted at
most, and its words. No other version of a test ever gave a result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..fingerprint import Fingerprint
from .counted import Counted
from .result import TestResult
from .sign_agreement import counts_at_index
from .words import Words

_TRAINING = (
    "At least one of the two models was trained from an initialisation and by a procedure whose joint distribution, "
    "given the other model, is invariant under {group}."
)
_NOT_ARRANGED = (
    "Neither developer re-ordered or re-signed units to match the other model, and not both to match a third."
)
_NO_MEAN = "A mean that is common to both models, as after a positive initialisation, breaks this."
_NO_SHARED_TENSORS = (
    "The models do not share pretrained embeddings, and neither was distilled from the other's hidden states."
)


class Earlier(NamedTuple):
    """One earlier version."""

    words: Words
    counts: Callable[[Fingerprint, Fingerprint], tuple[Counted, ...]]
    """What it counted of two models, by their records alone; nothing for a similarity."""


def _signs(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:  # noqa: ARG001
    return (Counted("signs"),)


def _stream(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    shape = a.record.architecture
    kept = min(shape.width, a.record.sketch.stream)
    order = Counted("fixed_points", least=kept, most=kept, most_groups=1)
    signed = shape.norm == b.record.architecture.norm == "rms"
    return (order, Counted("signs", most=kept)) if signed else (order,)


def _nothing(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:  # noqa: ARG001
    return ()


EARLIER: dict[tuple[str, int], Earlier] = {
    ("sign_agreement", 1): Earlier(
        Words(
            title="Agreeing signs of value channels and gated units (version 1, which a common mean deceives)",
            null=(
                "The signs of the value channels, and of the gated hidden units, of one model carry no information "
                "about those of the other."
            ),
            assumptions=(
                _TRAINING.format(group="sign flips of value channels and of gated hidden units"),
                _NO_MEAN,
                _NOT_ARRANGED,
            ),
            survives="what unit_identity and value_identity survive",
            blind_to="sign flips, permutations, a rotated residual stream",
        ),
        _signs,
    ),
    ("sign_agreement", 2): Earlier(
        Words(
            title="Agreeing signs of value channels and gated units, two at a time (version 2, of equal indices)",
            null=(
                "The signs of the value channels, and of the gated hidden units, of one model carry no information "
                "about those of the other, or their order does not."
            ),
            assumptions=(
                _TRAINING.format(
                    group="independent sign flips of value channels and of gated hidden units, or under independent "
                    "swaps of two of them inside their block or head"
                ),
                _NOT_ARRANGED,
            ),
            survives="what unit_identity and value_identity survive",
            blind_to="sign flips, permutations, a rotated residual stream",
        ),
        counts_at_index,
    ),
    ("stream_identity", 1): Earlier(
        Words(
            title="Residual dimensions at the same index and sign, by embeddings of shared tokens (version 1)",
            null=(
                "The order of the residual dimensions of one model (and, under RMS norm, their signs) carries no "
                "information about those of the other."
            ),
            assumptions=(
                _TRAINING.format(group="signed permutations of the residual stream"),
                _NO_MEAN,
                _NOT_ARRANGED,
                _NO_SHARED_TENSORS,
            ),
            survives="a body trained anew on copied embeddings, upcycling, changed depth, permuted units",
            blind_to="a rotated or permuted residual stream",
        ),
        _stream,
    ),
    ("response_match", 2): Earlier(
        Words(
            title="Agreement of two ways of matching hidden units (version 2, of the 64 of largest response)",
            null=(
                "A and B are unrelated, and which models of their own kind, A, B and the panel's members of the same "
                "stratum and declared corpus, are called A and B tells nothing about the scores, either as they are "
                "or once each model's average similarity to the other models is removed."
            ),
            assumptions=(
                "A and B are exchangeable with the members of their own kind. Of the other members nothing is "
                "assumed.",
                "Multiplicative main effects, unequal noise, and an affinity of the pair that the members of its own "
                "kind do not have were not protected against.",
            ),
            survives="",
            blind_to="",
        ),
        _nothing,
    ),
    ("response_match", 1): Earlier(
        Words(
            title="Agreement of two ways of matching hidden units (version 1, a mean over all layers)",
            null=(
                "A and B are unrelated, and the pair labelled (A, B) is exchangeable with every other pair of A, B "
                "and the panel's members, once each model's main effect is removed."
            ),
            assumptions=(
                "A and B are exchangeable with the members whatever text they were trained on. Strangers trained on "
                "one text were later found not to be.",
            ),
            survives="",
            blind_to="",
        ),
        _nothing,
    ),
}
"""By id and version."""
BEFORE_SKETCH_3 = (
    "unit_identity",
    "value_identity",
    "response_identity",
    "sign_agreement",
    "stream_identity",
    "response_match",
    "spread_correlation",
    "embedding_geometry",
    "circuit_cosine",
    "spectral_distance",
    "stream_rotation",
)
"""The exact tests and panel statistics that there were when sketches were of version 2; no other applies to
fingerprints of these."""
EARLIER_DESIGNS: dict[tuple[str, int], str] = {
    ("response_match", 1): "pair_residual",
    ("response_match", 2): "own_kind",
}
"""The design that the panel p-value was counted by."""


def words_of(result: TestResult) -> Words:
    """The words of a result's statistic: its own, else those registered under its id, else neutral ones.

    Examples
    --------
    >>> from verify.statistics import ExactResult
    >>> words_of(ExactResult(id="unit_identity", version=1, applicable=False)).title
    'Hidden units at the same index, by weights'
    >>> words_of(ExactResult(id="tomorrow", version=1, applicable=False)).title
    'tomorrow (not known to this version)'
    """
    from . import EXACT_TESTS, PANEL_STATISTICS  # the registry holds statistics, which import this file

    if result.words is not None:
        return result.words
    known = {(test.id, test.version): test.words for test in EXACT_TESTS}
    known |= {(one.id, one.version): one.words for one in PANEL_STATISTICS}
    known |= {version: earlier.words for version, earlier in EARLIER.items()}
    if (result.id, result.version) in known:
        return known[result.id, result.version]
    unknown = "This version of verify does not know the statistic; its null hypothesis is stated where it was made."
    return Words(
        title=f"{result.id} (not known to this version)", null=unknown, assumptions=(), survives="", blind_to=""
    )
