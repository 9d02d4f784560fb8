"""Scores of all pairs of models on one token list; those among members are stored with the panel.

A claim then needs 2M + 1 scores instead of (M + 2)(M + 1)/2: linear in the size of the panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .. import statistics
from ..base import InputError, Progress, Record, silent
from ..fingerprint import Fingerprint
from ..statistics import Similarity
from .localise import CLASSES, summarise


class ScoreFile(Record):
    """A file of scores of all pairs of comparable members by one statistic, stored with the panel."""

    file: str = Field(pattern=r"^scores/[a-z0-9_-]{1,80}\.safetensors$")
    statistic: str
    version: int
    anchors: tuple[int, ...]
    """The token list, as positions in the frozen anchor list."""
    names: tuple[str, ...]
    """Names of members, in the order of the arrays."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


@dataclass(frozen=True, eq=False)
class Scores:
    """Symmetric scores of named models; NaN on the diagonal, which is never read."""

    statistic: str
    version: int
    anchors: tuple[int, ...]
    """The token list."""
    names: tuple[str, ...]
    matrix: NDArray[np.float64]
    """Shape [n, n]."""
    grids: NDArray[np.float64]
    """For the primary statistic, ``localise.summarise`` of the grid of every pair, shape [n, n, classes, 4]; for
    others, shape [0]."""

    def of(self, names: Sequence[str]) -> Scores:
        """The scores of some of the models, in the order given."""
        places = {name: at for at, name in enumerate(self.names)}
        at = [places[name] for name in names]
        grids = self.grids[np.ix_(at, at)] if self.grids.size else self.grids
        return Scores(self.statistic, self.version, self.anchors, tuple(names), self.matrix[np.ix_(at, at)], grids)

    def to_bytes(self) -> bytes:
        """The arrays as a safetensors file, each pair once."""
        pairs = np.triu_indices(len(self.names), 1)
        arrays = {"matrix": self.matrix[pairs]}
        if self.grids.size:
            arrays["grids"] = self.grids[pairs]
        return save(arrays)

    @staticmethod
    def from_bytes(content: bytes, about: ScoreFile) -> Scores:
        """The inverse of :meth:`to_bytes`.

        Raises
        ------
        InputError
            If the content is not the scores of the members named.
        """
        n = len(about.names)
        first, second = np.triu_indices(n, 1)
        matrix, grids = np.full((n, n), np.nan), np.zeros(0)
        try:
            arrays = load(content)
            shapes: dict[str, tuple[int, ...]] = {"matrix": (len(first),)}
            if about.statistic == statistics.PRIMARY.id:
                grids, shapes["grids"] = np.zeros((n, n, CLASSES, 4)), (len(first), CLASSES, 4)
            if {name: array.shape for name, array in arrays.items()} != shapes or n < 2:
                raise ValueError(f"expected arrays of shape {shapes}")
            if any(array.dtype.kind != "f" for array in arrays.values()):
                raise ValueError("a score is not a real number")
            if any(np.isnan(array).any() for array in arrays.values()) or np.isinf(arrays["matrix"]).any():
                raise ValueError("a score is not a finite number")  # the maximum of a class without cells is -inf
            matrix[first, second] = matrix[second, first] = arrays["matrix"]
            if grids.size:
                grids[first, second] = grids[second, first] = arrays["grids"]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{about.file} does not hold the scores of {n} members; build the panel again."
            ) from error
        return Scores(about.statistic, about.version, about.anchors, about.names, matrix, grids)


def compute(
    statistic: Similarity,
    models: Sequence[Fingerprint],
    names: Sequence[str],
    anchors: tuple[int, ...],
    known: Scores | None = None,
    progress: Progress = silent,
) -> Scores:
    """Compute the scores of all pairs of models; those of the last models are taken from ``known``, if given.

    Parameters
    ----------
    statistic : the panel statistic.
    models : fingerprints whose anchor axes hold ``anchors``.
    names : their names.
    anchors : the token list, as positions in the frozen anchor list.
    known : scores of the last models among themselves, if they are known.
    progress : called after each score.

    Returns
    -------
    Scores
        Symmetric, shape [n, n].

    Raises
    ------
    StatisticsError
        If a pair has no score, or one that is not a finite number.
    """
    n, fresh = len(models), len(models) - (len(known.names) if known else 0)
    matrix = np.full((n, n), np.nan)
    grids = np.zeros((n, n, CLASSES, 4)) if statistic is statistics.PRIMARY else np.zeros(0)
    if known is not None:
        matrix[fresh:, fresh:] = known.matrix
        if grids.size:
            grids[fresh:, fresh:] = known.grids
    # by the later model: what a statistic works out of a member by itself serves both A and B
    pairs = [(i, j) for j in range(n) for i in range(min(fresh, j))]
    for done, (i, j) in enumerate(pairs, start=1):
        if statistic is statistics.PRIMARY:
            grid = statistics.response_grid(models[i], models[j])
            matrix[i, j] = matrix[j, i] = grid.score
            grids[i, j] = grids[j, i] = summarise(grid.shares)
        else:
            matrix[i, j] = matrix[j, i] = statistic(models[i], models[j])
        progress(statistic.id, done, len(pairs))
    return Scores(statistic.id, statistic.version, anchors, tuple(names), matrix, grids)
