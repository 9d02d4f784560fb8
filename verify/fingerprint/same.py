"""Two fingerprints that state the same weights must hold the same numbers, or one of them states what is not so.

Whoever writes a fingerprint writes the digests of weights and files in it, so equal digests alone show nothing.
Numbers made of the same weights on other processors may differ in the last bits, and where a row has next to no
length, in its direction; what is made of single weights may not.

Numbers on tokens follow the tokenizer too, of which a fingerprint tells only which anchors it knows: where these
differ, they are not compared. Two fingerprints made here of weights at hand are as we made them and state what we
found, whatever tokenizer or configuration lies beside one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..base import FingerprintError
from ..checkpoint import Architecture, FileIdentity
from .layout import Arrays
from .record import Fingerprint
from .sketch import Effort

_RELATIVE = {"float16": 2.0**-9, "float32": 2.0**-16, "float64": 2.0**-26}
_ABSOLUTE = 2.0**-20  # what rounding leaves of zero
_ON_TOKENS = {"response", "match", "stream", "gram", "circuit", "spectrum"}
_MOST_ROWS = {"response": 0.01, "match": 0.01, "circuit": 0.01, "spectrum": 0.01}
"""Share of rows that may differ where they are centred, ordered by size or multiplied; of other kinds none may."""


class Stating(Protocol):
    """A record that states what a model's weights are."""

    @property
    def effort(self) -> Effort: ...  # noqa: D102
    @property
    def content_sha256(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> Sequence[FileIdentity]: ...  # noqa: D102
    @property
    def architecture(self) -> Architecture: ...  # noqa: D102


class StatedWeights(NamedTuple):
    """What is stated of a model's weights."""

    content: str
    """Digest of all learned tensors; empty where not all were read."""
    files: str
    """Digests of all files, and how they are understood; empty where one was not read whole."""


def stated_weights(model: Stating, *, whole: bool | None = None) -> StatedWeights:
    """What a record states; ``whole``, if not by its effort: whether its digest is of all learned tensors."""
    whole = model.effort == "full" if whole is None else whole
    digests = sorted(file.sha256 or "" for file in model.files)
    known = digests and "" not in digests
    files = " ".join([*digests, model.architecture.model_dump_json()]) if known else ""
    return StatedWeights(model.content_sha256 if whole else "", files)


def same_weights(a: StatedWeights, b: StatedWeights) -> bool:
    """Whether the same learned tensors are stated; where not all were read, the same files of one architecture.

    One file under two configurations or layouts may be two models; how files are called does not matter.
    """
    return a.content == b.content if a.content and b.content else a.files == b.files != ""


def identical(a: Stating, b: Stating) -> bool:
    """Whether two models state the same weights; what is stated must be what is held, so see :func:`check_same`."""
    return same_weights(stated_weights(a), stated_weights(b))


def nothing_differs(a: Stating, b: Stating) -> bool:
    """Whether all rows that were read of two models agree, of one architecture at one effort."""
    return a.effort == b.effort and a.content_sha256 == b.content_sha256 and a.architecture == b.architecture


def check_same(a: Fingerprint, b: Fingerprint) -> None:
    """Refuse fingerprints of one effort, stated to be of the same weights or files, that hold different numbers.

    A component that one was cut down to lack is not compared, nor are two fingerprints that were both made here.

    Raises
    ------
    FingerprintError
        Naming both, and the arrays that differ.
    """
    if a.read_from == b.read_from == "weights":
        return
    both = {str(component) for component in a.record.components} & {*b.record.components}
    if (a.record.pairing, a.record.anchors) != (b.record.pairing, b.record.anchors):
        both -= _ON_TOKENS
    held = [{name: x for name, x in model.arrays.items() if name.split(".")[0] in both} for model in (a, b)]
    if differing := difference(*held):
        stated = f"weights (sha256 {a.record.content_sha256:.16}...)"
        if a.record.part and a.record.effort == "full" and a.record.content_sha256 != b.record.content_sha256:
            stated = f"weights of a part ({a.record.part!r:.80})"
        elif a.record.content_sha256 != b.record.content_sha256:
            stated = f"files (sha256 {a.record.files[0].sha256!s:.16}... and so on)"
        raise FingerprintError(
            f"The fingerprints of {a.record.name!r:.120} and {b.record.name!r:.120} state the same {stated} and hold "
            f"different numbers ({differing}), so one of them is not of what it states, or they were made by "
            "different tokenizers or configurations; give the weights of both."
        )


def difference(a: Arrays, b: Arrays) -> str:
    """What differs between two sets of arrays by more than rounding, in words; empty where nothing does."""
    if a.keys() != b.keys():
        return f"array {min(a.keys() ^ b.keys())!r:.80} in one alone"
    rows: dict[str, list[NDArray[np.bool_]]] = {}
    for name in sorted(a):
        parts = name.split(".")
        kind = next((part for part in parts if part in _MOST_ROWS), parts[0])
        rows.setdefault(kind, []).append(_rows_apart(a[name], b[name]))
    for kind, found in rows.items():
        apart = np.concatenate(found)
        if apart.sum() > _MOST_ROWS.get(kind, 0.0) * apart.size:
            return f"{int(apart.sum())} of {apart.size} rows of {kind!r}"
    return ""


def _rows_apart(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which rows (of the last axis) differ by more than rounding; one that does where the shapes differ."""
    if x.shape != y.shape:
        return np.ones(1, dtype=bool)
    relative = max(_RELATIVE[array.dtype.name] for array in (x, y))
    near = np.isclose(x.astype(np.float64), y.astype(np.float64), rtol=relative, atol=_ABSOLUTE, equal_nan=True)
    found: NDArray[np.bool_] = ~near.all(-1).ravel()
    return found
