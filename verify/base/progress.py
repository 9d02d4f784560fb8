"""Progress of long work, as a callback: the library reports, whoever called decides what to show."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with what is being done, how many steps are done, and how many there are."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Report one step."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """The default: show nothing.

    Parameters
    ----------
    what : the work in progress.
    done : steps done so far.
    total : steps in all.
    """
