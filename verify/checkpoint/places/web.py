"""A folder on a web server: its listing where it has one, else the files that checkpoints usually have."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ...base import Cache, CheckpointError
from .http import (
    TIMEOUT,
    Get,
    RangeFetch,
    Reply,
    Resource,
    joined,
    read_reply,
    size_of,
    split,
    validator,
    without_secrets,
)
from .kept import Kept
from .place import CARD, INDEX, NoFileError, Place
from .ranges import Meter, RemoteFile, all_of
from .retry import TransientError, persistently

_LARGEST_LISTING = 1 << 22  # bytes
_USUAL = (
    "config.json",
    "model.safetensors",
    INDEX,
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    CARD,
)
_LINK = re.compile(r"""href\s*=\s*["']?([^"'?#>\s]{1,2000})""", re.IGNORECASE)


@dataclass
class WebFolder:
    """A folder by its URL, which ends with a slash; with a query there is only the file that it signs."""

    url: str = field(repr=False)
    query: str = field(default="", repr=False)
    only: str | None = None
    """The one file, where the address has a query."""
    revision: None = None
    state: None = None
    meter: Meter = field(init=False)
    _found: dict[str, RemoteFile] = field(default_factory=dict, repr=False)
    _listed: list[str] | None = None

    def __post_init__(self) -> None:
        self.meter = Meter.of(self, self.origin)
        self._get = _get()

    @property
    def name(self) -> str:
        """Last part of the address, else the host."""
        parts = urlsplit(self.url)
        return unquote(PurePosixPath(parts.path).name) or (parts.hostname or "")

    @property
    def origin(self) -> str:
        """The address, without secrets."""
        return without_secrets(self.url)

    def names(self) -> list[str]:
        """Names of the files known to be inside, ordered."""
        if self.only is not None:
            return [self.only]
        if self._listed is None:
            found = self._links()
            if found.isdisjoint(_USUAL):
                found |= {name for name in _USUAL if self._probe(name) is not None}
            if INDEX in found:
                found |= _shards(self.small(INDEX))
            self._listed = sorted(found)
        return self._listed

    def folders(self) -> list[str]:
        """None: links of a listing may lead anywhere, and are not followed."""
        return []

    def folder(self, name: str) -> WebFolder:
        """A folder directly inside."""
        return WebFolder(f"{self.url}{quote(name)}/")

    def file(self, name: str) -> RemoteFile:
        """A file, as it is now."""
        found = self._probe(name)
        if found is None:
            raise NoFileError(f"{self.origin} has no file {name!r:.120}; check the address.")
        return found

    def small(self, name: str) -> bytes:
        """All of a small file."""
        return all_of(self.file(name))

    def _probe(self, name: str) -> RemoteFile | None:
        """A file by asking for its first byte; None where the server has none that it would give."""
        if name in self._found:
            return self._found[name]
        resource = self._resource(name)
        try:
            reply = persistently(lambda: resource.part(0, 1), name)
        except _AbsentError:
            return None
        size = size_of(reply)
        if size is None:
            raise CheckpointError(f"The server does not say how many bytes {name!r:.120} has; download it.")
        version = validator(reply.headers)
        identity = {"origin": self.origin, "file": name, "content": f"{size} {version}"}
        if self.query:
            identity["query"] = sha256(self.query.encode()).hexdigest()
        kept = None if version is None else Kept(Cache.default(), identity, size)
        fetch = RangeFetch(resource, size, version)
        self._found[name] = RemoteFile(name, size, fetch, self.meter, kept)
        return self._found[name]

    def _resource(self, name: str) -> Resource:
        return Resource(self._get, self.url + quote(name) + self.query, {}, name or self.name, _refusal)

    def _links(self) -> set[str]:
        """Names that the server's listing of the folder links to; empty where it has none."""
        resource = self._resource("")
        try:
            reply = persistently(lambda: resource.whole(_LARGEST_LISTING), self.name)
        except _AbsentError:
            return set()
        if "html" not in reply.headers.get("content-type", ""):
            return set()
        base = self.url.partition("?")[0]
        links = [html.unescape(link) for link in _LINK.findall((reply.body or b"").decode("utf-8", "replace"))]
        targets = [target for link in links if (target := joined(base, link)) is not None]
        names = {unquote(target[len(base) :]) for target in targets if target.startswith(base)}
        return {name for name in names if name and name.isprintable() and "/" not in name and name[0] != "."}


class _AbsentError(CheckpointError):
    """The server has no such file, or does not give it."""


def find_on_web(text: str) -> tuple[Place, str | None]:
    """The folder that an ``https://`` address means, and the file in it unless the address ends with a slash."""
    parts = split(text)
    if not parts.hostname:
        raise CheckpointError(f"{without_secrets(text)!r:.200} names no host; give https://host/folder/ or a file.")
    path, _, name = parts.path.rpartition("/")
    folder, query = f"{parts.scheme}://{parts.netloc}{path}/", f"?{parts.query}" if parts.query else ""
    name = unquote(name)
    return WebFolder(folder, query, name if query else None), name or None


def _shards(index: bytes) -> set[str]:
    """Files of an index; whether it is sound is for its reader to say."""
    try:
        names = json.loads(index)["weight_map"].values()
        return {name for name in names if name.isprintable() and "/" not in name}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return set()


def _refusal(what: str, reply: Reply) -> CheckpointError:
    if reply.status in (401, 403, 404, 410):
        return _AbsentError(f"The server does not give {what!r:.120} (status {reply.status}); check the address.")
    return CheckpointError(f"The server refuses {what!r:.120} (status {reply.status}); try again later.")


def _get() -> Get:
    """GET by the session of fsspec's file system, which takes proxies and certificates from its configuration."""
    try:
        import aiohttp
        import fsspec
        from fsspec.asyn import sync
    except ImportError as error:
        raise CheckpointError(
            "Reading from the web takes fsspec and aiohttp; pip install 'verify-lineage[remote]'."
        ) from error
    system: Any = fsspec.filesystem("https")
    timeout = aiohttp.ClientTimeout(total=None, connect=TIMEOUT, sock_read=TIMEOUT)

    async def ask(url: str, headers: dict[str, str], limit: int) -> Reply:
        session = await system.set_session()
        async with session.get(url, headers=headers, allow_redirects=False, timeout=timeout) as answer:
            enough = answer.content_length is not None and answer.content_length > limit
            blocks = []
            total = 0
            while not enough and total <= limit and (block := await answer.content.readany()):
                blocks.append(block)
                total += len(block)
            return read_reply(answer.status, answer.headers, blocks, limit)

    def get(url: str, headers: dict[str, str], limit: int) -> Reply:
        try:
            return sync(system.loop, ask, url, headers, limit)  # type: ignore[no-any-return]
        except (OSError, aiohttp.ClientError) as error:
            raise TransientError(type(error).__name__) from None  # the message may hold a signed address

    return get
