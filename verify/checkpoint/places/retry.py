"""Retry transient failures after a wait; others are errors at once. Patience ends, and the user sets it."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import TypeVar

from ...base import InputError, NetworkError

_log = logging.getLogger("verify.places")
_ATTEMPTS = 6
_FIRST_WAIT = 0.5  # seconds, doubled after each attempt
_TOLD = 10.0  # seconds of a wait that is told without being asked for
PATIENCE = "VERIFY_PATIENCE"
"""Environment variable: seconds that one part of a file may take with its repeats, more where bytes keep coming."""
_USUAL = 600.0  # seconds; the Hub counts requests by windows of five minutes
_LEAST_RATE = 10_000  # bytes a second, by which the time of an answer is lengthened

_given_up = Event()
"""Set while threads that fetch are to end, since the run that waits for them was interrupted."""

Answer = TypeVar("Answer")


class TransientError(Exception):
    """A transient failure; ``wait`` is the wait that the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def with_retries(attempt: Callable[[], Answer], what: str) -> Answer:
    """Call ``attempt``, again while it raises :class:`TransientError`, and return its result.

    Waits as long as the server asks, else half a second, doubled each time, minus a random part so that many threads
    do not retry at once.

    Raises
    ------
    NetworkError
        If the last attempt fails too, or time would run out before the next (``VERIFY_PATIENCE``).
    """
    longest, start = patience(), time.monotonic()
    for number in range(_ATTEMPTS):
        try:
            return attempt()
        except TransientError as error:
            wait = _FIRST_WAIT * 2**number * random.uniform(0.5, 1.0) if error.wait is None else error.wait
            late = time.monotonic() - start + wait > longest
            if number == _ATTEMPTS - 1 or late:
                later = f"in {wait:.0f} seconds" if wait > _TOLD else "later"
                more = f", or set {PATIENCE} to more than {longest:g} seconds" if late else ""
                raise NetworkError(
                    f"{what} cannot be fetched ({error}, {number + 1} attempts); what was fetched is kept, try again "
                    f"{later}{more}."
                ) from error
            level = logging.WARNING if wait > _TOLD else logging.INFO
            _log.log(level, "%s: %s; asking again in %.1f s", what, error, wait)
            if current_thread() is main_thread():
                time.sleep(wait)
            elif _given_up.wait(wait):
                raise NetworkError(
                    f"{what} was not fetched, since the run was interrupted; start it again."
                ) from None
    raise AssertionError("the last attempt returns or raises")


def patience() -> float:
    """Seconds that one part of a file may take.

    Raises
    ------
    InputError
        If the environment gives something else.
    """
    given = os.environ.get(PATIENCE, "")
    try:
        seconds = float(given or _USUAL)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e7:
        raise InputError(f"{PATIENCE} is {given!r:.60}; set it to seconds, such as {_USUAL:.0f}, or leave it out.")
    return seconds


@contextmanager
def fetching(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that fetch; after an error no more is begun, and after an interruption what is under way is given up.

    Without that, an interrupted run would wait for as long as a server lets bytes drip.

    Parameters
    ----------
    threads : how many.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="verify-fetch")
    try:
        yield pool
    except KeyboardInterrupt:
        _given_up.set()
        try:
            pool.shutdown(cancel_futures=True)
        finally:
            _given_up.clear()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def patient(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks as they come; an answer whose bytes drip ends, while a slow one that keeps coming may go on.

    Raises
    ------
    TransientError
        If it takes longer than patience, and a second more for every 10 kB that came.
    NetworkError
        If the run was interrupted meanwhile.
    """
    longest, start, size = patience(), time.monotonic(), 0
    for block in blocks:
        size += len(block)
        yield block
        if _given_up.is_set():
            raise NetworkError("An answer was not read to its end, since the run was interrupted; start it again.")
        if (taken := time.monotonic() - start) > longest + size / _LEAST_RATE:
            raise TransientError(f"{size} bytes came in {taken:.0f} seconds")
