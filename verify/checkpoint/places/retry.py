"""Retry transient failures after a wait; all other failures are errors at once."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from ...base import NetworkError

_log = logging.getLogger("verify.places")
_ATTEMPTS = 6
_FIRST_WAIT = 0.5  # seconds, doubled after each attempt
_LONGEST_WAIT = 300.0  # seconds; the Hub counts requests by windows of five minutes

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
        If the last attempt fails too, or the server asks to wait for more than five minutes.
    """
    for number in range(_ATTEMPTS):
        try:
            return attempt()
        except TransientError as error:
            wait = _FIRST_WAIT * 2**number * random.uniform(0.5, 1.0) if error.wait is None else error.wait
            if number == _ATTEMPTS - 1 or wait > _LONGEST_WAIT:
                raise NetworkError(
                    f"{what} cannot be fetched ({error}, {number + 1} attempts); what was fetched is kept, try again "
                    f"{f'in {wait:.0f} seconds' if wait > _LONGEST_WAIT else 'later'}."
                ) from error
            _log.info("%s: %s; asking again in %.1f s", what, error, wait)
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")
