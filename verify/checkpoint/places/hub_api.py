"""Ask the Hub about a repository through its own library, and translate its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...base import (
    AccessDeniedError,
    CheckpointError,
    DamagedError,
    NetworkError,
    NotFoundError,
)
from .http import BUSY, LARGEST, TIMEOUT, Reply, retry_after
from .retry import TransientError

LIBRARY = "verify-lineage"
"""Name of this library in requests to the Hub."""
COMMIT = re.compile("[0-9a-f]{40}")
_DIGEST = re.compile("[0-9a-f]{64}")
MOST_FILES = 100_000
"""Files of a repository."""
DATASETS = "datasets/"
"""How the name of a repository begins that holds data, not a model."""


@dataclass(frozen=True)
class Listed:
    """A file in the Hub's listing."""

    size: int
    sha256: str | None
    """Hexadecimal; None for a small file stored in git itself."""
    content: str
    """Identity of the content: its sha256, else its git object, else the commit."""


def asked(endpoint: str, name: str, revision: str, token: str | None) -> dict[str, Any]:
    """Ask for commit and files of a repository at a revision, as the Hub's API returns them.

    Parameters
    ----------
    endpoint : address of the Hub.
    name : ``org/model``, or ``datasets/org/name``.
    revision : branch, tag or commit.
    token : token of the Hub, if any.

    Returns
    -------
    dict
        The Hub's answer.

    Raises
    ------
    TransientError
        If the failure is transient.
    CheckpointError
        If it is not on the Hub, access is denied, or the answer is not understood.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token, library_name=LIBRARY)
    kind, repository = kind_and_name(name)
    with _translated(name, revision):
        ask = api.dataset_info if kind == "dataset" else api.model_info
        info = ask(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)
        siblings = [
            {"rfilename": one.rfilename, "size": one.size, "blobId": one.blob_id}
            | ({"lfs": {"sha256": one.lfs.sha256}} if one.lfs else {})
            for one in info.siblings or ()
        ]
    return {"sha": info.sha, "siblings": siblings}


def last_commits(
    endpoint: str, name: str, revision: str, paths: list[str], token: str | None
) -> dict[str, tuple[str, str, datetime]]:
    """Ask for the last commit, up to a revision, that changed each of some files.

    Parameters
    ----------
    endpoint, name, revision, token : as for :func:`asked`.
    paths : paths of large files in the repository.

    Returns
    -------
    dict
        By path, the file's sha256, the commit, and its time with a time zone; as the Hub's API returns them.

    Raises
    ------
    TransientError
        If the failure is transient.
    CheckpointError
        If it is not on the Hub, access is denied, or the answer is not understood.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi(endpoint=endpoint, token=token, library_name=LIBRARY)
    kind, repository = kind_and_name(name)
    with _translated(name, revision):
        said = api.get_paths_info(repository, paths, expand=True, revision=revision, repo_type=kind)
        return {
            one.path: (one.lfs.sha256, one.last_commit.oid, one.last_commit.date)
            for one in said
            if isinstance(one, RepoFile) and one.lfs and one.last_commit
        }


@contextmanager
def _translated(name: str, revision: str) -> Iterator[None]:
    """Errors of the Hub's library become ours."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise _gated(name) from error
    except RepositoryNotFoundError as error:
        raise _absent(f"{name}@{revision}", error.response.status_code) from error
    except RevisionNotFoundError as error:
        raise NotFoundError(f"{name}@{revision} does not exist on the Hub; check the revision.") from error
    except HFValidationError as error:
        raise NotFoundError(f"{name} is no name that a repository of the Hub has; check it.") from error
    except HfHubHTTPError as error:
        status, headers = error.response.status_code, error.response.headers
        if status in BUSY:
            wait = retry_after({name.lower(): value for name, value in headers.items()})
            raise TransientError(f"status {status}", wait) from None
        raise _refused(f"{name}@{revision}", status) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _not_understood(name) from error
    except Exception as error:  # connection errors come from the Hub's client, which differs by version
        raise TransientError(type(error).__name__) from None


def kind_and_name(name: str) -> tuple[str, str]:
    """Whether a repository holds a model or data, as the Hub's library says it, and its name without that."""
    return ("dataset", name.removeprefix(DATASETS)) if name.startswith(DATASETS) else ("model", name)


def listing(said: dict[str, Any], name: str) -> tuple[str, dict[str, Listed]]:
    """Commit, and files by path, from the Hub's answer.

    Raises
    ------
    DamagedError
        If the answer is not understood.
    """
    commit, siblings = said.get("sha"), said.get("siblings")
    try:
        if not isinstance(siblings, list) or len(siblings) > MOST_FILES or not COMMIT.fullmatch(commit or ""):
            raise ValueError
        files = dict(_listed(sibling, str(commit)) for sibling in siblings)
        return str(commit), {path: file for path, file in files.items() if _stays_inside(path)}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _not_understood(name) from error


def _listed(sibling: dict[str, Any], commit: str) -> tuple[str, Listed]:
    path, size, lfs = sibling["rfilename"], sibling["size"], sibling.get("lfs") or {}
    digest, blob = lfs.get("sha256"), sibling.get("blobId")
    if not isinstance(path, str) or type(size) is not int or not 0 <= size < LARGEST:
        raise ValueError
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise ValueError
    return path, Listed(size, digest, digest or (blob if isinstance(blob, str) else commit))


def _stays_inside(path: str) -> bool:
    """Whether a path stays inside its folder on every system; other files count as absent."""
    return path.isprintable() and ":" not in path and {"", ".", ".."}.isdisjoint(re.split(r"[/\\]", path))


def refusal(name: str) -> Callable[[str, Reply], CheckpointError]:
    """Makes the error for a failed request for a file of a repository."""
    return lambda what, reply: (
        _gated(name) if reply.headers.get("x-error-code") == "GatedRepo" else _refused(what, reply.status)
    )


def _absent(what: str, status: int) -> NotFoundError:
    """The error for absent or private, which the Hub does not distinguish."""
    return NotFoundError(
        f"{what} is neither a path here nor on the Hub, or it is private (status {status}); check the name, and "
        "log in with `hf auth login` or set HF_TOKEN if it is private."
    )


def _gated(name: str) -> AccessDeniedError:
    return AccessDeniedError(
        f"{name} is gated; ask for access on its page of the Hub, then log in with `hf auth login`."
    )


def _refused(what: str, status: int) -> CheckpointError:
    if status == 404:
        return _absent(what, status)
    if status in (401, 403):
        return AccessDeniedError(
            f"The Hub does not give {what} (status {status}); log in with `hf auth login` or set HF_TOKEN."
        )
    return NetworkError(f"The Hub refuses {what} (status {status}); try again later.")


def _not_understood(name: str) -> DamagedError:
    return DamagedError(f"What the Hub says about {name} is not understood; download the model.")
