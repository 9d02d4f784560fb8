"""Byte ranges by HTTP (RFC 9110, section 14): exactly the range of one version of a file, or an error.

Redirects are followed here and not by the client: the target is remembered, so that later ranges go there at once,
and an authorization is never sent to another origin.
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
LARGEST = 2**53  # bytes of one file that are accepted
_SURPLUS = 1 << 20  # unwanted bytes accepted from a server without ranges
_REDIRECTS = 5
BUSY = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses of transient failures."""
_REFUSED = (401, 403, 404, 410)


class Reply(NamedTuple):
    """The answer of a server."""

    status: int
    headers: Mapping[str, str]
    """By lower-case names."""
    body: bytes | None
    """None if it is longer than allowed."""


Get = Callable[[str, dict[str, str], int], Reply]
"""GET of a URL with headers, without following redirects; reads at most a given number of bytes of the body, and one
block more.

Raises
------
TransientError
    If there is no answer.
"""

Refusal = Callable[[str, Reply], CheckpointError]
"""Makes the error for a permanent failure, from the name of the file and the answer."""


@dataclass
class Resource:
    """One URL and its request headers; ``name`` is for messages, which never show the URL."""

    get: Get = field(repr=False)
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    name: str
    refusal: Refusal = field(repr=False)
    _target: str | None = field(default=None, repr=False)
    """Target of the redirection."""

    def whole(self, limit: int) -> Reply:
        """GET the resource from its beginning; the body is None if it is longer than ``limit``."""
        return self._successful({}, limit)

    def part(self, start: int, stop: int) -> Reply:
        """GET a range."""
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
    """Fetches ranges of a resource of known size; every answer must have the strong ETag or date ``validator``."""

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
    """Read an answer, of whose body at most ``limit`` bytes, and one block.

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
    """First byte, end and total size in ``Content-Range``; None if one is missing."""
    match = re.fullmatch(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16})", headers.get("content-range", "").strip())
    if match is None:
        return None
    first, last, size = map(int, match.groups())
    return (first, last + 1, size) if first <= last < size < LARGEST else None


def size_of(reply: Reply) -> int | None:
    """Size of the whole resource in bytes, from the answer to a request for its first bytes; or None."""
    if reply.status == 206:
        found = content_range(reply.headers)
        return found[2] if found else None
    if reply.status == 416:
        return 0 if reply.headers.get("content-range", "").strip() == "bytes */0" else None
    if (length := _count(reply.headers.get("content-length"))) is not None:
        return length
    return None if reply.body is None else len(reply.body)


def validator(headers: Mapping[str, str]) -> str | None:
    """The identity of a version of a resource: its strong ETag, else its date, else None."""
    etag = headers.get("etag", "").strip()
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified")


def changed(name: str) -> NetworkError:
    """The error for a file that changed while it was read."""
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
        If it is invalid: unclosed brackets, a port above 65535, or too long a host name.
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
    """The target of a link or redirection; None if it is not an address."""
    try:
        target = urljoin(base, link)
        split(target)
    except (ValueError, CheckpointError):
        return None
    return target


def without_secrets(url: str) -> str:
    """An address without user, password, query and fragment, even if it is invalid."""
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
    """Seconds that the server asks to wait; None if it does not say."""
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
