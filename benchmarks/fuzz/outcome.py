"""One case: a changed file is read, and what came of it is a word."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

from verify.base import VerifyError

from .change import changed
from .readers import Seed

LONGEST = 20.0
"""Seconds of the processor that a case may take."""
READ = "read"
_LONGEST_MESSAGE = 2000  # characters


class Case(NamedTuple):
    """A changed file."""

    seed: Seed
    content: bytes


class Outcome(NamedTuple):
    """What came of a case."""

    kind: str
    """``read``, or the type of the error."""
    fault: str
    """What is wrong with it; empty if nothing is."""
    seconds: float
    """Of the processor."""


def case(seeds: Sequence[Seed], name: str, run: int, number: int) -> Case:
    """The case of a number: the same for the same run, whatever was tried before.

    Parameters
    ----------
    seeds : sound files of the reader.
    name : the reader.
    run : seed of the run.
    number : number of the case.
    """
    rng = Random(f"{run} {name} {number}")
    seed = seeds[number % len(seeds)]
    return Case(seed, changed(seed.form, seed.content, rng))


def tried(one: Case) -> Outcome:
    """Read a changed file, to the end or to the one sentence that refuses it."""
    start = time.process_time()
    try:
        with warnings.catch_warnings(), _bounded():
            warnings.simplefilter("error")
            one.seed.read(one.content)
        kind, fault = READ, ""
    except VerifyError as error:
        kind, fault = type(error).__name__, _of_message(str(error))
    except _EndlessError:
        kind, fault = "no end", f"more than {LONGEST:.0f} seconds"
    except Exception as error:
        kind = type(error).__name__
        fault = f"{kind}: {error!s:.200}"
    return Outcome(kind, fault, time.process_time() - start)


def _of_message(text: str) -> str:
    if not " ".join(text.split()).isprintable():
        return f"signs that cannot be printed: {text!r:.200}"
    if len(text) > _LONGEST_MESSAGE:
        return f"{len(text)} characters: {text:.200}"
    return "Traceback" * ("Traceback" in text)


class _EndlessError(BaseException):
    """Not an Exception, since a reader might catch that."""


@contextmanager
def _bounded() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _EndlessError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
