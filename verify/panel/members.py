"""Models of a panel, as declared: members, twins of a recipe, and who is a relative of whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, Protocol

from pydantic import Field, model_validator

from ..base import Record, later

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"
"""Pattern of a member's name, which becomes a file name."""


class Member(Record):
    """One model of a panel, as declared by the panel's builder."""

    name: str = Field(pattern=NAME)
    """Unique within the panel; also names the fingerprint file."""
    family: str
    """Models of one family are related or may be; one of them represents the family."""
    stratum: str
    """Architecture, depth and tokenizer: models of one stratum are the fair comparison."""
    corpus: str = ""
    """Name of its training text; empty if not declared."""
    initial: str = later("")
    """Name of the initial weights, equal for models that start from the same ones; empty if they are its own."""
    gated: bool | None = later()
    """Whether its MLPs are gated; None if only the fingerprint says so."""
    norm: Literal["rms", "layer"] | None = later()
    """Kind of its norms; None if only the fingerprint says so."""
    source: str
    """Where the weights come from, in words or as a Hub id."""
    licence: str
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    fingerprint_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """sha256 of the fingerprint file."""

    @property
    def kind(self) -> tuple[bool | None, str | None]:
        """Whether its MLPs are gated, and the kind of its norms, as declared."""
        return self.gated, self.norm


class Exclusion(Record):
    """A model that could not be a member, or a member that could not be used."""

    name: str
    reason: str


class RelatedPair(Record):
    """Two members that an exact test finds related although they were declared unrelated."""

    a: str
    b: str
    log10_p: float
    """Family-wise over the tests of the pair and over all pairs of the panel."""


class Twins(Record):
    """The models of one recipe, from different seeds."""

    recipe: str = Field(min_length=1)
    gated: bool
    """Whether their MLPs are gated."""
    norm: Literal["rms", "layer"]
    """Kind of their norms."""
    models: tuple[Member, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_models(self) -> Twins:
        check_twins((member.name, self.recipe, member.initial) for member in self.models)
        if any(member.kind not in ((None, None), self.kind) for member in self.models):
            raise ValueError(f"models of recipe {self.recipe!r:.40} have MLPs or norms of several kinds")
        return self

    @property
    def kind(self) -> tuple[bool, str]:
        """Whether their MLPs are gated, and the kind of their norms."""
        return self.gated, self.norm

    @property
    def pair(self) -> tuple[Member, Member]:
        """The two models whose score is the recipe's: those with the smallest sha256 of their names."""
        first, second = sorted(self.models, key=blind)[:2]
        return first, second

    @property
    def corpus(self) -> str:
        """Name of their training text; empty if not declared."""
        return self.models[0].corpus

    @property
    def stratum(self) -> str:
        """Stratum of the first."""
        return self.models[0].stratum


def blind(member: Member) -> bytes:
    """The key by which members are chosen without regard to scores: sha256 of the name."""
    return hashlib.sha256(member.name.encode()).digest()


def check_twins(declared: Iterable[tuple[str, str, str]]) -> None:
    """Check that models of one recipe start from different weights: else they are relatives, and no twins.

    Parameters
    ----------
    declared : name, recipe and initial weights of every model; a recipe or initial weights may be empty.

    Raises
    ------
    ValueError
        If two models of one recipe have the same initial weights.
    """
    first: dict[tuple[str, str], str] = {}
    for name, recipe, initial in declared:
        if recipe and initial and (other := first.setdefault((recipe, initial), name)) != name:
            raise ValueError(
                f"{other!r:.40} and {name!r:.40} of recipe {recipe!r:.40} start from the same weights; keep one"
            )


class Declared(Protocol):
    """What is declared of a model's relatives."""

    @property
    def family(self) -> str: ...  # noqa: D102

    @property
    def initial(self) -> str: ...  # noqa: D102


def kin(model: Declared) -> tuple[tuple[str, str], ...]:
    """What makes a model a relative of whatever has the same: its family, and its initial weights, if declared."""
    return tuple((label, value) for label, value in (("family", model.family), ("initial", model.initial)) if value)


def check_strangers(references: Iterable[Declared], twins: Iterable[Declared]) -> None:
    """Check that no reference is a relative of a twin: it would raise the twin's level, and so lower its score.

    Raises
    ------
    ValueError
        If a reference and a model of a recipe are of one family, or start from the same weights.
    """
    of_twins = {label for model in twins for label in kin(model)}
    for model in references:
        for label, value in kin(model):
            if (label, value) in of_twins:
                raise ValueError(
                    f"a model of a recipe and one without have the {label} {value!r:.60}; leave the latter out, "
                    "since levels are measured against strangers"
                )
