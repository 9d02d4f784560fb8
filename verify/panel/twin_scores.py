"""Scores of twins: of each recipe's pair, and of its two models with the references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..base import InputError, Progress, Record, silent
from ..fingerprint import Fingerprint
from ..statistics import Similarity


class TwinFile(Record):
    """A file of scores of twins by one statistic, stored with the panel."""

    file: str = Field(pattern=r"^scores/[a-z0-9_-]{1,80}\.safetensors$")
    statistic: str
    version: int
    anchors: tuple[int, ...]
    """The token list, as positions in the frozen anchor list."""
    units: int = Field(ge=1)
    """Largest number of units kept of an MLP when they were scored."""
    recipes: tuple[str, ...]
    """Recipes, in the order of the arrays."""
    references: tuple[str, ...]
    """Names of the members that each model's level is measured against, in the order of the arrays."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


@dataclass(frozen=True, eq=False)
class TwinScores:
    """Scores of R recipes and K references."""

    recipes: tuple[str, ...]
    references: tuple[str, ...]
    pairs: NDArray[np.float64]
    """Score of each recipe's two models, shape [R]."""
    levels: NDArray[np.float64]
    """Scores of the two models with the references, shape [R, 2, K]."""

    def of(self, recipes: Sequence[str], references: Sequence[str]) -> TwinScores:
        """The scores of some of the recipes against some of the references, in the orders given."""
        rows, columns = (
            [self.recipes.index(one) for one in recipes],
            [self.references.index(one) for one in references],
        )
        levels = self.levels[rows][:, :, columns]
        return TwinScores(tuple(recipes), tuple(references), self.pairs[rows], levels)

    def to_bytes(self) -> bytes:
        """The arrays as a safetensors file."""
        return save({"levels": self.levels, "pairs": self.pairs})

    @staticmethod
    def from_bytes(content: bytes, about: TwinFile) -> TwinScores:
        """The inverse of :meth:`to_bytes`.

        Raises
        ------
        InputError
            If the content is not finite scores of the recipes and references named.
        """
        r, k = len(about.recipes), len(about.references)
        try:
            arrays = load(content)
            shapes = {"levels": (r, 2, k), "pairs": (r,)}
            if {name: array.shape for name, array in arrays.items()} != shapes:
                raise ValueError(f"expected arrays of shape {shapes}")
            if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("a score is not a finite number")
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{about.file} does not hold the scores of {r} recipes; build the panel again."
            ) from error
        pairs, levels = (arrays[name].astype(np.float64) for name in ("pairs", "levels"))
        return TwinScores(about.recipes, about.references, pairs, levels)


def score_twins(
    statistic: Similarity,
    twins: Sequence[tuple[str, Fingerprint, Fingerprint]],
    references: Sequence[tuple[str, Fingerprint]],
    progress: Progress = silent,
) -> TwinScores:
    """Score every recipe's pair, and both models with every reference.

    Parameters
    ----------
    statistic : the panel statistic.
    twins : recipe and the two models of each.
    references : name and model of each reference. All models' anchor axes hold one token list.
    progress : called after each recipe.

    Returns
    -------
    TwinScores

    Raises
    ------
    StatisticsError
        If a pair has no score, or one that is not a finite number.
    """
    pairs, levels = np.zeros(len(twins)), np.zeros((len(twins), 2, len(references)))
    for n, (_, *models) in enumerate(twins):
        pairs[n] = statistic(*models)
        levels[n] = [[statistic(model, reference) for _, reference in references] for model in models]
        progress("twins", n + 1, len(twins))
    names = tuple(recipe for recipe, *_ in twins), tuple(name for name, _ in references)
    return TwinScores(*names, pairs, levels)
