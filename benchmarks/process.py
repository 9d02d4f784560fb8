"""A command run to its end and measured from outside: time, memory that is its own, and bytes from the disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERVAL = 0.004  # seconds between looks at memory
_SECTOR = 512  # bytes of a unit of ru_inblock


@dataclass(frozen=True)
class Run:
    """What one run took; bytes and seconds."""

    wall: float
    cpu: float
    """User and system, of all its processes."""
    anonymous: int
    """Largest RssAnon seen, summed over its processes: memory that is its own, not the page cache."""
    resident: int
    """Largest resident set of one process, pages of mapped files included."""
    disk: int
    """Bytes that its processes made the disk give; what was cached is not among them."""
    output: str


def measured(command: Sequence[str], *, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Run:
    """Run a command and measure it.

    Raises
    ------
    RuntimeError
        If it fails; with the end of what it said.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment, cwd=cwd)
        most, finished = 0, 0
        while not finished:
            most = max(most, sum(_anonymous(pid) for pid in _tree(process.pid)))
            time.sleep(_INTERVAL)
            finished, status, used = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {err.read()[-2000:]!r}")
        return Run(
            wall=wall,
            cpu=used.ru_utime + used.ru_stime,
            anonymous=most,
            resident=used.ru_maxrss * 1024,
            disk=used.ru_inblock * _SECTOR,
            output=out.read().decode(),
        )


def forget(folder: Path) -> None:
    """Have the system drop the files of a folder from its page cache."""
    for path in folder.iterdir():
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)  # what is not yet written cannot be dropped
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def warm(folder: Path) -> None:
    """Have the system hold the files of a folder in its page cache."""
    for path in folder.iterdir():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def _tree(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _tree(int(child)))]


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)
