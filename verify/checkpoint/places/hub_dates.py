"""When the Hub says that files were committed: its statement of the moment it is asked, and no proof.

A commit that the Hub makes has the Hub's time; one that was pushed has the time that its author's machine wrote into
it, which can be any. The Hub does not say which is which.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

from ...base import DamagedError, NotFoundError, OptionError
from .hub import HubFolder, find_on_hub, is_offline
from .hub_api import COMMIT, last_commits
from .place import Location
from .retry import with_retries

_AT_ONCE = 50
"""Paths in one request with dates."""


class HubDate(NamedTuple):
    """The last commit that changed a file, as the Hub states it."""

    path: str
    sha256: str
    """Hexadecimal."""
    commit: str
    time: datetime
    """In UTC."""


def hub_dates(location: Location, wanted: Collection[str]) -> tuple[str, str, list[HubDate]]:
    """Dates of the files of a repository that have one of some digests.

    Parameters
    ----------
    location : a repository, or a folder or file in it, at a revision.
    wanted : digests (sha256, hexadecimal).

    Returns
    -------
    tuple
        Address (``hf://org/model``), commit of the revision, and dates by path.

    Raises
    ------
    CheckpointError
        If the Hub does not know it, or cannot be reached.
    """
    found = find_on_hub(location)
    if found is None:
        raise OptionError(f"{location.address!r:.200} is no address of the Hub; give hf://org/model@revision.")
    folder, file = found
    assert isinstance(folder, HubFolder)
    if is_offline():
        raise NotFoundError("HF_HUB_OFFLINE is set, and only the Hub can say when files were committed; unset it.")
    repository = folder.repository
    inside = folder.folder_path.parts if file is None else (*folder.folder_path.parts, file)
    chosen = {
        path: listed.sha256
        for path, listed in sorted(repository.files.items())
        if listed.sha256 in wanted and PurePosixPath(path).parts[: len(inside)] == inside
    }
    dates: list[HubDate] = []
    for start in range(0, len(chosen), _AT_ONCE):
        some = list(chosen)[start : start + _AT_ONCE]
        ask = partial(last_commits, repository.endpoint, repository.name, repository.commit, some, location.token)
        said = with_retries(ask, repository.name)
        for path in some:
            digest, commit, time = said.get(path, ("", "", None))
            if time is None or digest != chosen[path] or not COMMIT.fullmatch(commit):
                raise DamagedError(
                    f"What the Hub says of the last commit of {path!r:.120} is not understood; ask again later."
                )
            dates.append(HubDate(path, digest, commit, time.astimezone(UTC)))
    return f"hf://{repository.name}", repository.commit, dates
