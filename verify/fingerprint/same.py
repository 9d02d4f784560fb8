"""Check that two fingerprints that state the same weights hold the same numbers.

The author of a fingerprint writes the digests of weights and files in it, so equal digests alone prove nothing.
Numbers computed from the same weights on other processors may differ in the last bits and, for a row of almost no
length, in direction; values of single weights may not.

Numbers on tokens also depend on the tokenizer, of which a fingerprint states only the anchors: if these differ, they
are not compared. Two fingerprints made here from weights are trusted, whatever tokenizer or configuration lies beside
one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..base import FingerprintError
from ..checkpoint import Architecture, FileIdentity
from .layout import Arrays
from .record import Fingerprint, PartRecord
from .sketch import Effort

_RELATIVE = {"float16": 2.0**-9, "float32": 2.0**-16, "float64": 2.0**-26}
_ABSOLUTE = 2.0**-20  # absolute rounding error
_ON_TOKENS = {
    "response",
    "key_responses",
    "heads",
    "routers",
    "latent_responses",
    "match",
    "stream",
    "gram",
    "circuit",
    "spectrum",
    "unused",
    "scales",
}
_MOST_ROWS = dict.fromkeys(
    ("response", "key_responses", "heads", "routers", "latent_responses", "match", "circuit", "spectrum"), 0.01
)
"""Share of rows that may differ for components that are centred, ordered by size or multiplied; none for others."""


class Stating(Protocol):
    """A record that states the identity of a model's weights."""

    @property
    def effort(self) -> Effort: ...  # noqa: D102
    @property
    def content_sha256(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> Sequence[FileIdentity]: ...  # noqa: D102
    @property
    def architecture(self) -> Architecture: ...  # noqa: D102
    @property
    def part(self) -> str: ...  # noqa: D102
    @property
    def parts(self) -> Sequence[PartRecord]: ...  # noqa: D102


class StatedWeights(NamedTuple):
    """The identity of a model's weights, as stated."""

    content: str
    """Digest of all learned tensors; empty if not all were read."""
    files: str
    """Digests of all files, and the architecture; empty if one was not read whole."""
    part: str = ""
    """Name of the part that is described; empty for a model that is not known to have parts."""


def stated_weights(model: Stating, *, whole: bool | None = None) -> StatedWeights:
    """The identity that a record states; ``whole`` overrides whether its digest covers all tensors."""
    whole = model.effort == "full" if whole is None else whole
    whole = whole and not any(part.sha256 is None for part in model.parts)  # of one part alone, the others are unread
    digests = sorted(file.sha256 or "" for file in model.files)
    known = digests and "" not in digests
    files = " ".join([*digests, model.architecture.model_dump_json()]) if known else ""
    return StatedWeights(model.content_sha256 if whole else "", files, model.part)


def same_weights(a: StatedWeights, b: StatedWeights) -> bool:
    """Whether the same learned tensors are stated or, if not all were read, one part of the same files.

    One file under two configurations or layouts may be two models; file names do not matter.
    """
    if a.content and b.content:
        return a.content == b.content
    return a.files == b.files != "" and (a.part == b.part or "" in (a.part, b.part))


def identical(a: Stating, b: Stating) -> bool:
    """Whether two models state the same weights; :func:`check_same` checks that they hold the same numbers."""
    return same_weights(stated_weights(a), stated_weights(b))


def nothing_differs(a: Stating, b: Stating) -> bool:
    """Whether all rows that were read of two models agree, of one architecture at one effort."""
    return a.effort == b.effort and a.content_sha256 == b.content_sha256 and a.architecture == b.architecture


def check_same(a: Fingerprint, b: Fingerprint) -> None:
    """Refuse fingerprints of one effort that state the same weights or files but hold different numbers.

    Components that one of them lacks are not compared, nor are two fingerprints that were both made here.

    Raises
    ------
    FingerprintError
        With both names, and the arrays that differ.
    """
    if a.read_from == b.read_from == "weights":
        return
    both = {str(component) for component in a.record.components} & {*b.record.components}
    tokens = [(model.record.pairing, model.record.anchors, model.record.unused) for model in (a, b)]
    if tokens[0] != tokens[1]:
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
    """The difference of two sets of arrays beyond rounding, in words; empty if there is none."""
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
    """Which rows (along the last axis) differ by more than rounding; a single True if the shapes differ."""
    if x.shape != y.shape:
        return np.ones(1, dtype=bool)
    relative = max(_RELATIVE[array.dtype.name] for array in (x, y))
    near = np.isclose(x.astype(np.float64), y.astype(np.float64), rtol=relative, atol=_ABSOLUTE, equal_nan=True)
    found: NDArray[np.bool_] = ~near.all(-1).ravel()
    return found
