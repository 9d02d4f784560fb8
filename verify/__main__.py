"""``python -m verify``: the same as the ``verify`` command."""

import atexit
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import Never

_OBJECTS = 150_000
"""New objects after which cycles are looked for: nearly twice those of a pair, most of which stay."""


def main() -> None:
    """Run the command; an interruption while it is still being loaded ends as a later one does."""
    _open_closed()
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)  # nothing is gained by a search for cycles in memory that is given back as a whole
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:  # an exception in the middle of an import may be taken for another one
        signal.signal(signal.SIGINT, _stop)
    from .cli import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _open_closed() -> None:
    """Give standard streams that were closed, as by ``>&-``, their numbers back, lest a file of ours get one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - the lowest free number


def _stop(_: int, __: FrameType | None) -> Never:
    """End at once: nothing was begun."""
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
