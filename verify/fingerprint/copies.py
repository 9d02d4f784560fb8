"""Exact copies among models that were not read whole: if no row read differs, file digests decide."""

from __future__ import annotations

from ..base import Progress, silent
from ..checkpoint import Location, open_checkpoint
from .record import Fingerprint
from .sketch import EFFORTS

_OF_WEIGHTS = ("units.", "values.")
"""Arrays that do not depend on the tokenizer, which may differ between copies."""


def may_be_copies(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two models may be exact copies, so that their files should be read to decide.

    That is, they have the same architecture, files of equal sizes and equal rows, and one was not read whole.
    """
    if a.record.effort == b.record.effort == "full" or a.record.architecture != b.record.architecture:
        return False
    sizes_a, sizes_b = (sorted(file.size for file in model.record.files) for model in (a, b))
    if sizes_a != sizes_b:
        return False
    effort = min((a.record.effort, b.record.effort), key=EFFORTS.index)
    first, second = (_rows(model.at(effort)) for model in (a, b))
    return first == second


def with_file_digests(model: Fingerprint, location: Location, progress: Progress = silent) -> Fingerprint:
    """The fingerprint with the sha256 of each local file; unchanged if there is none or a file changed.

    Nothing is fetched: remote files have the digests that their place gives.

    Parameters
    ----------
    model : the fingerprint.
    location : where its weights lie.
    progress : called while files are read.

    Returns
    -------
    Fingerprint
        With the digests, if they could be computed.
    """
    if all(file.sha256 is not None for file in model.record.files):
        return model
    checkpoint = open_checkpoint(location)
    if not checkpoint.local:
        return model
    files = checkpoint.files(progress=progress)
    recorded, now = ([(file.name, file.size) for file in one] for one in (model.record.files, files))
    if recorded != now:
        return model
    record = model.record.model_copy(update={"files": files})
    return model.with_record(record)


def _rows(model: Fingerprint) -> dict[str, bytes]:
    """The arrays of rows read; if there are none, all arrays."""
    found = {name: array.tobytes() for name, array in model.arrays.items()}
    return {name: content for name, content in found.items() if name.startswith(_OF_WEIGHTS)} or found
