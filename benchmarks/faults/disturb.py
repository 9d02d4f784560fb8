"""One command disturbed at a random moment and run again, and what was wrong with either run.

After the disturbance every file under its own name must be whole, as an undisturbed run writes it; what was said must
be one sentence and no traceback. Run again, the command must leave what it leaves undisturbed, byte for byte, and no
part of a file.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.server import Server, dropped

from .jobs import Job

Fault = Literal[
    "kill -9", "Ctrl-C", "file size limit", "disk full", "read-only folder", "lost network", "three at once"
]
FAULTS: tuple[Fault, ...] = (
    "kill -9",
    "Ctrl-C",
    "file size limit",
    "disk full",
    "read-only folder",
    "lost network",
    "three at once",
)
Ended = Literal["undisturbed", "killed", "interrupted", "beginning", "refused"]
"""Undisturbed: it was done before, or had no need of what was lost; beginning: Python was still being loaded, which
ends in words of its own; refused: in one sentence."""
_TIMEOUT = 300.0  # seconds
_DROP, _OVERRIDE = 24, 1  # PR_CAPBSET_DROP and CAP_DAC_OVERRIDE of Linux


@dataclass(frozen=True)
class Left:
    """What a run left: its status, what it said, and its files."""

    status: int
    out: bytes
    err: str
    files: dict[str, bytes]
    """By path below ``out``, without unfinished work (names that begin with a dot)."""
    parts: tuple[str, ...]
    """Parts of files, anywhere."""


@dataclass(frozen=True)
class Tried:
    """One disturbance."""

    ended: Ended
    """How the disturbed run ended."""
    wrong: tuple[str, ...]
    """What was wrong, in words; none if nothing was."""


@dataclass
class Desk:
    """A folder in which one command runs, with a cache of its own."""

    place: Path
    job: Job
    server: Server
    """With the files of the model that is read from afar."""

    def start(self, before: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
        """Begin a run, in a session of its own, as a terminal begins it.

        Parameters
        ----------
        before : done in the new process before the command.
        """
        (self.place / "out").mkdir(parents=True, exist_ok=True)
        url = getattr(self.server, "url", "")
        command = [sys.executable, "-m", "verify", *(one.format(url=url) for one in self.job.arguments)]
        environment = os.environ | {
            "XDG_CACHE_HOME": str(self.place / "cache"),
            "HOME": str(self.place),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

        def as_from_a_terminal() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a shell's job in the background ignores
            if before is not None:
                before()

        return subprocess.Popen(
            command,
            cwd=self.place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=as_from_a_terminal,
        )

    def left(self, process: subprocess.Popen[bytes]) -> Left:
        """What a run leaves, once it has ended."""
        try:
            out, err = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += b"\nIt did not end."
        root = self.place / "out"
        inside = [path for path in sorted(root.rglob("*")) if path.is_file()]
        names = {path: path.relative_to(root) for path in inside}
        return Left(
            process.returncode,
            out,
            err.decode(errors="replace"),
            {
                str(name): path.read_bytes()
                for path, name in names.items()
                if not any(part.startswith(".") for part in name.parts)
            },
            tuple(str(path.name) for path in self.place.rglob("*.part")),
        )

    def run(self) -> Left:
        """A run that nothing disturbs."""
        return self.left(self.start())


def unavailable(fault: Fault, job: Job, scratch: Path) -> str | None:
    """Why a fault cannot be made, here or of this command; None if it can."""
    writes = any("out" in one for one in job.arguments)
    if fault in ("file size limit", "disk full", "read-only folder") and not writes:
        return "it writes no file"
    if fault == "lost network" and not job.remote:
        return "it reads no server"
    if fault == "read-only folder" and os.geteuid() == 0 and sys.platform != "linux":
        return "no mode binds root here"
    if fault == "disk full":
        return _no_disk(scratch)
    return None


def tried(desk: Desk, whole: Left, seconds: float, fault: Fault, rng: random.Random) -> Tried:
    """Disturb a command once, and run it again.

    Parameters
    ----------
    desk : an empty folder.
    whole : what an undisturbed run leaves.
    seconds : how long that takes, between whose beginning and end the disturbance falls.
    fault : the disturbance.
    rng : decides when.
    """
    if fault == "three at once":
        three = [desk.start() for _ in range(3)]
        lefts = [desk.left(process) for process in three]
        wrong = [why for left in lefts for why in _unlike(desk.job, left, whole, several=True)]
        return Tried("undisturbed", tuple(dict.fromkeys([*wrong, *_unlike(desk.job, desk.run(), whole)])))
    with _disturbed(desk, whole, seconds, fault, rng) as process:
        left = desk.left(process)
    ended, wrong = _ended(left, fault)
    wrong += _halves(desk.job, left, whole)
    return Tried(ended, (*wrong, *(f"run again, {why}" for why in _unlike(desk.job, desk.run(), whole))))


@contextmanager
def _disturbed(
    desk: Desk, whole: Left, seconds: float, fault: Fault, rng: random.Random
) -> Iterator[subprocess.Popen[bytes]]:
    """A run that is disturbed; the place is sound again when this ends."""
    out = desk.place / "out"
    out.mkdir(parents=True)
    largest = max((len(content) for content in whole.files.values()), default=1)
    if fault in ("kill -9", "Ctrl-C"):
        process = desk.start()
        time.sleep(seconds * rng.random())
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL if fault == "kill -9" else signal.SIGINT)
        yield process
    elif fault == "file size limit":
        most = rng.randrange(largest)
        yield desk.start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    elif fault == "disk full":
        pages = max(1, rng.randrange(sum(map(len, whole.files.values())) // 4096 + 1))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={4096 * pages}", "tmpfs", str(out)], check=True)
        try:
            yield desk.start()
            kept = shutil.copytree(out, desk.place / "kept")
        finally:
            subprocess.run(["umount", str(out)], check=True)
        out.rmdir()
        kept.rename(out)
    elif fault == "read-only folder":
        out.chmod(0o555)
        yield desk.start(_obey_modes if os.geteuid() == 0 else None)
        out.chmod(0o755)
    else:
        asked = rng.randrange(1, 9)
        desk.server.faults += [("model.safetensors", lambda *_: None)] * asked
        desk.server.faults += [("model.safetensors", dropped(rng.randrange(64)))] * 99
        yield desk.start()
        desk.server.faults.clear()


def _ended(left: Left, fault: Fault) -> tuple[Ended, list[str]]:
    """How a disturbed run ended, and what was wrong with that."""
    lines = left.err.splitlines()
    wrong = ["it showed a traceback"] if "Traceback (most recent call last)" in left.err else []
    wrong += ["it did not end"] if lines[-1:] == ["It did not end."] else []
    if left.status == 0:
        return "undisturbed", wrong
    if fault == "kill -9" and left.status == -signal.SIGKILL:
        return "killed", wrong
    if fault == "Ctrl-C" and left.status == 130:
        return "interrupted", wrong + ([] if left.err.strip() == "Interrupted." else [f"it said {left.err[-200:]!r}"])
    if fault == "Ctrl-C" and not re.search("verify.(cli|__main__)", left.err) and left.status in (-signal.SIGINT, 1):
        return "beginning", []
    lines = [line for line in lines if not line.startswith("The cache cannot be written (")]  # a warning, told before
    if left.status != 2 or len(lines) != 1:
        wrong.append(f"it ended with {left.status} and {len(lines)} lines, the last {lines[-1:]!r:.300}")
    return "refused", wrong


def _halves(job: Job, left: Left, whole: Left) -> list[str]:
    """Files under their own names that are not as an undisturbed run writes them."""
    if job.random:
        return [f"{name} was left empty" for name, content in left.files.items() if not content]
    return [
        f"{name} was left half-written, or of another content"
        for name, content in left.files.items()
        if name not in whole.files or job.compared(content) != job.compared(whole.files[name])
    ]


def _unlike(job: Job, left: Left, whole: Left, *, several: bool = False) -> list[str]:
    """What a run left otherwise than an undisturbed one."""
    if job.random:  # of keys, of which none is overwritten
        refused = left.status == 2 and left.err.count("\n") == 1 and "never overwritten" in left.err
        if left.files.keys() == whole.files.keys() and (left.status == 0 or refused):
            return []
        return [] if refused and not several else [f"it ended with {left.status}: {left.err[-200:]!r}"]
    found = []
    if left.status != whole.status or "Traceback (most recent call last)" in left.err:
        found.append(f"it ended with {left.status}: {left.err[-300:]!r}")
    elif job.compared(left.out) != job.compared(whole.out):
        found.append("it said something else")
    if several and left.status == 0 and not left.files.keys() <= whole.files.keys():
        found.append(f"it left {sorted(left.files.keys() - whole.files.keys())}")
    if several:  # others are at work
        return found
    mine, theirs = ({name: job.compared(x) for name, x in one.files.items()} for one in (left, whole))
    found += [f"{name} differs" for name in sorted(mine.keys() | theirs.keys()) if mine.get(name) != theirs.get(name)]
    return found + [f"{name} was left over" for name in left.parts]


def _obey_modes() -> None:
    """Take from root, for what is run next, the right to write whatever a folder's mode says."""
    ctypes.CDLL(None).prctl(_DROP, _OVERRIDE, 0, 0, 0)


def _no_disk(scratch: Path) -> str | None:
    """Why no small disk can be made here."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return "only root may mount a small disk"
    place = scratch / "disk"
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4096", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        return "a small disk cannot be mounted here"
    subprocess.run(["umount", str(place)], check=True)
    return None
