"""Records of a screen: the result, its families, and one row for each pair tested."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Record, later
from ..fingerprint import Signed
from ..statistics.result import EffectSize

PairVerdict = Literal["identical", "dependent", "suspected", "no_evidence"]


class ScreenedModel(Record):
    """One model that was compared."""

    label: str
    """Its name, with a number added if several have the same."""
    fingerprint_sha256: str
    """sha256 of the fingerprint file."""
    content_sha256: str
    architecture: str
    """Name of the layout table."""
    layers: int
    width: int
    untestable: int = 0
    """Number of pairs of this model to which no exact test applies."""
    signed: Signed | None = later()
    """Who stands for the fingerprint that was given. None if weights were."""


class LeftOut(Record):
    """A model that could not be read."""

    name: str
    reason: str


class Contradiction(Record):
    """Two models that state the same weights and hold different numbers."""

    a: str
    b: str
    reason: str
    """How the numbers differ, and what that may mean."""


class Untestable(Record):
    """Pairs to which no exact test applies."""

    reason: str
    pairs: int


class FirstPower(Record):
    """Power of one first-stage statistic at probability .999, in the worst case over the models compared."""

    statistic: str
    indices: int
    """Number of indices, or signs, compared."""
    groups: int
    """Independent groups; 0 for signs."""
    share: float | None
    """Smallest probability, per index, of keeping its place (for signs: of agreeing); None if none suffices."""


class FirstStage(Record):
    """The first stage, which every pair goes through."""

    level: float
    """Level of each statistic, unadjusted."""
    tested: int
    """Number of pairs with counts."""
    passed: int
    power: tuple[FirstPower, ...]


class PairResult(Record):
    """One pair that passed the first stage or has identical weights."""

    a: str
    b: str
    stage: Literal["identical", "full"]
    first_log10_p: float | None
    """Smallest log10 p of the first stage; None if it had no statistic for the pair, or needed none."""
    tests: dict[str, float | None]
    """log10 p of each exact test; None if it does not apply."""
    log10_p: float | None
    """log10 p of "no exact test's null hypothesis is false"."""
    adjusted_log10_p: float | None
    """Family-wise over all pairs (Holm)."""
    fdr_log10_p: float | None
    """Adjusted for false discoveries over all pairs (Benjamini and Yekutieli)."""
    verdict: PairVerdict
    kind: str
    """Tests that reject, and the power of the others, in words; empty without a finding."""
    effects: dict[str, EffectSize] = later({})
    """By exact test, what was kept, found or not; without tests that compared nothing."""
    closeness: float | None = later()
    """Mean of what was kept beyond chance over the tests in ``effects``, from 0 to 1; it orders pairs, and decides
    nothing. None without tests."""


class KeptMost(Record):
    """What two related models have most in common, of that by which they were found."""

    test: str
    """An exact test that rejects."""
    share: float
    """Share of indices identified, or of signs that agree."""
    cosine: float | None = None
    """Median cosine of identified indices; None if the test has none."""


class Edge(Record):
    """Two related models of a family."""

    a: str
    b: str
    verdict: PairVerdict
    kind: str
    adjusted_log10_p: float | None
    """None if the weights are identical."""
    found: tuple[str, ...] = ()
    """Exact tests that reject at their level in this screen, or by which the pair was found."""
    not_detected: dict[str, float | None] = Field(default_factory=dict)
    """The other applicable exact tests: the smallest share of indices (for signs: of agreement) for 95% power at that
    level; None if no share suffices."""
    declared: bool | None = None
    """Whether one of the two names the other as a base, or both name one; None if not examined."""
    closeness: float | None = later()
    """As in :class:`PairResult`."""
    kept: KeptMost | None = later()
    """None if the weights are identical."""


class Joint(Record):
    """Models, every two of them related, without which a family is disconnected, and some two sides by no fewer."""

    models: tuple[str, ...]
    """The models, and their exact copies; often one model."""
    sides: tuple[tuple[str, ...], ...]
    """The sides that only they join: no pair across sides was found."""


class Family(Record):
    """Models connected by pairs rejected family-wise, or of identical weights."""

    name: str
    members: tuple[str, ...]
    edges: tuple[Edge, ...]
    joints: tuple[Joint, ...] = ()
    """At most 100, those of fewest models first. Empty also if not all pairs were compared."""
    overlapping: tuple[tuple[str, ...], ...] = later(())
    """The families that the joints hold together, the largest first; two models that are in none of them together
    were not found related. Empty if there are no joints."""


class ScreenRecord(Record):
    """Result of a screen; the same for the same fingerprints and options, whatever the workers."""

    schema_version: Literal[1] = 1
    models: tuple[ScreenedModel, ...]
    left_out: tuple[LeftOut, ...]
    contradictions: tuple[Contradiction, ...] = later(())
    """Of models that state the same weights, those that hold other numbers than the first of them."""
    against: str | None
    """The one model that all others were compared with; None if all pairs were."""
    alpha: float = Field(gt=0, lt=1)
    """Family-wise level over all pairs."""
    fdr: float = Field(gt=0, lt=1)
    """False discovery rate over all pairs."""
    pairs: int
    """Number of all pairs, which every adjustment uses."""
    identical: int
    """Number of pairs of identical weights."""
    untestable: tuple[Untestable, ...]
    first_stage: FirstStage
    families: tuple[Family, ...]
    suspected: tuple[Edge, ...]
    """Pairs rejected at the false discovery rate but not family-wise."""
    statements: tuple[str, ...]
    """Sentences on the meaning of the numbers, and on power."""
    software: dict[str, str]
