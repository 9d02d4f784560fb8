"""Byte ranges by HTTP (RFC 9110, section 14): what is asked for or an error, never more and never a mixture.

Redirects are followed here, whatever the client: the target is remembered, so that later ranges go there at once, and
an authorization never leaves the origin that it was meant for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from ...base import CheckpointError, DamagedError, HostileError, NetworkError, OptionError, UnsupportedError
from .retry import TransientError

TIMEOUT = 30.0  # seconds without a byte
LARGEST = 2**53  # bytes of one file that are believed
_SURPLUS = 1 << 20  # bytes more than wanted that are taken from a server without ranges
_REDIRECTS = 5
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of answers that another attempt may mend."""
_REFUSED = (401, 403, 404, 410)


class Reply(NamedTuple):
    """An answer of a server."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes | None
    """None where it is longer than was allowed."""


Get = Callable[[str, dict[str, str], int], Reply]
"""GET of a URL with headers, without following redirects; reads a body up to a number of bytes, and no more than a
block beyond.

Raises
------
TransientError
    If there is no answer.
"""

Refusal = Callable[[str, Reply], CheckpointError]
"""The error for an answer that is neither success nor a transient failure, given what was asked for."""


@dataclass
class Resource:
    """One URL and how it is asked; ``name`` is for messages, which never show the URL."""

    get: Get = field(repr=False)
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    name: str
    refusal: Refusal = field(repr=False)
    _target: str | None = field(default=None, repr=False)
    """Where the URL redirects to."""

    def whole(self, limit: int) -> Reply:
        """The resource from its beginning, and what else the answer says; the body is None if it is longer."""
        return self._successful({}, limit)

    def part(self, start: int, stop: int) -> Reply:
        """An answer to a request for a range."""
        return self._successful({"range": f"bytes={start}-{stop - 1}"}, stop - start + _SURPLUS)

    def _successful(self, more: dict[str, str], limit: int) -> Reply:
        reply = self._followed(more, limit)
        if self._target is not None and reply.status in _REFUSED:  # signed targets expire
            self._target = None
            reply = self._followed(more, limit)
        if reply.status in BUSY:
            raise TransientError(f"status {reply.status}", retry_after(reply.headers))
        if not (200 <= reply.status < 300 or reply.status in (412, 416)):
            raise self.refusal(self.name, reply)
        if reply.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedError(f"The server sends {self.name} compressed, which has no byte ranges; download it.")
        return reply

    def _followed(self, more: dict[str, str], limit: int) -> Reply:
        url = self._target or self.url
        for _ in range(_REDIRECTS):
            headers = self.headers if origin(url) == origin(self.url) else _public(self.headers)
            reply = self.get(url, headers | more | {"accept-encoding": "identity"}, limit)
            if reply.status not in (301, 302, 303, 307, 308) or "location" not in reply.headers:
                if reply.status < 300 and url != self.url:
                    self._target = url
                return reply
            target = joined(url, reply.headers["location"])
            if target is None:
                raise DamagedError(f"The server redirects {self.name} to no address; check the address.")
            if urlsplit(target).scheme not in ("https", urlsplit(url).scheme):
                raise HostileError(f"The server redirects {self.name} to an unsafe address; check the address.")
            url = target
        raise HostileError(f"The server redirects {self.name} more than {_REDIRECTS} times; check the address.")


@dataclass
class RangeFetch:
    """Ranges of a resource of known size; ``validator`` is the strong ETag or date that every answer must bear."""

    resource: Resource
    size: int
    validator: str | None = None

    def __call__(self, start: int, stop: int) -> bytes:
        """Bytes from ``start`` up to ``stop``."""
        reply = self.resource.part(start, stop)
        body = reply.body
        if reply.status in (412, 416) or (self.validator and validator(reply.headers) not in (None, self.validator)):
            raise changed(self.resource.name)
        if reply.status == 206:
            found = content_range(reply.headers)
            if found is not None and found[2] != self.size:
                raise changed(self.resource.name)
            if found is None or found[:2] != (start, stop) or body is None or len(body) > stop - start:
                raise DamagedError(f"The server answers with other bytes of {self.resource.name}; download it.")
        elif body is None:
            raise UnsupportedError(
                f"The server has no byte ranges and would send all {self.size} bytes of {self.resource.name}; "
                "download it and give the folder."
            )
        else:
            length = _count(reply.headers.get("content-length"))
            if (len(body) if length is None else length) != self.size:
                raise changed(self.resource.name)
            body = body[start:stop]
        if len(body) < stop - start:
            raise TransientError(f"{len(body)} of {stop - start} bytes arrived")
        return body


def read_reply(status: int, headers: Mapping[str, str], blocks: Iterable[bytes], limit: int) -> Reply:
    """An answer with its body, of which no more than ``limit`` bytes (and one block) are read.

    Parameters
    ----------
    status : HTTP status.
    headers : headers of the answer.
    blocks : the body, in blocks.
    limit : bytes of the body to read, at most (and one block).

    Returns
    -------
    Reply
        The answer; its body is None if it is longer than ``limit``.
    """
    found = {name.lower(): value for name, value in headers.items()}
    if (_count(found.get("content-length")) or 0) > limit:
        return Reply(status, found, None)
    body = bytearray()
    for block in blocks:
        body += block
        if len(body) > limit:
            return Reply(status, found, None)
    return Reply(status, found, bytes(body))


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """First byte, the one after the last, and size of the whole, of ``Content-Range``; None where it says less."""
    match = re.fullmatch(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16})", headers.get("content-range", "").strip())
    if match is None:
        return None
    first, last, size = map(int, match.groups())
    return (first, last + 1, size) if first <= last < size < LARGEST else None


def size_of(reply: Reply) -> int | None:
    """Bytes of the whole resource, as an answer to a request for its first bytes says; None where it does not."""
    if reply.status == 206:
        found = content_range(reply.headers)
        return found[2] if found else None
    if reply.status == 416:
        return 0 if reply.headers.get("content-range", "").strip() == "bytes */0" else None
    if (length := _count(reply.headers.get("content-length"))) is not None:
        return length
    return None if reply.body is None else len(reply.body)


def validator(headers: Mapping[str, str]) -> str | None:
    """What tells one version of a resource from another: its strong ETag, else its date; None where it has none."""
    etag = headers.get("etag", "").strip()
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified")


def changed(name: str) -> NetworkError:
    """The error for a file that is no longer what it was."""
    return NetworkError(f"{name} changed while it was read; start again.")


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def split(url: str) -> SplitResult:
    """The parts of an address.

    Raises
    ------
    CheckpointError
        If no server can have it: brackets that do not close, a port beyond 65535, a name of a host that is too long.
    """
    try:
        parts = urlsplit(url)
        sound = parts.port is None or parts.port > 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # UnicodeError among them
        sound = False
    if not sound:
        raise OptionError(f"{without_secrets(url)!r:.200} is no address that a server can have; check it.")
    return parts


def joined(base: str, link: str) -> str | None:
    """What a link in a page, or a redirection, leads to; None if that is no address."""
    try:
        target = urljoin(base, link)
        split(target)
    except (ValueError, CheckpointError):
        return None
    return target


def without_secrets(url: str) -> str:
    """An address without user, password, query and fragment, even if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        scheme, _, rest = re.split("[?#]", url)[0].rpartition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _public(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")}


def _count(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,15}", text.strip()) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; None where it does not say."""
    text = headers.get("retry-after", "")
    if (seconds := _count(text)) is not None:
        return float(seconds)
    if limit := re.search(r";\s*t=([0-9]{1,6})", headers.get("ratelimit", "")):  # the Hub's, an IETF draft
        return float(limit[1])
    try:
        moment = parsedate_to_datetime(text)
        wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())
