"""What tests give to other processes to do: in a module of its own, as each process loads the module first."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def square(x: int) -> int:
    """Of one number."""
    return x * x


def die_once(item: tuple[str, int]) -> int:
    """Kill the process that works on item 3, the first time."""
    marker, n = item
    if n == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n * n


def refuse_seven(n: int) -> int:
    """All but one number."""
    if n == 7:
        raise ValueError("seven")
    return n
