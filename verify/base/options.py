"""Checks of the arguments of public functions: each returns the value, or raises an error that says what to give.

Booleans are not accepted as numbers, nor numbers as text; numpy's numbers are accepted like Python's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from .errors import InputError

Kind = TypeVar("Kind")
Word = TypeVar("Word", bound=str)
Function = TypeVar("Function", bound=Callable[..., Any])

MOST_PROCESSES = 1024


def refuse(name: str, value: object, give: str) -> NoReturn:
    """Raise the error for a bad argument.

    Parameters
    ----------
    name : name of the argument.
    value : the value given; its first 60 characters are shown.
    give : what to give instead, as the object of "give".

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(f"{name} is {value!r:.60}; give {give}.")


def functions(name: str, value: Any) -> tuple[Callable[..., Any], ...]:
    """Some functions.

    Raises
    ------
    InputError
        If it is anything else.
    """
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        refuse(name, value, "a list of functions")
    for one in value:
        if not callable(one):
            refuse(f"one of {name}", one, "a function")
    return tuple(value)


def no_others(unknown: Mapping[str, object]) -> None:
    """Refuse unknown keyword arguments.

    Raises
    ------
    InputError
        If there is any.
    """
    for name in unknown:
        raise InputError(f"There is no option {name!r:.60}; give one of those that are documented.")


def fraction(name: str, value: Any, give: str = "a number between 0 and 1, such as 0.001") -> float:
    """Check a number strictly between 0 and 1.

    Parameters
    ----------
    name : name of the argument, for the message.
    value : the value given.
    give : what to give instead, for the message.

    Returns
    -------
    float
        The value.

    Raises
    ------
    InputError
        If it is no number strictly between 0 and 1.

    Examples
    --------
    >>> fraction("alpha", 0.01)
    0.01
    >>> fraction("alpha", True)
    Traceback (most recent call last):
    verify.base.errors.InputError: alpha is True; give a number between 0 and 1, such as 0.001.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    number = float(value) if real and bool(0 < value < 1) else 0.0
    return number if 0 < number < 1 else refuse(name, value, give)


def positive(name: str, value: Any, most: int) -> int:
    """Check an integer from 1 to a bound.

    Parameters
    ----------
    name : name of the argument, for the message.
    value : the value given.
    most : the largest value allowed.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InputError
        If it is no integer from 1 to ``most``.
    """
    integer = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else 0
    return integer if 0 < integer <= most else refuse(name, value, f"an integer from 1 to {most}")


def flag(name: str, value: Any) -> bool:
    """Check a boolean."""
    return value if isinstance(value, bool) else refuse(name, value, "True or False")


def text(name: str, value: Any) -> str:
    """Check text that UTF-8 can encode."""
    if not isinstance(value, str):
        refuse(name, value, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse(name, value, "text that UTF-8 can encode")
    return value


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Check a collection of texts."""
    if not isinstance(value, Collection) or isinstance(value, str | bytes | bytearray | Mapping):
        refuse(name, value, "a list of texts")
    return tuple(text(f"an entry of {name}", entry) for entry in value)


def one_of(name: str, value: Any, words: Collection[Word]) -> Word:
    """Check one of a few words.

    Parameters
    ----------
    name : name of the argument, for the message.
    value : the value given.
    words : the values allowed.

    Returns
    -------
    str
        The value.

    Raises
    ------
    InputError
        If it is none of them.
    """
    chosen = [word for word in words if isinstance(value, str) and word == value]
    return chosen[0] if chosen else refuse(name, value, f"one of {', '.join(words)}")


def path(name: str, value: Any, give: str = "a path") -> Path:
    """Check a path, given as text or as an ``os.PathLike``.

    Parameters
    ----------
    name : name of the argument, for the message.
    value : the value given: text or an ``os.PathLike``.
    give : what to give instead, for the message.

    Returns
    -------
    Path
        The path; whether anything is there is not checked.

    Raises
    ------
    InputError
        If it is neither.
    """
    given = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    return Path(given) if isinstance(given, str) and given and "\0" not in given else refuse(name, value, give)


def paths(name: str, value: Any) -> tuple[str, ...]:
    """Check a collection of paths or addresses, each given as text or as an ``os.PathLike``."""
    if not isinstance(value, Collection) or isinstance(value, str | bytes | bytearray | Mapping):
        refuse(name, value, "a list of paths")
    given = [os.fspath(one) if isinstance(one, str | os.PathLike) else one for one in value]
    for one in given:
        path(f"an entry of {name}", one)
    return tuple(given)


def time(name: str, value: Any) -> str:
    """Check a time, given as ISO 8601 text or as a datetime with a time zone; None means now."""
    give = "a time in ISO 8601, such as 2026-01-31T12:00:00+00:00"
    if value is None:
        return datetime.now(UTC).isoformat(timespec="seconds")
    if isinstance(value, datetime):
        return value.isoformat() if value.utcoffset() is not None else refuse(name, value, f"{give}, with its zone")
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        refuse(name, value, give)
    return str(value)


def instance(name: str, value: Any, kind: type[Kind], give: str) -> Kind:
    """Check the class of an object.

    Parameters
    ----------
    name : name of the argument, for the message.
    value : the value given.
    kind : the class that it must be of.
    give : what to give instead, for the message.

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        If it is of another class.
    """
    return value if isinstance(value, kind) else refuse(name, value, give)


def function(name: str, value: Function) -> Function:
    """Check a callable."""
    return value if callable(value) else refuse(name, value, "a function")


def processes(name: str, value: Any) -> int | Executor | None:
    """None for this process, a number of processes, or an executor."""
    if value is None or isinstance(value, Executor):
        return value
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else 0
    give = f"None, 1 to {MOST_PROCESSES} processes, or an executor"
    return number if 1 <= number <= MOST_PROCESSES else refuse(name, value, give)
