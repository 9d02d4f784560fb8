"""Models and datasets on the Hugging Face Hub: a revision is resolved to a commit once, and everything is read at it.

Files in the Hub's own cache are read there; of others, ranges are fetched and cached.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from ...base import (
    Cache,
    MissingPackageError,
    NotFoundError,
    OptionError,
)
from ..hostile import LARGEST_TEXT, parse_json_object
from .client import get
from .http import RangeFetch, Resource
from .hub_api import COMMIT, DATASETS, LIBRARY, MOST_FILES, Listed, asked, kind_and_name, listing, refusal
from .place import CARD, INDEX, File, LocalFile, Location, Storage
from .range_cache import RangeCache
from .ranges import Meter, RemoteFile, all_of
from .retry import with_retries

_WORD = r"[A-Za-z0-9][\w.-]{0,95}"
REPOSITORY = re.compile(rf"{_WORD}(/{_WORD})?", re.ASCII)
"""``org/model``, or one of the old names without owner."""
_NAME = re.compile(rf"(?P<repo>{_WORD}/{_WORD})(@(?P<revision>[\w./-]{{1,200}}))?", re.ASCII)
_ADDRESS = re.compile(
    rf"hf://(?P<repo>(?:{DATASETS})?{REPOSITORY.pattern})"
    r"(@(?P<revision>refs/(pr|convert)/[\w.-]{1,100}|[\w.-]{1,200}))?(/(?P<path>[^@?#]{0,1000}))?",
    re.ASCII,
)
_KIND = "hub"
_USUAL = ("config.json", "model.safetensors", INDEX, CARD)


@dataclass(frozen=True)
class Repository:
    """A repository at one commit, as seen with one token."""

    endpoint: str
    name: str
    """``org/model``, or ``datasets/org/name``, as its addresses begin."""
    commit: str
    files: dict[str, Listed]
    """Files by path."""
    headers: dict[str, str] = field(repr=False)


@dataclass
class HubFolder:
    """A folder of a repository at a commit."""

    repository: Repository
    folder_path: PurePosixPath
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        self.meter = Meter.of(self, self.origin)

    @property
    def name(self) -> str:
        """Name of the folder or repository."""
        return self.folder_path.name or PurePosixPath(self.repository.name).name

    @property
    def origin(self) -> str:
        """``hf://org/model``, and the folder in it."""
        return f"hf://{PurePosixPath(self.repository.name) / self.folder_path}"

    @property
    def revision(self) -> str:
        """Commit."""
        return self.repository.commit

    @property
    def state(self) -> str:
        """The commit, since commits do not change."""
        return f"{self.repository.endpoint} {self.origin} {self.revision}"

    def list_files(self) -> list[str]:
        """Names of the files directly inside, ordered."""
        paths = map(PurePosixPath, self.repository.files)
        return sorted(path.name for path in paths if path.parent == self.folder_path)

    def folders(self) -> list[str]:
        """Names of the folders directly inside, ordered."""
        depth = len(self.folder_path.parts)
        below = [PurePosixPath(path).parts for path in self.repository.files]
        inside = [path for path in below if len(path) > depth + 1 and path[:depth] == self.folder_path.parts]
        return sorted({path[depth] for path in inside if path[depth][0] != "."})

    def folder(self, name: str) -> HubFolder:
        """A folder directly inside."""
        return HubFolder(self.repository, self.folder_path / name)

    def file(self, name: str) -> File:
        """A file, from the Hub's own cache if it is there."""
        path = str(self.folder_path / name)
        listed = self.repository.files.get(path)
        if listed is None or "/" in name:
            raise NotFoundError(f"{self.origin} has no file {name!r:.120} at {self.revision}; check the name.")
        local = _in_snapshot(self.repository.name, path, self.revision)
        if local is not None and local.stat().st_size == listed.size:
            return LocalFile(local)
        return self._remote(path, listed)

    def read_bytes(self, name: str, most: int = LARGEST_TEXT) -> bytes:
        """All of a small file."""
        return all_of(self.file(name), most)

    def _remote(self, path: str, listed: Listed) -> RemoteFile:
        repository, name = self.repository, PurePosixPath(path).name
        url = f"{repository.endpoint}/{repository.name}/resolve/{repository.commit}/{quote(path)}"
        fetch = RangeFetch(Resource(get, url, repository.headers, name, refusal(repository.name)), listed.size)
        identity = {
            "origin": f"hf://{repository.name}",
            "endpoint": repository.endpoint,
            "file": path,
            "content": listed.content,
        }

        def online(start: int, stop: int) -> bytes:
            if is_offline():
                raise NotFoundError(
                    f"HF_HUB_OFFLINE is set, and bytes {start} to {stop} of {name} are in no cache; unset it."
                )
            return fetch(start, stop)

        kept = RangeCache(Cache.default(), identity, listed.size)
        return RemoteFile(name, listed.size, online, self.meter, kept, listed.sha256)


def find_on_hub(location: Location) -> tuple[Storage, str | None] | None:
    """The folder at ``org/model`` or an ``hf://`` address (of a model, or ``hf://datasets/…``), and the file in it.

    Raises
    ------
    CheckpointError
        If it is not on the Hub, access is denied, or the Hub cannot be reached.
    """
    match = _ADDRESS.fullmatch(location.address) or _NAME.fullmatch(location.address)
    if match is None:
        return None
    parts = match.groupdict()
    named, wanted = parts["revision"], location.revision
    if named and wanted and named != wanted and not COMMIT.fullmatch(wanted):  # a commit is final
        raise OptionError(f"Revisions {named!r:.60} and {wanted!r:.60} are both asked for; give one.")
    repository = _repository(parts["repo"], wanted or named or "main", location.token)
    path = PurePosixPath((parts.get("path") or "").strip("/"))
    if str(path) in repository.files:
        return HubFolder(repository, path.parent), path.name
    folder = HubFolder(repository, path)
    if not folder.list_files() and not folder.folders():
        raise NotFoundError(f"{folder.origin!r:.300} holds no files at {repository.commit}; check the address.")
    return folder, None


def _repository(name: str, revision: str, token: str | None) -> Repository:
    """The repository at the current commit of a revision; no request is made if the revision is a known commit."""
    try:
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers
    except ImportError as error:
        raise MissingPackageError(
            f"Reading {name} from the Hub takes huggingface_hub; pip install 'verify-lineage[hub]'."
        ) from error
    endpoint, cache = constants.ENDPOINT, Cache.default()
    prefix = f"{endpoint} {name}"
    offline = is_offline()
    commit = revision
    if offline and not COMMIT.fullmatch(revision):
        commit = (cache.get(_KIND, f"{prefix} revision {revision}") or b"").decode("ascii", "replace")
    headers = build_hf_headers(token=token, library_name=LIBRARY)
    sent = headers.get("authorization", "")
    if not (sent.isascii() and sent.isprintable()):
        raise OptionError(
            f"The token given for {name} has characters that no token of the Hub has; give it as the Hub shows it."
        )
    if COMMIT.fullmatch(commit) and (kept := cache.get(_KIND, f"{prefix} commit {commit}")):
        found = listing(parse_json_object(kept, f"What is kept of {name}"), name)
        return Repository(endpoint, name, *found, headers)
    if offline:
        return _snapshot(endpoint, name, revision)
    said = with_retries(lambda: asked(endpoint, name, revision, token), name)
    commit, files = listing(said, name)
    cache.put(_KIND, f"{prefix} commit {commit}", json.dumps(said).encode())
    cache.put(_KIND, f"{prefix} revision {revision}", commit.encode())
    return Repository(endpoint, name, commit, files, headers)


def _snapshot(endpoint: str, name: str, revision: str) -> Repository:
    """The repository in the Hub's own cache, for offline use."""
    for usual in _USUAL:
        if (file := _in_snapshot(name, usual, revision)) is not None:
            paths = [path for path in sorted(file.parent.rglob("*")) if path.is_file()]
            files = {
                path.relative_to(file.parent).as_posix(): Listed(path.stat().st_size, None, file.parent.name)
                for path in paths[:MOST_FILES]
            }
            return Repository(endpoint, name, file.parent.name, files, {})
    raise NotFoundError(
        f"HF_HUB_OFFLINE is set, and {name}@{revision} is in no cache; unset it, or give a folder of this machine."
    )


def _in_snapshot(name: str, path: str, revision: str) -> Path | None:
    """A file in the Hub's own cache."""
    from huggingface_hub import try_to_load_from_cache

    kind, name = kind_and_name(name)
    found = try_to_load_from_cache(name, path, revision=revision, repo_type=kind)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def is_offline() -> bool:
    """Whether the Hub is not to be asked."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)
