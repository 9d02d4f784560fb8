"""What is asked of a peer: how it is called on two models, and what its output says in its own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DRIVERS = Path(__file__).parent / "drivers"


@dataclass(frozen=True)
class Answer:
    """What a peer said of a pair."""

    said: str
    """In its own words or number, short."""
    related: bool | None
    """By the peer's published rule; None if it has none, or could not compare the two."""
    score: float | None
    """The larger, the more alike; None if it could not compare the two."""

    @staticmethod
    def none(why: str) -> Answer:
        """The two could not be compared."""
        return Answer(why, None, None)


@dataclass(frozen=True)
class Task:
    """A comparison to be made by one process of a peer."""

    a: Path
    """Folder of the questioned model."""
    b: Path
    """Folder of the reference."""
    programs: Path
    """Folder of the programs of the peer's environment, ``python`` among them."""
    place: Path | None
    """Folder of the peer's own code, for one that is no package."""
    prepared: Path
    """Folder of what was prepared once for all comparisons."""

    def python(self, *arguments: object) -> list[str]:
        """A command of the environment's Python."""
        return [str(self.programs / "python"), *map(str, arguments)]

    def program(self, name: str, *arguments: object) -> list[str]:
        """A command of a program of the environment."""
        return [str(self.programs / name), *map(str, arguments)]

    def driver(self, name: str, *more: object) -> list[str]:
        """One of our scripts that calls a function of the peer's code on the two models."""
        return self.python(DRIVERS / f"{name}.py", self.place, self.a, self.b, *more)


@dataclass(frozen=True)
class Peer:
    """A tool that compares two models."""

    name: str
    """As on the command line."""
    title: str
    """As in the table."""
    source: str
    """Where it is from; with the version, or before the commit."""
    rule: str
    """Which of its answers count as "related", and where that is published."""
    command: Callable[[Task], Sequence[str]]
    read: Callable[[str], Answer]
    """From what it prints."""
    environment: str = "ours"
    """Which of ``environments.REQUIREMENTS`` it runs in; ``ours`` is the running one."""
    checkout: bool = False
    """Whether it runs from a folder of its code."""
    threshold: bool = True
    """Whether it publishes a rule; otherwise models are told apart by its score alone."""
    prepare: Callable[[Task, Sequence[Path]], Sequence[str]] | None = None
    """A command, run once before all comparisons, that is given models unrelated to any compared."""
    unless: str = ""
    """Why it cannot be run here at all, if so."""


def last_json(output: str) -> dict[str, Any]:
    """The object on the last line of a driver's output."""
    import json

    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found


def by_p_value(level: float) -> Callable[[str], Answer]:
    """Reads the log10 of a p-value from a driver; at most ``level`` is "related"."""
    from math import isnan, log10

    def read(output: str) -> Answer:
        found = last_json(output)
        if found.get("why"):
            return Answer.none(found["why"])
        value = float(found["log10_p"])
        if isnan(value):
            return Answer.none("p is nan")
        return Answer(f"log10 p {value:.1f}", value <= log10(level), -value)

    return read
