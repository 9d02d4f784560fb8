"""What a screen says, as frozen records: the result, its families, and one row for each pair that was looked at."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Record

PairVerdict = Literal["identical", "dependent", "suspected", "no_evidence"]


class ScreenedModel(Record):
    """One model that was compared."""

    label: str
    """Its name; where several have the same, a number follows."""
    fingerprint_sha256: str
    """Of the fingerprint file."""
    content_sha256: str
    architecture: str
    """Name of the layout table."""
    layers: int
    width: int
    untestable: int = 0
    """Pairs of this model to which no exact test applies."""


class LeftOut(Record):
    """A model that could not be read."""

    name: str
    reason: str


class Untestable(Record):
    """Pairs to which no exact test applies."""

    reason: str
    pairs: int


class FirstPower(Record):
    """What one first-stage statistic lets pass with probability .999, in the models compared where it can least."""

    statistic: str
    indices: int
    """Indices compared, or signs."""
    groups: int
    """Independent groups; 0 for signs."""
    share: float | None
    """Smallest probability, per index, of being kept (for signs: of agreeing); None where none suffices."""


class FirstStage(Record):
    """The stage that every pair went through."""

    level: float
    """Of each statistic, unadjusted."""
    tested: int
    """Pairs whose counts were made."""
    passed: int
    power: tuple[FirstPower, ...]


class PairResult(Record):
    """One pair that passed the first stage, or of identical weights."""

    a: str
    b: str
    stage: Literal["identical", "full"]
    first_log10_p: float | None
    """The smallest of the first stage's; None where it had no statistic for the pair, or none was needed."""
    tests: dict[str, float | None]
    """log10 p of each exact test; None where it does not apply."""
    log10_p: float | None
    """Of "no exact test's null hypothesis is false"."""
    adjusted_log10_p: float | None
    """Family-wise over all pairs (Holm)."""
    fdr_log10_p: float | None
    """Adjusted for false discoveries over all pairs (Benjamini and Yekutieli)."""
    verdict: PairVerdict
    kind: str
    """Which tests reject, and from which share the others would have, in words; empty without a finding."""


class Edge(Record):
    """Two models of a family that are not independent."""

    a: str
    b: str
    verdict: PairVerdict
    kind: str
    adjusted_log10_p: float | None
    """None where the weights are identical."""
    found: tuple[str, ...] = ()
    """Exact tests that reject at their level in this screen, or by which the pair was found."""
    not_detected: dict[str, float | None] = Field(default_factory=dict)
    """The other exact tests that apply: the share of indices (for signs: of agreement) from which each would have
    rejected at that level with 95% power; None where no share suffices."""
    declared: bool | None = None
    """Whether one of the two names the other as a base, or both name one; None where it was not asked."""


class Joint(Record):
    """A model without which a family falls apart."""

    models: tuple[str, ...]
    """The model, and its exact copies."""
    sides: tuple[tuple[str, ...], ...]
    """Models that only it joins: no pair of two sides was found."""


class Family(Record):
    """Models connected by pairs rejected family-wise, or of identical weights."""

    name: str
    members: tuple[str, ...]
    edges: tuple[Edge, ...]
    joints: tuple[Joint, ...] = ()
    """Empty also where not every two models were compared."""


class ScreenRecord(Record):
    """Result of a screen; the same for the same fingerprints and options, whatever the workers."""

    schema_version: Literal[1] = 1
    models: tuple[ScreenedModel, ...]
    left_out: tuple[LeftOut, ...]
    against: str | None
    """The one model that all others were compared with; None where every two were."""
    alpha: float = Field(gt=0, lt=1)
    """Family-wise level over all pairs."""
    fdr: float = Field(gt=0, lt=1)
    """Rate of false discoveries over all pairs."""
    pairs: int
    """All pairs, which every adjustment pays for."""
    identical: int
    """Pairs of identical weights."""
    untestable: tuple[Untestable, ...]
    first_stage: FirstStage
    families: tuple[Family, ...]
    suspected: tuple[Edge, ...]
    """Pairs rejected at the rate of false discoveries, not family-wise."""
    statements: tuple[str, ...]
    """What the numbers mean, and what could not be seen."""
    software: dict[str, str]
