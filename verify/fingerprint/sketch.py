"""The sketch: which units, channels, tokens and projections a fingerprint keeps.

Everything random here comes from SHAKE-256 of the specification, so two people get the same
sketch in any year, on any machine, from any version of numpy. Nothing depends on the weights:
an index subset and a projection fixed in advance leave every exact test exact.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Annotated, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from ..base import InputError, Record, later

Effort = Literal["screen", "standard", "full"]
"""How much of the weights is read; each effort includes all that a smaller one reads."""
EFFORTS: tuple[Effort, ...] = get_args(Effort)


_MOST = 1 << 20
_MOST_COLUMNS = 1 << 12  # a matrix with this many columns, or this many squared entries, must fit in memory


class SketchSpec(Record):
    """Sizes of a sketch; two fingerprints compare only under the same sizes, by what both of their versions hold.

    The defaults come from the power study in ``benchmarks/tables/power.md``.
    """

    version: int = Field(default=3, ge=1, le=_MOST)
    """Version of the sketching algorithm and of the anchor list; 3 has the components ``SINCE_3`` besides those of
    2."""
    units: int = Field(default=64, ge=1, le=_MOST)
    """Hidden units kept per dense MLP (and per shared expert)."""
    expert_units: int = Field(default=32, ge=1, le=_MOST)
    """Hidden units kept per routed expert."""
    channels: int = Field(default=16, ge=1, le=_MOST)
    """Value channels kept per key-value head."""
    projections: int = Field(default=32, ge=1, le=_MOST_COLUMNS)
    """Dimensions that weight vectors are projected to."""
    rows: int = Field(default=256, ge=1, le=_MOST)
    """Leading residual dimensions read of columns of ``down`` and ``o``, since whole columns would touch every
    row."""
    anchors: int = Field(default=96, ge=1, le=_MOST_COLUMNS)
    """Largest number of anchor tokens kept."""
    stream: int = Field(default=256, ge=1, le=_MOST)
    """Residual dimensions kept."""
    match_units: int = Field(default=256, ge=1, le=_MOST)
    """Hidden units of largest response kept per dense MLP (and per shared expert)."""
    match_expert_units: int = Field(default=8, ge=1, le=_MOST)
    """Hidden units of largest response kept per routed expert."""
    spectrum: int = Field(default=32, ge=1, le=_MOST)
    """Singular values kept per attention circuit."""
    keys: Annotated[int, Field(ge=1, le=_MOST)] = later(64)
    """Rows of k kept per layer, shared evenly among its key-value heads."""
    unused: Annotated[int, Field(ge=1, le=_MOST_COLUMNS)] = later(64)
    """Largest number of tokens kept that no text contains."""

    def __new__(cls, **sizes: int) -> Self:
        """Check sizes; for a sketch inside another record none are given here, and pydantic checks them.

        Raises
        ------
        InputError
            If a size is unknown, or not a whole number within its bounds.

        Examples
        --------
        >>> SketchSpec(units=16).channels
        16
        >>> try:
        ...     SketchSpec(units=0)
        ... except InputError as error:
        ...     print(str(error).split(";")[0])
        A sketch was asked for with units=0 (Input should be greater than or equal to 1)
        """
        try:
            if sizes:
                cls.model_validate(sizes)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            size, value = str(problem["loc"][0]), problem["input"]
            raise InputError(
                f"A sketch was asked for with {size:.40}={value!r:.40} ({problem['msg']}); give whole numbers of "
                f"{', '.join(cls.model_fields)}."
            ) from None
        return super().__new__(cls)

    def same_sizes(self, other: SketchSpec) -> bool:
        """Whether another sketch differs at most in its version: what similarities read is the same in all."""
        return self.model_copy(update={"version": other.version}) == other

    def at(self, effort: Effort) -> SketchSpec:
        """The sizes at an effort: ``screen`` keeps a subset of the indices of ``standard`` and ``full``."""
        if effort != "screen":
            return self
        return self.model_copy(update={name: min(getattr(self, name), most) for name, most in _SCREEN.items()})


_SCREEN = {"units": 32, "expert_units": 4, "channels": 4, "keys": 16}


@cache
def chosen_indices(purpose: str, size: int, count: int) -> NDArray[np.intp]:
    """The ``count`` indices below ``size`` with the smallest keys, ascending; all if fewer.

    The key of an index does not depend on ``size``, and smaller choices are subsets of larger ones, so models of
    different widths keep common indices.
    """
    stream = hashlib.shake_256(f"verify sketch 1 indices {purpose}".encode()).digest(8 * size)
    keys = np.frombuffer(stream, dtype=">u8")
    chosen = np.sort(np.argsort(keys, kind="stable")[:count])
    chosen.flags.writeable = False
    return chosen


@cache
def projection(width: int, dimensions: int) -> NDArray[np.float64]:
    """Matrix of random signs, shape [width, dimensions], that projects weight vectors."""
    bits = width * dimensions
    stream = hashlib.shake_256(f"verify sketch 1 projection {width}".encode()).digest(-(-bits // 8))
    signs = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[:bits].astype(np.float64) * 2 - 1
    signs.flags.writeable = False
    return signs.reshape(width, dimensions)


def unit_planes(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Pairs of rows [..., 2, k] (or single ones, [..., 1, k]) scaled to length 1 together, in float16.

    Commutes with turns of a pair by quarters: these exchange its rows and change a sign.
    """
    return unit_rows(x.reshape(*x.shape[:-2], -1)).reshape(x.shape)


def unit_rows(x: NDArray[np.floating], dtype: str = "float16") -> NDArray[np.floating]:
    """Rows scaled to length 1, by default in float16; dead and non-finite rows become zero.

    Scaling rows separately commutes with permutations and sign flips of rows, and removes a positive rescaling of a
    unit, which leaves its function unchanged.
    """
    y = np.asarray(x, dtype=np.float64)
    y = np.where(np.isfinite(y).all(-1, keepdims=True), y, 0.0)
    largest = np.abs(y).max(-1, keepdims=True, initial=0.0)
    y = y / np.where(largest > 0, largest, 1.0)  # first, so that tiny rows do not underflow
    length = np.sqrt((y * y).sum(-1, keepdims=True))
    return (y / np.where(length > 0, length, 1.0)).astype(dtype)
