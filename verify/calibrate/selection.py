"""Which models of a table are ranked: by declarations and names alone, before any score is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..base import InputError, Phrase
from ..inference.blind import blind_order
from .record import LeftOut, NamedModel


@dataclass(frozen=True)
class Selection:
    """A, B and the models that they are ranked among, by name; and the rest."""

    models: tuple[NamedModel, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def panel(self) -> list[int]:
        """Positions of A, B, all references, and the first model of each recipe by sha256: no two of one recipe."""
        second = {pair[1] for pair in self.twins.values()}
        return [i for i in range(len(self.models)) if i not in second]

    @property
    def references(self) -> list[int]:
        """Positions of the models without a recipe, less A and B."""
        return [i for i, model in enumerate(self.models) if i > 1 and not model.recipe]

    @property
    def twins(self) -> dict[str, tuple[int, int]]:
        """Positions of the two models of each recipe, in the order of the sha256 of their names."""
        of: dict[str, list[int]] = {}
        for i, model in enumerate(self.models):
            if model.recipe:
                of.setdefault(model.recipe, []).append(i)
        pairs = {}
        for recipe, members in sorted(of.items()):
            first, second = (members[k] for k in blind_order([self.models[i].name for i in members]))
            pairs[recipe] = (first, second)
        return pairs

    @property
    def strata(self) -> list[str] | None:
        """Stratum of each model of the panel; None if none was declared."""
        found = [self.models[i].stratum for i in self.panel]
        return found if any(found) else None


def select(models: Sequence[NamedModel], a: str, b: str, *, one_per_family: bool) -> Selection:
    """Choose the models to rank A and B among.

    A declared family has one model among them, the first by the sha256 of names, and none if A or B is of it; both
    may be, since it is the other models that must be strangers. A recipe has its first two.

    Parameters
    ----------
    models : all models of the table, with what is declared.
    a, b : names of the claim's models.
    one_per_family : whether to leave relatives out so; else there must be none.

    Raises
    ------
    InputError
        If A or B is not there or has a recipe, relatives are there that were not to be left out or have a recipe, or
        a recipe has one model.
    """
    by_name = {model.name: model for model in models}
    for side, name in (("A", a), ("B", b)):
        if name not in by_name:
            raise InputError(
                f"The table of scores has no model {name!r:.80}, which the claim names; give its scores."
            )
        if by_name[name].recipe:
            raise InputError(
                f"{side}, {name!r:.80}, is listed in the recipe {by_name[name].recipe!r:.80}; take it out of "
                "recipes, since the claim's models can be none of their own null distribution."
            )
    if a == b:
        raise InputError(f"The claim names {a!r:.80} twice; give two models.")
    families: dict[str, list[NamedModel]] = {}
    for model in models:
        if model.family:
            families.setdefault(model.family, []).append(model)
    out: dict[str, Phrase] = {}
    for family, members in families.items():
        out |= _relatives(family, members, (a, b), one_per_family=one_per_family)
    out |= _spare(models)
    others = [model for model in models if model.name not in (a, b) and model.name not in out]
    kept = (by_name[a], by_name[b], *sorted(others, key=lambda model: model.name))
    rest = tuple(
        LeftOut(**model.model_dump(), reason=out[model.name])
        for model in sorted(models, key=lambda model: model.name)
        if model.name in out
    )
    return Selection(kept, rest)


def _relatives(
    family: str, members: Sequence[NamedModel], claim: tuple[str, str], *, one_per_family: bool
) -> dict[str, Phrase]:
    """Relatives that are left out, each with the reason."""
    names = [model.name for model in members]
    others = [name for name in names if name not in claim]
    if len(names) < 2 or not others:
        return {}
    if any(model.recipe for model in members):
        raise InputError(
            f"{names[0]!r:.80} and {names[1]!r:.80} are declared relatives, and one is of a recipe; give recipes "
            "whose models are related to no other model."
        )
    own = next((name for name in claim if name in names), None)
    if not one_per_family:
        other = next(name for name in others if name != (own or names[0]))
        raise InputError(
            f"{own or names[0]!r:.80} and {other!r:.80} are declared relatives, and a null distribution needs "
            "unrelated models; take one of them out of the table, or give one_per_family (--one-per-family)."
        )
    if own is not None:
        side = "A" if own == claim[0] else "B"
        reason = Phrase.of("calibration.left_out.relative", model=side, family=family)
        return dict.fromkeys(others, reason)
    chosen = names[blind_order(names)[0]]
    reason = Phrase.of("panel.member.stands_for", name=chosen, family=family)
    return {name: reason for name in names if name != chosen}


def _spare(models: Sequence[NamedModel]) -> dict[str, Phrase]:
    """Models of recipes beyond the first two, each with the reason."""
    recipes: dict[str, list[str]] = {}
    for model in models:
        if model.recipe:
            recipes.setdefault(model.recipe, []).append(model.name)
    out = {}
    for recipe, names in recipes.items():
        if len(names) < 2:
            raise InputError(f"The recipe {recipe!r:.80} has one model, {names[0]!r:.80}; give at least two of each.")
        for k in blind_order(names)[2:]:
            out[names[k]] = Phrase.of("calibration.left_out.spare", recipe=recipe)
    return out
