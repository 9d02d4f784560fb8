"""Cut a fingerprint to a smaller one of the same model, along the axes in the table of arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, StatisticsError
from ..base.arrays import distinct
from .anchors import shared_anchors
from .layout import ArraySpec, Component, specs, subset, table
from .record import Fingerprint
from .sketch import unit_planes, unit_rows

_OF_ARCHITECTURE = ("layers", "kv_heads", "experts")
_OF_SKETCH = ("units", "expert_units", "channels", "stream", "match_units", "match_expert_units")
_OF_WHOLE_MATRICES: tuple[Component, ...] = ("circuit", "spectrum", "spread")


def on_shared_anchors(a: Fingerprint, b: Fingerprint) -> tuple[Fingerprint, Fingerprint]:
    """Both fingerprints with their anchor axes cut to the shared anchors; see :func:`on_anchors`."""
    shared = shared_anchors(a.record, b.record)
    return _at_anchors(a, shared), _at_anchors(b, shared)


def on_anchors(model: Fingerprint, positions: Iterable[int]) -> Fingerprint:
    """A fingerprint with its anchor axes cut to a token list, such as the common one of a panel.

    Responses are centred again over the remaining tokens, and arrays are scaled again as in the table.

    Parameters
    ----------
    positions : positions in the frozen anchor list, in any order.

    Raises
    ------
    StatisticsError
        If the model does not know one of the tokens.
    """
    wanted = distinct(np.fromiter(positions, dtype=np.int64))
    unknown = wanted[~np.isin(wanted, model.record.anchors)]
    if len(unknown):
        raise StatisticsError(
            f"{model.record.name} does not know the anchor tokens at {unknown.tolist()}; choose among its own."
        )
    return _at_anchors(model, wanted)


def reduced(model: Fingerprint, **most: int) -> Fingerprint:
    """The main part reduced to fewer layers, heads, copies, or rows, as a smaller sketch of a shorter model.

    Arrays keep their names. The first layers, kv heads and experts are kept, the units of largest response, and of
    rows chosen by index those that a sketch of that size chooses, whatever the weights. If layers, heads or experts
    are cut, arrays of whole matrices (circuits, spectra, spread) are dropped.

    Parameters
    ----------
    most : largest number to keep, at least 1, of ``layers``, ``kv_heads``, ``experts``, ``units``, ``expert_units``,
        ``channels``, ``stream``, ``match_units`` and ``match_expert_units``. A number that is not given, or larger
        than the present one, changes nothing.

    Returns
    -------
    Fingerprint
        Its record has the reduced sizes, so the table of arrays describes it. Its digest and count of bytes remain
        those of the whole.

    Raises
    ------
    InputError
        If there is no such size, or one is below 1.

    Examples
    --------
    >>> from verify.data import model
    >>> from verify.fingerprint import fingerprint
    >>> small = reduced(fingerprint(model("reference")), layers=2, kv_heads=1, units=16)
    >>> small.arrays["units.0.mlp.up"].shape, "units.2.mlp.up" in small.arrays
    ((1, 16, 32), False)
    """
    record = model.record
    for name, value in most.items():
        if name not in _OF_ARCHITECTURE + _OF_SKETCH or value < 1:
            raise InputError(
                f"A fingerprint was to be cut to {name}={value!r:.40}; give a number of 1 or more of "
                f"{', '.join(_OF_ARCHITECTURE + _OF_SKETCH)}."
            )
    shape: dict[str, Any] = {
        name: min(getattr(record.architecture, name), most[name]) for name in _OF_ARCHITECTURE if name in most
    }
    sizes = {name: min(getattr(record.sketch, name), most[name]) for name in _OF_SKETCH if name in most}
    if "layers" in shape:
        shape |= {
            name: tuple(layer for layer in getattr(record.architecture, name) if layer < shape["layers"])
            for name in ("no_attention", "no_mlp")
        }
    if record.architecture.kv_heads and "kv_heads" in shape:
        heads, fewer = record.architecture.kv_heads, shape["kv_heads"]
        shape["heads"] = record.architecture.heads // heads * fewer
        sizes["keys"] = max(1, record.sketch.keys * fewer // heads)  # as many rows of each head as before
    changes: dict[str, Any] = {
        "architecture": record.architecture.model_copy(update=shape),
        "sketch": record.sketch.model_copy(update=sizes),
    }
    if (changes["architecture"], changes["sketch"]) == (record.architecture, record.sketch) and not model.parts:
        return model
    if changes["architecture"] != record.architecture:
        changes["components"] = tuple(c for c in record.components if c not in _OF_WHOLE_MATRICES)
        changes["dead"] = tuple(dead for dead in record.dead if dead.layer < changes["architecture"].layers)
    arrays = subset(model.arrays, table(record), table(record.model_copy(update=changes)))
    return model.with_arrays(arrays, **changes)


def _at_anchors(model: Fingerprint, shared: NDArray[np.int64]) -> Fingerprint:
    record = model.record
    if len(shared) == len(record.anchors):
        return model
    where = np.searchsorted(record.anchors, shared)
    arrays = dict(model.arrays)
    for spec in specs(record.architecture, record.sketch, len(record.anchors), unused=len(record.unused)):
        if spec.name in arrays:
            arrays[spec.name] = _array_at(spec, arrays[spec.name], where)
    changes = {"anchors": tuple(int(i) for i in shared), "arrays_sha256": ""}
    return Fingerprint(record.model_copy(update=changes), arrays, read_from=model.read_from, signed=model.signed)


def _array_at(spec: ArraySpec, array: NDArray[np.floating], where: NDArray[np.intp]) -> NDArray[np.floating]:
    """An array at some anchors, scaled again as in the table; unchanged if it has no anchor axis."""
    along = [k for k, axis in enumerate(spec.axes) if axis.name == "anchors"]
    if not along:
        return array
    for k in along:
        array = array.take(where, axis=k)
    if spec.norm == "trace":
        square = array.astype(np.float64)
        return (square / (np.trace(square) or 1.0)).astype(array.dtype)
    if spec.norm == "whole":
        return unit_rows(array.reshape(1, -1), spec.dtype).reshape(array.shape)
    rows = array.astype(np.float64)
    if spec.norm.startswith("centred"):
        rows -= rows.sum(-1, keepdims=True) / max(1, len(where))
    return unit_planes(rows) if spec.norm.endswith("planes") else unit_rows(rows, spec.dtype)
