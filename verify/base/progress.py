"""Progress of long work, as a callback: the library reports, the caller decides what to show."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from .plain import plain

_LONGEST = 80  # characters of the work's name
_FIRST = 0.5  # seconds of work after which bars appear: what is done by then needs none
_EVERY = 0.1  # seconds between changes
_MOST = 4  # bars at a time: work that failed leaves one


class Progress(Protocol):
    """Called with the work in progress, the number of steps done, and the number in all."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Report one step."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Show nothing: ``progress=verify.silent``.

    Parameters
    ----------
    what : the work in progress.
    done : steps done so far.
    total : steps in all.
    """


def in_notebook(what: str, done: int, total: int) -> None:
    """Show bars in a notebook, and nothing elsewhere: the default of functions that may take long.

    Bars appear under the running cell after half a second and are gone when all is done; where the work failed, they
    show how far it came. IPython is used only where it is loaded.

    Parameters
    ----------
    what : the work in progress.
    done : steps done so far.
    total : steps in all.
    """
    shell = _kernel()
    if shell is None:
        return
    if _shown.cell != shell.execution_count:
        _shown.start(shell.execution_count)
    _shown.step(what, done, total)


def _kernel() -> Any:
    """IPython's shell, if it runs in a kernel, whose front end shows HTML; else None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if hasattr(shell, "kernel") else None


@dataclass
class _Bars:
    """The bars under one cell."""

    cell: int | None = None
    bars: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Steps done and in all, of work that is not done yet."""
    display: Any = None
    """IPython's handle of what is shown; None while nothing is."""
    since: float = 0.0
    changed: float = 0.0

    def start(self, cell: int) -> None:
        self.cell, self.display, self.since, self.changed = cell, None, monotonic(), 0.0
        self.bars.clear()

    def step(self, what: str, done: int, total: int) -> None:
        self.bars[what] = done, total
        if done >= total:
            del self.bars[what]
        now = monotonic()
        if self.display is None and self.bars and now - self.since >= _FIRST:
            from IPython.display import display

            self.display = display(  # type: ignore[no-untyped-call]
                self._content(), raw=True, display_id=True
            )
        elif self.display is not None and (not self.bars or now - self.changed >= _EVERY):
            self.display.update(self._content(), raw=True)
        else:
            return
        self.changed = now

    def _content(self) -> dict[str, str]:
        from html import escape

        latest = [(f"{plain(what, _LONGEST)}: {n} of {of}", n, of) for what, (n, of) in self.bars.items()][-_MOST:]
        bars = (
            f'<label style="display: block">{escape(line)} <progress value="{n}" max="{of}"></progress></label>'
            for line, n, of in latest
        )
        return {"text/plain": "\n".join(line for line, _, _ in latest), "text/html": "\n".join(bars)}


_shown = _Bars()
