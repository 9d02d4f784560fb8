"""Arrays ``scales.*``: what re-parametrisations of a network alter, for descriptions and no test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .layout import gains_name
from .scan import Scan

Arrays = dict[str, NDArray[np.floating]]


def sampled_gains(scan: Scan, checkpoint: Checkpoint, layer: int) -> Arrays:
    """Mean, standard deviation, least and largest of the gains in a layer, of norms that have one.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : that the layer is of.
    layer : number of the layer.

    Returns
    -------
    dict of str to numpy arrays
        As the table of :mod:`verify.fingerprint.layout` says.
    """
    found: Arrays = {}
    for sublayer in ("attn", "mlp"):
        norm = checkpoint.norm_before(sublayer, layer)
        if norm is not None:
            gain = scan.gain(norm)
            summary = [gain.mean(), gain.std(), gain.min(), gain.max()]
            found[f"scales.{layer}.{gains_name(sublayer)}"] = np.array(summary)
    return found


def lengths(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Lengths of rows, shape [n]; 0 of rows that are not finite, or too long for float32."""
    found = np.sqrt(np.square(rows).sum(-1))
    finite: NDArray[np.float32] = np.where(found < np.finfo(np.float32).max, found, 0.0).astype(np.float32)
    return finite
