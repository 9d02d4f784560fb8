"""Dated evidence as a user gives it: a time stamp in a file, or an address of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..base import InputError, read_regular
from ..base.time_stamps import LONGEST, Stamped, certificates, stamped
from ..checkpoint import Location, hub_dates
from .dated import LONGEST_DOCUMENT, Dated, HubCommits, HubFile, Side, TimeStamp, dated, in_text, wanted
from .subject import Subject

_LONGEST_ROOTS = 1 << 20
_MOST = 64
"""Pieces of evidence for one model."""
_HUB = "hf://"


def trusted(paths: Sequence[str | os.PathLike[str]]) -> list[bytes]:
    """The root certificates in some files, each in DER.

    Parameters
    ----------
    paths : files in PEM or DER.

    Raises
    ------
    InputError
        If one cannot be read, or holds no certificate.
    VerifyError
        If the extra ``dated`` is not installed.
    """
    found: list[bytes] = []
    for path in map(Path, paths):
        try:
            found += certificates(_bytes(path, _LONGEST_ROOTS))
        except InputError as error:
            raise InputError(f"The certificate {path.name!r:.120}: {error}") from error
    return list(dict.fromkeys(found))


class Piece(NamedTuple):
    """A piece of evidence that was opened, and not yet bound to a model."""

    given: str
    stamp: Stamped | None
    """What a time stamp states; None for an address of the Hub."""


def opened(side: Side, given: Sequence[str], roots: Sequence[bytes]) -> tuple[Piece, ...]:
    """Pieces of evidence, the signatures of which hold; called before weights are read, which may take long.

    Parameters
    ----------
    side : of which model they are.
    given : paths of time stamps, or addresses ``hf://org/model@revision``.
    roots : root certificates of authorities, in DER.

    Raises
    ------
    InputError
        If one cannot be read, does not hold or is not on the Hub, or there are more than 64.
    VerifyError
        If a time stamp is given, and the extra ``dated`` is not installed.
    """
    if len(given) > _MOST:
        raise InputError(f"{len(given)} pieces of evidence of {side.upper()} are given; give at most {_MOST}.")
    found: list[Piece] = []
    for one in dict.fromkeys(given):
        with _named(side, one):
            if one.startswith(_HUB):
                hub_dates(Location(one), ())  # whether it is there
                found.append(Piece(one, None))
                continue
            if not roots:
                raise InputError("No root certificate of its authority is given to check it with; give it (--tsa).")
            found.append(Piece(one, stamped(_bytes(Path(one), LONGEST), roots)))
    return tuple(found)


def dates(side: Side, model: Subject, pieces: Sequence[Piece], created: str) -> tuple[Dated, ...]:
    """What pieces of evidence show of a model.

    Parameters
    ----------
    side : which model it is.
    model : the model.
    pieces : what :func:`opened` returned.
    created : time of the report, in ISO 8601.

    Returns
    -------
    tuple of Dated
        In the order given, without repetitions.

    Raises
    ------
    InputError
        If one covers nothing of the model, or is of a time after the report.
    """
    found: dict[Dated, None] = {}
    for one in pieces:
        with _named(side, one.given):
            if not wanted(model):
                raise InputError(
                    f"{model.name!r:.120} was not read whole, so there is no digest to bind it to; compare at full "
                    "effort (--effort full)."
                )
            evidence = _of_hub(one.given, model) if one.stamp is None else _of_file(Path(one.given), model, one.stamp)
            found[dated(side, model, evidence, created)] = None
    return tuple(found)


@contextmanager
def _named(side: Side, given: str) -> Iterator[None]:
    """Refusals say which piece it is of; a folder's name is left out."""
    try:
        yield
    except InputError as error:
        name = given if given.startswith(_HUB) else Path(given).name
        raise type(error)(f"The evidence {name!r:.160} of {side.upper()}: {error}") from error


def _of_hub(address: str, model: Subject) -> HubCommits:
    """What the Hub states of the files of a model; of a file that is there twice, the earlier commit."""
    digests = wanted(model)
    origin, revision, found = hub_dates(Location(address), digests)
    if not found:
        raise InputError(
            f"The Hub has no file there with the sha256 of a file of {model.name!r:.120}; give the repository and "
            "revision of the very files that are compared."
        )
    earliest = {one.sha256: one for one in sorted(found, key=lambda one: (one.time, one.path), reverse=True)}
    files = tuple(
        HubFile(path=one.path, sha256=one.sha256, commit=one.commit, time=in_text(one.time))
        for one in sorted(earliest.values())
    )
    return HubCommits(origin=origin, revision=revision, files=files)


def _of_file(path: Path, model: Subject, found: Stamped) -> TimeStamp:
    """A time stamp over a file of weights, or over the document beside it that has its name without the ending."""
    kept = TimeStamp(token=b64encode(found.token).decode(), root=b64encode(found.root).decode())
    if found.algorithm == "sha256" and found.digest in wanted(model):
        return kept
    document = path.with_suffix("")
    if not document.is_file():
        raise InputError(
            f"It is of no file that was read of {model.name!r:.120}, and there is no {document.name!r:.120} beside "
            "it, the document that it may be of; put that there, or give a time stamp of the weights."
        )
    try:
        content = read_regular(document, LONGEST_DOCUMENT)
    except OSError as error:
        raise InputError(
            f"The document {document.name!r:.120} that it may be of cannot be kept ({error.strerror}); have a list "
            "of digests stamped (`sha256sum *.safetensors > SHA256SUMS`), or the weights themselves."
        ) from error
    if hashlib.new(found.algorithm, content).hexdigest() != found.digest:
        raise InputError(
            f"It is of no file that was read of {model.name!r:.120}, and not of {document.name!r:.120} beside it "
            "either; give the file that was stamped."
        )
    name = document.name.encode("utf-8", "replace").decode()  # a name of bytes that are no text
    return kept.model_copy(update={"document": b64encode(content).decode(), "name": name})


def _bytes(path: Path, most: int) -> bytes:
    try:
        return read_regular(path, most)
    except OSError as error:
        raise InputError(f"{path.name!r:.120} cannot be read ({error.strerror}); check the path.") from error
