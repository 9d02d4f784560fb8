"""The use that a claim makes of a panel: which models it was ranked among, and how strong the panel is.

A verdict needs two rungs, and counts the larger of their p-values: the rank of the claim among twins (`twins`), and
the larger of its ranks by raw score and by two-way residual among all pairs of A, B and the members. It also needs
an effect: a score beyond that of every stranger seen. Whether a verdict is possible at all is decided before any
score is.
"""

from __future__ import annotations

from math import isqrt
from typing import Any, NamedTuple

from ..base import Phrase, Record, later
from ..base.card import Card, flat
from ..base.display import Tabular
from ..statistics import PanelResult
from ..statistics.hypotheses import PRIMARY_ID
from ..wording.forms import at_most
from .audit import Audit
from .designs import OWN_KIND, PRIMARY_DESIGN
from .dropped import Dropped
from .likeness import Likeness, like_needed, pairs_needed


class MemberUsed(Record):
    """A member that A and B were ranked among."""

    name: str
    family: str
    stratum: str
    corpus: str = ""


class RecipeUsed(Record):
    """A recipe whose twins A and B were ranked among."""

    recipe: str
    stratum: str
    corpus: str = ""
    models: tuple[str, str]
    """Names of the two models."""
    group: str = later("")
    """Of recipes whose pairs share initial weights or relatives, which count as one, the first; empty if it shares
    none."""


class FalseMatch(Record):
    """How often unrelated models reach the claim's score."""

    exceedances: int
    """Number of recipes whose twins reach it, above levels, those of a group counted once; without recipes, of
    disjoint pairs of members that reach the raw score."""
    pairs: int
    """Number of recipes, those of a group counted once; without recipes, of disjoint pairs of members, by a pairing
    fixed by their names."""
    bound: float
    """95% upper bound on the probability, for recipes (without recipes: models) drawn independently like those of the
    panel, that one of the pairs searched reaches it."""


class PanelUse(Tabular, Record):
    """What a report records of the panel behind its panel tests."""

    name: str
    version: str
    digest: str
    members: tuple[MemberUsed, ...]
    dropped: tuple[Dropped, ...]
    """Members not used, each with its reason, which is never a score."""
    stratum_a: str
    stratum_b: str
    corpus_a: str = ""
    """Name of the training text of A, as declared by the caller; empty if not declared."""
    corpus_b: str = ""
    like_a: Likeness = Likeness()
    """How many of ``members`` are like A, by declarations."""
    like_b: Likeness = Likeness()
    recipes: tuple[RecipeUsed, ...] = later(())
    """Recipes ranked among."""
    recipes_dropped: tuple[Dropped, ...] = later(())
    """Recipes of the kind of A and B that were not used, for a declared relation."""
    recipes_in_panel: int = later(0)
    """Number of recipes of any kind."""
    twins_scored: bool = later(True)
    """Whether the panel has the twins' scores, or their fingerprints, for the tokens and units that all share."""
    largest_stranger: float | None = later(None)
    """The largest score of twins, and of pairs of members; None if there is none."""
    effect_ratio: float | None = later(None)
    """The score of A and B over the largest stranger's, both with ``twins.FLOOR`` added; a verdict needs more than
    1."""
    anchors: int
    """Number of tokens in the list that all scores use."""
    primary: str = PRIMARY_ID
    """The one panel test that enters the verdict, fixed in code before any score was seen."""
    primary_design: str = PRIMARY_DESIGN
    alpha: float
    """Level of the primary panel test, fixed in advance."""
    families: tuple[str, ...]
    """Families declared for A and B."""
    critical_odds_ratio: float | None = None
    """Gamma*: the primary result would be overturned only if recipes, or pairs, like this one were at least this many
    times as likely (odds) to be chosen for testing as others. None if the primary test does not apply."""
    false_match: FalseMatch | None = None
    audit: Audit | None = None
    """Audit of the primary statistic over the members used; None for fewer than six."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each member that A and B were ranked among."""
        return [flat(member) for member in self.members]

    def _card(self) -> Card:
        match, strangers = self.false_match, "recipes" if self.recipes else "disjoint pairs of members"
        facts: list[tuple[str, object]] = [
            (
                "ranked among",
                f"{len(self.members)} members and {len(self.recipes)} of {self.recipes_in_panel} recipes",
            ),
            ("left out", f"{len(self.dropped)} members and {len(self.recipes_dropped)} recipes"),
            ("chance of a false match, at most", None if match is None else at_most(match.bound)),
            ("score reached by", None if match is None else f"{match.exceedances} of {match.pairs} {strangers}"),
            ("largest stranger", self.largest_stranger),
            ("A and B over it", self.effect_ratio),
            ("primary test", f"{self.primary} by {self.primary_design}, level {self.alpha:g}"),
            ("digest", self.digest),
        ]
        head = f"Use of the panel {self.name!r:.80}, version {self.version!r:.40}"
        return Card(head, tuple(facts), tuple(self.to_dicts()))

    @property
    def beyond(self) -> bool:
        """Whether A and B score above every stranger seen; without twins there is no such rule."""
        return self.effect_ratio is None or self.effect_ratio > 1

    @property
    def draws(self) -> tuple[str, ...]:
        """What each recipe counts as: its group, or itself."""
        return tuple(recipe.group or recipe.recipe for recipe in self.recipes)

    @property
    def kinds(self) -> tuple[list[str], list[str]]:
        """Strata, and declared corpora, of A, B and the members used."""
        strata = [self.stratum_a, self.stratum_b, *(member.stratum for member in self.members)]
        return strata, [self.corpus_a, self.corpus_b, *(member.corpus for member in self.members)]


class PanelEvidence(NamedTuple):
    """Results of all panel statistics, and the record of the panel."""

    results: tuple[PanelResult, ...]
    use: PanelUse

    @property
    def primary(self) -> PanelResult:
        """The only result that enters a verdict."""
        return self.results[0]


def undecided(use: PanelUse, searched: int = 1) -> Phrase | None:
    """Why no rank in the panel is a verdict, whatever the scores, by declarations alone; None if one is.

    Parameters
    ----------
    use : what the report says of the panel.
    searched : number of pairs of models that were searched, by which the level is divided.
    """
    if use.primary_design == OWN_KIND:
        return _unlike(use, searched)
    if use.primary_design != PRIMARY_DESIGN:  # a report from before either rule
        return None
    return impossible(use, searched)


def impossible(use: PanelUse, searched: int = 1) -> Phrase | None:
    """Why the recipes of a panel allow no verdict, by declarations; None if they do.

    Parameters
    ----------
    use : what the report says of the panel.
    searched : number of pairs of models that were searched, by which the level is divided.
    """
    alpha = use.alpha / searched
    needed = pairs_needed(alpha) - 1
    if not use.recipes_in_panel:
        return Phrase.of("panel.no_recipes", alpha=alpha, needed=needed)
    if len(use.recipes) < needed:
        of = use.recipes_in_panel
        return Phrase.of("panel.few_recipes", recipes=len(use.recipes), of=of, alpha=alpha, needed=needed)
    if (groups := len(set(use.draws))) < needed:
        counts = {"recipes": len(use.recipes), "groups": groups}
        return Phrase.of("panel.few_groups", **counts, alpha=alpha, needed=needed)
    if not use.twins_scored:
        return Phrase.of("panel.twins_not_scored", anchors=use.anchors)
    return None


def _unlike(use: PanelUse, searched: int) -> Phrase | None:
    """Why the number of members like A and B, which an earlier rule asked for, allows no verdict."""
    sides = (("A", use.stratum_a, use.corpus_a, use.like_a), ("B", use.stratum_b, use.corpus_b, use.like_b))
    undeclared = " and ".join(side for side, _, corpus, _ in sides if not corpus)
    if undeclared:
        return Phrase.of("panel.corpus_undeclared", models=undeclared)
    alpha = use.alpha / searched
    pairs = pairs_needed(alpha)
    if own_pairs(use) >= pairs and min(use.like_a.both, use.like_b.both) > 0:
        return None
    one = _one_kind(use)
    counts = [
        Phrase.of(
            "panel.count.both" if one else "panel.count",
            model=side,
            stratum_name=stratum,
            corpus_name=corpus,
            **like.model_dump(),
        )
        for side, stratum, corpus, like in sides
    ]
    if one:
        return Phrase.of("panel.few_of_kind", counts=counts[:1], alpha=alpha, needed=max(1, like_needed(alpha)))
    return Phrase.of("panel.few_of_kinds", counts=counts, alpha=alpha, needed=max(1, isqrt(pairs - 1)))


def own_pairs(use: PanelUse) -> int:
    """Number of pairs of the claim's own kind or kinds, from the numbers of members like A and B."""
    if _one_kind(use):
        return (use.like_a.both + 2) * (use.like_a.both + 1) // 2
    return (use.like_a.both + 1) * (use.like_b.both + 1)


def _one_kind(use: PanelUse) -> bool:
    return use.stratum_a == use.stratum_b and use.corpus_a == use.corpus_b != ""
