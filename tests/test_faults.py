"""Commands that are disturbed leave nothing half-written, and finish when they are run again (a few of many)."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.disturb import Desk, Fault, Left, _ended, _halves, _unlike, tried
from benchmarks.faults.jobs import Job, without_times
from tests.server import Server, running
from verify.data import model

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and limits of POSIX")
MODEL = model("reference")
LOCAL = Job(("fingerprint", str(MODEL), "-o", "out/a.fp", "--effort", "screen"))
REMOTE = Job(("fingerprint", "{url}/a/model.safetensors", "-o", "out/a.fp", "--effort", "screen"), remote=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One that has the model."""
    with running(Server()) as found:
        found.files |= {f"/a/{path.name}": path.read_bytes() for path in MODEL.iterdir() if path.is_file()}
        yield found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, server: Server) -> dict[bool, Left]:
    """What undisturbed runs leave, local and remote."""
    place = tmp_path_factory.mktemp("whole")
    return {job.remote: Desk(place / str(job.remote), job, server).run() for job in (LOCAL, REMOTE)}


@posix
@pytest.mark.parametrize(
    ("fault", "job"),
    [
        ("kill -9", LOCAL),
        ("Ctrl-C", LOCAL),
        ("file size limit", LOCAL),
        ("lost network", REMOTE),
        ("three at once", LOCAL),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_disturbed_command_finishes_when_it_is_run_again(
    tmp_path: Path, server: Server, whole: dict[bool, Left], fault: Fault, job: Job
) -> None:
    found = tried(Desk(tmp_path, job, server), whole[job.remote], 1.0, fault, random.Random(f"3 {fault}"))
    assert found.wrong == ()
    assert whole[job.remote].status == 0


def left(status: int = 0, err: str = "", files: dict[str, bytes] | None = None, parts: tuple[str, ...] = ()) -> Left:
    return Left(status, b"said", err, {"a": b"whole"} if files is None else files, parts)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (left(files={"a": b"who"}), "a differs"),
        (left(files={}), "a differs"),
        (left(files={"a": b"whole", "b": b""}), "b differs"),
        (left(parts=("x.part",)), "x.part was left over"),
        (left(status=2, err="No.\n"), "it ended with 2: 'No.\\n'"),
        (left(err="Traceback (most recent call last)"), "it ended with 0: 'Traceback (most recent call last)'"),
    ],
)
def test_what_a_run_leaves_otherwise_is_wrong(other: Left, why: str) -> None:
    assert _unlike(LOCAL, left(), left()) == []
    assert _unlike(LOCAL, other, left()) == [why]


def test_half_a_file_under_its_own_name_is_wrong() -> None:
    """A part under a name of its own, or no file, is not; times are passed over only where they must be."""
    assert _halves(LOCAL, left(files={}), left()) == []
    assert _halves(LOCAL, left(files={"a": b"who"}), left()) == ["a was left half-written, or of another content"]
    assert _halves(LOCAL, left(files={"b": b"whole"}), left()) == ["b was left half-written, or of another content"]
    told = Job(("demo",), compared=without_times)
    one, other = (left(files={"a": b"made 2026-01-0%d" % day}) for day in (1, 2))
    assert (_halves(told, one, other), len(_halves(LOCAL, one, other))) == ([], 1)


@pytest.mark.parametrize(
    ("fault", "status", "err", "ended", "wrong"),
    [
        ("kill -9", -9, "", "killed", 0),
        ("Ctrl-C", 130, "\nInterrupted.\n", "interrupted", 0),
        ("Ctrl-C", 130, "Interrupted.\nand more\n", "interrupted", 1),
        ("Ctrl-C", -2, "Traceback (most recent call last):\n  <frozen os>\nKeyboardInterrupt\n", "beginning", 0),
        ("Ctrl-C", 1, "Traceback (most recent call last):\n  verify/cli/app.py\nSyntaxError\n", "refused", 2),
        ("disk full", 2, "'a' cannot be written (No space left on device).\n", "refused", 0),
        ("disk full", 2, "The cache cannot be written (x).\n'a' cannot be written (x).\n", "refused", 0),
        ("disk full", 70, "An error of verify's own.\n", "refused", 1),
        ("read-only folder", 2, "one\ntwo\n", "refused", 1),
        ("file size limit", 0, "", "undisturbed", 0),
    ],
)
def test_how_a_disturbed_run_may_end(fault: Fault, status: int, err: str, ended: str, wrong: int) -> None:
    found, why = _ended(left(status=status, err=err), fault)
    assert (found, len(why)) == (ended, wrong)
