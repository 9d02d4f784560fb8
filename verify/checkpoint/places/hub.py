"""Models on the Hugging Face Hub: a revision becomes a commit at once, and everything is read at that commit.

Files that the Hub's own cache has are read there; of others, ranges are fetched and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from ...base import Cache, CheckpointError
from ..hostile import LARGEST_TEXT, parse_json_object
from .http import LARGEST, TIMEOUT, Get, RangeFetch, Reply, Resource, read_reply
from .kept import Kept
from .place import CARD, INDEX, File, LocalFile, Location, NoFileError, Place
from .ranges import Meter, RemoteFile, all_of
from .retry import TransientError, persistently

_WORD = r"[A-Za-z0-9][\w.-]{0,95}"
REPOSITORY = re.compile(rf"{_WORD}(/{_WORD})?", re.ASCII)
"""``org/model``, or the bare name that models had before names had owners."""
_NAME = re.compile(rf"(?P<repo>{_WORD}/{_WORD})(@(?P<revision>[\w./-]{{1,200}}))?", re.ASCII)
_ADDRESS = re.compile(
    rf"hf://(?P<repo>{REPOSITORY.pattern})"
    r"(@(?P<revision>refs/(pr|convert)/[\w.-]{1,100}|[\w.-]{1,200}))?(/(?P<path>[^@?#]{0,1000}))?",
    re.ASCII,
)
_KIND = "hub"
_COMMIT = re.compile("[0-9a-f]{40}")
_DIGEST = re.compile("[0-9a-f]{64}")
_MOST_FILES = 100_000
_USUAL = ("config.json", "model.safetensors", INDEX, CARD)


@dataclass(frozen=True)
class Listed:
    """What the Hub says about a file."""

    size: int
    sha256: str | None
    """Hexadecimal, of the content; None for a small file that is kept in git itself."""
    content: str
    """Names the content: its sha256, else its git object, else the commit."""


@dataclass(frozen=True)
class Repository:
    """A model repository at one commit, as seen by one user."""

    endpoint: str
    name: str
    commit: str
    files: dict[str, Listed]
    """By path."""
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
        """Commits do not change."""
        return f"{self.repository.endpoint} {self.origin} {self.revision}"

    def names(self) -> list[str]:
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
        """A file, from the Hub's own cache where that has it."""
        path = str(self.folder_path / name)
        listed = self.repository.files.get(path)
        if listed is None or "/" in name:
            raise NoFileError(f"{self.origin} has no file {name!r:.120} at {self.revision}; check the name.")
        local = _in_snapshot(self.repository.name, path, self.revision)
        if local is not None and local.stat().st_size == listed.size:
            return LocalFile(local)
        return self._remote(path, listed)

    def small(self, name: str) -> bytes:
        """All of a small file."""
        return all_of(self.file(name))

    def _remote(self, path: str, listed: Listed) -> RemoteFile:
        repository, name = self.repository, PurePosixPath(path).name
        url = f"{repository.endpoint}/{repository.name}/resolve/{repository.commit}/{quote(path)}"
        fetch = RangeFetch(Resource(_get(), url, repository.headers, name, _refusal(repository.name)), listed.size)
        identity = {
            "origin": f"hf://{repository.name}",
            "endpoint": repository.endpoint,
            "file": path,
            "content": listed.content,
        }

        def online(start: int, stop: int) -> bytes:
            if _offline():
                raise CheckpointError(
                    f"HF_HUB_OFFLINE is set, and bytes {start} to {stop} of {name} are in no cache; unset it."
                )
            return fetch(start, stop)

        kept = Kept(Cache.default(), identity, listed.size)
        return RemoteFile(name, listed.size, online, self.meter, kept, listed.sha256)


def find_on_hub(location: Location) -> tuple[Place, str | None] | None:
    """The folder that ``org/model`` or an ``hf://`` address means, and the file in it; None if it is neither.

    Raises
    ------
    CheckpointError
        If the Hub does not have it or does not give it, or cannot be reached.
    """
    match = _ADDRESS.fullmatch(location.text) or _NAME.fullmatch(location.text)
    if match is None:
        return None
    parts = match.groupdict()
    named, wanted = parts["revision"], location.revision
    if named and wanted and named != wanted and not _COMMIT.fullmatch(wanted):  # a commit pins
        raise CheckpointError(f"Revisions {named!r:.60} and {wanted!r:.60} are both asked for; give one.")
    repository = _repository(parts["repo"], wanted or named or "main", location.token)
    path = PurePosixPath((parts.get("path") or "").strip("/"))
    if str(path) in repository.files:
        return HubFolder(repository, path.parent), path.name
    folder = HubFolder(repository, path)
    if not folder.names() and not folder.folders():
        raise CheckpointError(f"{folder.origin!r:.300} holds no files at {repository.commit}; check the address.")
    return folder, None


def _repository(name: str, revision: str, token: str | None) -> Repository:
    """The repository at the commit that a revision is now; nothing is asked where the commit itself is known."""
    try:
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers
    except ImportError as error:
        raise CheckpointError(
            f"Reading {name} from the Hub takes huggingface_hub; pip install 'verify-lineage[hub]'."
        ) from error
    endpoint, cache = constants.ENDPOINT, Cache.default()
    prefix = f"{endpoint} {name}"
    offline = _offline()
    commit = revision
    if offline and not _COMMIT.fullmatch(revision):
        commit = (cache.get(_KIND, f"{prefix} revision {revision}") or b"").decode("ascii", "replace")
    headers = build_hf_headers(token=token, library_name="verify-lineage")
    sent = headers.get("authorization", "")
    if not (sent.isascii() and sent.isprintable()):
        raise CheckpointError(
            f"The token given for {name} has characters that no token of the Hub has; give it as the Hub shows it."
        )
    if _COMMIT.fullmatch(commit) and (kept := cache.get(_KIND, f"{prefix} commit {commit}")):
        return Repository(endpoint, name, *_listing(kept, name), headers)
    if offline:
        return _snapshot(endpoint, name, revision)
    url = f"{endpoint}/api/models/{name}/revision/{quote(revision, safe='')}?blobs=true"
    resource = Resource(_get(), url, headers, f"{name}@{revision}", _refusal(name))
    body = persistently(lambda: resource.whole(LARGEST_TEXT), name).body
    if body is None:
        raise CheckpointError(f"The Hub describes {name} in more than {LARGEST_TEXT} bytes; download the model.")
    commit, files = _listing(body, name)
    cache.put(_KIND, f"{prefix} commit {commit}", body)
    cache.put(_KIND, f"{prefix} revision {revision}", commit.encode())
    return Repository(endpoint, name, commit, files, headers)


def _listing(text: bytes, name: str) -> tuple[str, dict[str, Listed]]:
    """Commit and files, of what the Hub says about a model."""
    said = parse_json_object(text, f"What the Hub says about {name}")
    commit, siblings = said.get("sha"), said.get("siblings")
    try:
        if not isinstance(siblings, list) or len(siblings) > _MOST_FILES or not _COMMIT.fullmatch(commit or ""):
            raise ValueError
        files = dict(_listed(sibling, str(commit)) for sibling in siblings)
        return str(commit), {path: file for path, file in files.items() if _stays_inside(path)}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(f"What the Hub says about {name} is not understood; download the model.") from error


def _listed(sibling: dict[str, Any], commit: str) -> tuple[str, Listed]:
    path, size, lfs = sibling["rfilename"], sibling["size"], sibling.get("lfs") or {}
    digest, blob = lfs.get("sha256"), sibling.get("blobId")
    if not isinstance(path, str) or type(size) is not int or not 0 <= size < LARGEST:
        raise ValueError
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise ValueError
    return path, Listed(size, digest, digest or (blob if isinstance(blob, str) else commit))


def _stays_inside(path: str) -> bool:
    """Whether a path is one of a file inside its folder on every system; others are as good as absent."""
    return path.isprintable() and ":" not in path and {"", ".", ".."}.isdisjoint(re.split(r"[/\\]", path))


def _snapshot(endpoint: str, name: str, revision: str) -> Repository:
    """What the Hub's own cache has of a model, where nothing may be asked."""
    for usual in _USUAL:
        if (file := _in_snapshot(name, usual, revision)) is not None:
            paths = [path for path in sorted(file.parent.rglob("*")) if path.is_file()]
            files = {
                path.relative_to(file.parent).as_posix(): Listed(path.stat().st_size, None, file.parent.name)
                for path in paths[:_MOST_FILES]
            }
            return Repository(endpoint, name, file.parent.name, files, {})
    raise CheckpointError(
        f"HF_HUB_OFFLINE is set, and {name}@{revision} is in no cache; unset it, or give a folder of this machine."
    )


def _in_snapshot(name: str, path: str, revision: str) -> Path | None:
    """A file in the Hub's own cache."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, path, revision=revision)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _refusal(name: str) -> Callable[[str, Reply], CheckpointError]:
    def refusal(what: str, reply: Reply) -> CheckpointError:
        code = reply.headers.get("x-error-code", "")
        if code == "GatedRepo":
            return CheckpointError(
                f"{name} is gated; ask for access on its page of the Hub, then log in with `hf auth login`."
            )
        if code == "RevisionNotFound":
            return CheckpointError(f"{what} does not exist on the Hub; check the revision.")
        if reply.status in (401, 403, 404):
            return CheckpointError(
                f"{what} is neither a path here nor on the Hub, or it is private (status {reply.status}); check the "
                "name, and log in with `hf auth login` or set HF_TOKEN if it is private."
            )
        return CheckpointError(f"The Hub refuses {what} (status {reply.status}); try again later.")

    return refusal


def _get() -> Get:
    """GET by the session of the Hub's library, which is of requests in its old versions and of httpx in new ones."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import get_session

    failures: tuple[Any, ...] = (OSError, *HfHubHTTPError.__bases__)  # with the client's own root of errors

    def get(url: str, headers: dict[str, str], limit: int) -> Reply:
        session: Any = get_session()
        try:
            if callable(getattr(session, "stream", None)):
                with session.stream("GET", url, headers=headers, follow_redirects=False, timeout=TIMEOUT) as answer:
                    return read_reply(answer.status_code, answer.headers, answer.iter_raw(), limit)
            with session.get(url, headers=headers, allow_redirects=False, stream=True, timeout=TIMEOUT) as answer:
                return read_reply(answer.status_code, answer.headers, answer.iter_content(1 << 16), limit)
        except failures as error:
            raise TransientError(type(error).__name__) from None  # the message may hold a signed address

    return get
