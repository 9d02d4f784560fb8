"""Two fingerprints that state the same weights must hold the same numbers, or one of them states what is not so.

Whoever writes a fingerprint writes the digests of weights and files in it, so equal digests alone show nothing.
Numbers made of the same weights on other processors may differ in the last bits, and where a row has next to no
length, in its direction; what is made of single weights may not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import FingerprintError
from .record import Fingerprint

_RELATIVE = {"float16": 2.0**-9, "float32": 2.0**-16, "float64": 2.0**-26}
_ABSOLUTE = 2.0**-20  # what rounding leaves of zero
_MOST_ROWS = {"response": 0.01, "match": 0.01, "circuit": 0.01, "spectrum": 0.01}
"""Share of rows that may differ of what is centred, ordered by size or multiplied: no row of other components may."""


def check_same(a: Fingerprint, b: Fingerprint) -> None:
    """Refuse fingerprints of one effort, stated to be of the same weights, that hold different numbers.

    Raises
    ------
    FingerprintError
        Naming both, and the arrays that differ.
    """
    if differing := _differing(a, b):
        stated = f"weights (sha256 {a.record.content_sha256:.16}...)"
        if a.record.content_sha256 != b.record.content_sha256:
            stated = f"files (sha256 {a.record.files[0].sha256!s:.16}... and so on)"
        raise FingerprintError(
            f"The fingerprints of {a.record.name!r:.120} and {b.record.name!r:.120} state the same {stated} and hold "
            f"different numbers ({differing}), so one of them is not of what it states; make both again from the "
            "weights."
        )


def _differing(a: Fingerprint, b: Fingerprint) -> str:
    """What differs, or nothing; a component that one was cut down to lack is not compared."""
    for component in a.record.components:
        if component not in b.record.components:
            continue
        names_a, names_b = ({name for name in model.arrays if name.split(".")[0] == component} for model in (a, b))
        if names_a != names_b:
            return f"not the same arrays of {component!r}"
        rows = [_rows_apart(a.arrays[name], b.arrays[name]) for name in sorted(names_a)]
        apart = np.concatenate(rows) if rows else np.zeros(0, dtype=bool)
        if apart.sum() > _MOST_ROWS.get(component, 0.0) * apart.size:
            return f"{int(apart.sum())} of {apart.size} rows of {component!r}"
    return ""


def _rows_apart(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which rows (of the last axis) differ by more than rounding; all where the shapes differ."""
    if x.shape != y.shape:
        return np.ones(max(x[..., 0].size, y[..., 0].size), dtype=bool)
    relative = max(_RELATIVE[array.dtype.name] for array in (x, y))
    x, y = x.astype(np.float64), y.astype(np.float64)
    apart = ~np.isclose(x, y, rtol=relative, atol=_ABSOLUTE, equal_nan=True)
    found: NDArray[np.bool_] = apart.any(-1).ravel()
    return found
