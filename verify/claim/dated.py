"""Dated evidence: that the bytes of a model existed by a time, who says so, and how that was checked.

**What is shown.** A digest of the SHA-2 family cannot be known before the bytes that it is of. So if an authority saw
the digest of a model's weights at time T, or of any document that holds it, someone had those bytes: they existed by
T. Who wrote the document does not matter, and neither does what else it says: a list of digests, a signed manifest
(``model.sig``), a fingerprint, a report, a pointer of Git LFS. (To publish a digest first and make weights that fit
it later takes about 2^171 steps with SHA-256; MD5 and SHA-1 are broken further, and refused.)

**What is bound.** A piece of evidence covers those files whose sha256 it holds and the report lists, and the learned
numbers if it holds their digest and all were read. A whole model is dated where pieces together cover every file, or
one covers the numbers. Of a model of several parts of which one alone was read, the digest is of that part's numbers,
and so is the date.

**What is not.** Existence by T says nothing of the time before T, so two dates do not tell that the other model did
not exist earlier. Dates enter no test, no p-value and no verdict.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..base import InputError, Record, json_object
from .subject import Subject

HUB = "the Hugging Face Hub"
LONGEST_DOCUMENT = 1 << 22
"""Bytes of a stamped document, which a report keeps: a fingerprint has 1 to 3 MB, a list of digests far less."""
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_MOST_FILES = 100_000
_CLOCKS = timedelta(minutes=1)
"""How far the clocks of an authority and of whoever makes a report may differ."""


def _decoded(text: str) -> bytes:
    """Standard base64 only: one text for its bytes."""
    value = b64decode(text, validate=True)
    if b64encode(value).decode() != text:
        raise ValueError("is not base64 as it was written")
    return value


def _is_base64(text: str) -> str:
    _decoded(text)
    return text


Side = Literal["a", "b"]
Time = Annotated[str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\+00:00$")]
Base64 = Annotated[str, AfterValidator(_is_base64)]


class TimeStamp(Record):
    """A time stamp (RFC 3161) of a digest of the weights, or of a document that holds such digests."""

    kind: Literal["time_stamp"] = "time_stamp"
    token: Base64 = Field(max_length=1 << 16)
    """The token: base64 of its DER."""
    root: Base64 = Field(max_length=1 << 16)
    """The certificate that whoever made the report trusts, and from which the authority's descends: base64 of its
    DER."""
    document: Base64 | None = Field(default=None, max_length=LONGEST_DOCUMENT // 2 * 3)
    """The document that was stamped, in base64; None where a digest of the weights was."""
    name: str | None = Field(default=None, max_length=500)
    """Name of that document."""

    @property
    def root_sha256(self) -> str:
        """Digest by which an authority publishes its root certificate."""
        return hashlib.sha256(_decoded(self.root)).hexdigest()


class HubFile(Record):
    """A file, and the last commit that changed it."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    time: Time
    """ISO 8601, UTC, to the second above."""


class HubCommits(Record):
    """What the Hugging Face Hub stated of its commits when the report was made."""

    kind: Literal["hub_commits"] = "hub_commits"
    origin: str
    """``hf://org/model``."""
    revision: str = Field(pattern="^[0-9a-f]{40}$")
    """The commit that was asked about."""
    files: tuple[HubFile, ...] = Field(min_length=1, max_length=_MOST_FILES)


Evidence = Annotated[TimeStamp | HubCommits, Field(discriminator="kind")]


class Dated(Record):
    """A piece of dated evidence, and what it covers; all but ``evidence`` follows from that and the model."""

    model: Side
    time: Time
    """By which it existed: ISO 8601, UTC, to the second above."""
    who: str = Field(max_length=500)
    """Who says so: the name in the certificate of an authority, or the Hub."""
    files: tuple[str, ...]
    """Names of the files of weights that it covers."""
    numbers: bool
    """Whether it covers the learned numbers, in whatever file."""
    evidence: Evidence

    @property
    def checked(self) -> bool:
        """Whether a signature was checked, and not only a statement recorded."""
        return isinstance(self.evidence, TimeStamp)


def dated(side: Side, model: Subject, evidence: TimeStamp | HubCommits, created: str) -> Dated:
    """What a piece of evidence shows of a model.

    Parameters
    ----------
    side : which model it is.
    model : the model.
    evidence : the evidence.
    created : time of the report, in ISO 8601; evidence of a later time is refused.

    Raises
    ------
    InputError
        If it does not hold, is of a later time than the report, or covers nothing of the model.
    VerifyError
        If a time stamp is to be checked, and the extra ``dated`` is not installed.
    """
    if isinstance(evidence, HubCommits):
        digests, who = {one.sha256 for one in evidence.files}, HUB
        time = max(utc(one.time) for one in evidence.files)
    else:
        from ..base.time_stamps import stamped

        token, root = _decoded(evidence.token), _decoded(evidence.root)
        found = stamped(token, [root])
        time, who = found.time, found.authority
        if evidence.document is None:
            digests = {found.digest} if found.algorithm == "sha256" else set()
        else:
            content = _decoded(evidence.document)
            if hashlib.new(found.algorithm, content).hexdigest() != found.digest:
                raise InputError(f"It is of another file than {evidence.name!r:.120}; give the one that was stamped.")
            digests = holding(content)
    if time > utc(created) + _CLOCKS:
        raise InputError(
            f"It is of {in_text(time)}, after the time of the report ({created:.40}); check the clock of this "
            "machine, and --created."
        )
    files, numbers = _covered(model, digests)
    if not files and not numbers:
        raise InputError(
            f"It holds no digest of {model.name!r:.120}: neither the sha256 of one of its files nor, read in full, "
            "that of its numbers; give evidence of the very files that are compared."
        )
    return Dated(model=side, time=in_text(time), who=who, files=files, numbers=numbers, evidence=evidence)


def holding(document: bytes) -> set[str]:
    """The digests in a document: 64 hexadecimal digits that stand alone, also in the signed part of an envelope.

    Parameters
    ----------
    document : text, or anything that holds digests as text; of a DSSE envelope or a Sigstore bundle in JSON the
        payload is looked at too.

    Examples
    --------
    >>> digest = "ab" * 32
    >>> holding(f"{digest}  model.safetensors".encode()) == {digest}, holding(f"{digest}0".encode())
    (True, set())
    """
    texts = [document]
    try:
        said = json_object(document, most=LONGEST_DOCUMENT) if document[:1] == b"{" else {}
        payload = said.get("dsseEnvelope", said)["payload"]
        texts.append(b64decode(payload))
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    return {one.decode() for text in texts for one in _DIGEST.findall(text.lower())}


def known_by(evidence: Iterable[Dated], model: Subject, side: Side, *, checked: bool) -> str | None:
    """The earliest time by which evidence shows that a whole model existed.

    Parameters
    ----------
    evidence : all of it.
    model : the model.
    side : which one it is.
    checked : whether to take what was checked, or what was only stated.

    Returns
    -------
    str or None
        None if some file of it is covered by none.
    """
    found = needed(evidence, model, side, checked=checked)
    return found[-1].time if found else None


def needed(evidence: Iterable[Dated], model: Subject, side: Side, *, checked: bool) -> tuple[Dated, ...]:
    """The pieces of evidence that together show it by that time, the last of them at the end; none if none do.

    Parameters
    ----------
    evidence, model, side, checked : as of :func:`known_by`.
    """
    left, found = {file.name for file in model.files}, list[Dated]()
    for one in sorted((one for one in evidence if (one.model, one.checked) == (side, checked)), key=lambda x: x.time):
        if one.numbers:
            return (one,)
        if left & {*one.files}:
            found.append(one)
            left -= {*one.files}
            if not left:
                return tuple(found)
    return ()


def part_alone(model: Subject) -> str | None:
    """Name of the only part of a model of several that was read, so that the digest of numbers is of it; else None.

    Each part that is read in full has a digest of its own.

    Parameters
    ----------
    model : the model, read in full.
    """
    return model.part if any(part.sha256 is None for part in model.parts) else None


def wanted(model: Subject) -> set[str]:
    """The digests by which evidence is bound to a model: of its files, and of its numbers if all were read."""
    found = {file.sha256 for file in model.files if file.sha256 is not None}
    return found | ({model.content_sha256} if model.effort == "full" else set())


def in_text(time: datetime) -> str:
    """A time in ISO 8601, UTC, to the second above."""
    whole = time.replace(microsecond=0)
    return (whole if whole == time else whole + timedelta(seconds=1)).astimezone(UTC).isoformat()


def utc(text: str) -> datetime:
    """A time in ISO 8601; without a zone, UTC is meant.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        time = datetime.fromisoformat(text)
        return (time if time.utcoffset() is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text!r:.60} is no time; give one in ISO 8601, such as 2026-01-31T12:00:00Z.") from error


def _covered(model: Subject, digests: set[str]) -> tuple[tuple[str, ...], bool]:
    """Names of the files whose digest is among some, and whether that of the numbers is."""
    uncovered = {file.name for file in model.files if file.sha256 not in digests}
    files = tuple(dict.fromkeys(file.name for file in model.files if file.name not in uncovered))
    return files, model.effort == "full" and model.content_sha256 in digests
