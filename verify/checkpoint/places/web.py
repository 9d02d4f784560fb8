"""Folders on a web server: their listing if there is one, else the usual files of a checkpoint."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from ...base import (
    AccessDeniedError,
    Cache,
    CheckpointError,
    NetworkError,
    NotFoundError,
    OptionError,
    UnsupportedError,
)
from ..hostile import LARGEST_HEADER, LARGEST_TEXT, parse_json_object
from .client import get
from .http import (
    RangeFetch,
    Reply,
    Resource,
    joined,
    size_of,
    split,
    validator,
    without_secrets,
)
from .place import CARD, INDEX, Storage
from .range_cache import RangeCache
from .ranges import Meter, RemoteFile, all_of
from .retry import with_retries

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
    """A folder by its URL, which ends with a slash; with a query, only the file that the query signs."""

    url: str = field(repr=False)
    query: str = field(default="", repr=False)
    only: str | None = None
    """The one file, if the address has a query."""
    revision: None = None
    state: None = None
    meter: Meter = field(init=False)
    _found: dict[str, RemoteFile] = field(default_factory=dict, repr=False)
    _listed: list[str] | None = None

    def __post_init__(self) -> None:
        self.meter = Meter.of(self, self.origin)

    @property
    def name(self) -> str:
        """Last part of the address, else the host."""
        parts = urlsplit(self.url)
        return unquote(PurePosixPath(parts.path).name) or (parts.hostname or "")

    @property
    def origin(self) -> str:
        """The address, without secrets."""
        return without_secrets(self.url)

    def list_files(self) -> list[str]:
        """Names of the files known to be inside, ordered."""
        if self.only is not None:
            return [self.only]
        if self._listed is None:
            found = self._links()
            if found.isdisjoint(_USUAL):
                found |= {name for name in _USUAL if self._gives(name)}
            if INDEX in found:
                found |= _shards(self.read_bytes(INDEX, LARGEST_HEADER))
            self._listed = sorted(found)
        return self._listed

    def folders(self) -> list[str]:
        """Empty: links of a listing may lead anywhere, and are not followed."""
        return []

    def folder(self, name: str) -> WebFolder:
        """A folder directly inside."""
        return WebFolder(f"{self.url}{quote(name)}/")

    def file(self, name: str) -> RemoteFile:
        """A file, as it is now."""
        if name not in self._found:
            self._found[name] = self._probed(name)
        return self._found[name]

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """All of a small file."""
        return all_of(self.file(name), most)

    def _gives(self, name: str) -> bool:
        """Whether the server has a file and grants access."""
        try:
            self.file(name)
        except (NotFoundError, AccessDeniedError):
            return False
        return True

    def _probed(self, name: str) -> RemoteFile:
        """A file, found by requesting its first byte."""
        resource = self._resource(name)
        reply = with_retries(lambda: resource.part(0, 1), name)
        size = size_of(reply)
        if size is None:
            raise UnsupportedError(f"The server does not say how many bytes {name!r:.120} has; download it.")
        version = validator(reply.headers)
        identity = {"origin": self.origin, "file": name, "content": f"{size} {version}"}
        if self.query:
            identity["query"] = sha256(self.query.encode()).hexdigest()
        kept = None if version is None else RangeCache(Cache.default(), identity, size)
        fetch = RangeFetch(resource, size, version)
        return RemoteFile(name, size, fetch, self.meter, kept)

    def _resource(self, name: str) -> Resource:
        return Resource(get, self.url + quote(name) + self.query, {}, name or self.name, _refusal)

    def _links(self) -> set[str]:
        """Names linked in the server's listing of the folder; empty if there is none."""
        resource = self._resource("")
        try:
            reply = with_retries(lambda: resource.whole(_LARGEST_LISTING), self.name)
        except (NotFoundError, AccessDeniedError):
            return set()
        if "html" not in reply.headers.get("content-type", ""):
            return set()
        base = self.url.partition("?")[0]
        links = [html.unescape(link) for link in _LINK.findall((reply.body or b"").decode("utf-8", "replace"))]
        targets = [target for link in links if (target := joined(base, link)) is not None]
        names = {unquote(target[len(base) :]) for target in targets if target.startswith(base)}
        return {name for name in names if "/" not in name} - {"", ".", ".."}


def find_on_web(text: str) -> tuple[Storage, str | None]:
    """The folder at an ``https://`` address, and the file in it unless the address ends with a slash."""
    parts = split(text)
    if not parts.hostname:
        raise OptionError(f"{without_secrets(text)!r:.200} names no host; give https://host/folder/ or a file.")
    path, _, name = parts.path.rpartition("/")
    folder, query = f"{parts.scheme}://{parts.netloc}{path}/", f"?{parts.query}" if parts.query else ""
    name = unquote(name)
    return WebFolder(folder, query, name if query else None), name or None


def _shards(index: bytes) -> set[str]:
    """Files listed in an index, which is validated elsewhere."""
    try:
        names = parse_json_object(index, INDEX)["weight_map"].values()
        return {name for name in names if name.isprintable() and "/" not in name}
    except (CheckpointError, LookupError, TypeError, AttributeError):
        return set()


def _refusal(what: str, reply: Reply) -> CheckpointError:
    if reply.status in (404, 410):
        return NotFoundError(f"The server has no file {what!r:.120} (status {reply.status}); check the address.")
    if reply.status in (401, 403):
        return AccessDeniedError(f"The server does not give {what!r:.120} (status {reply.status}); log in there.")
    return NetworkError(f"The server refuses {what!r:.120} (status {reply.status}); try again later.")
