"""Options that several commands share: access to a model, and how much of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..fingerprint import EFFORTS, Effort

__all__ = ["EFFORTS", "Effort", "effort_options", "side_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def effort_options(command: Command) -> Command:
    """``--effort`` and ``--workers``."""
    command = click.option(
        "--workers", type=click.IntRange(min=1), help="Worker processes for reading weights.  [default: 1]"
    )(command)
    return click.option(
        "--effort",
        type=click.Choice(EFFORTS),
        help="How much of the weights to read.  [default: full for local files and panels, else standard]",
    )(command)


def side_options(side: str = "") -> Callable[[Command], Command]:
    """``--revision``, ``--token``, ``--layout``, ``--base``, ``--tokenizer`` of a model; with ``-a`` or ``-b``."""
    end, of = (f"-{side}", f" of {side.upper()}") if side else ("", "")

    def decorate(command: Command) -> Command:
        for name, text in (
            ("tokenizer", f"Tokenizer{of}, if its folder has none: a file, or a folder or model with one."),
            ("base", f"Base model of an adapter{of}: a path or address."),
            ("layout", f"Layout file{of}, or the name of a family, for an unknown architecture."),
            ("token", f"Hub token{of}; HF_TOKEN in the environment is safer."),
            ("revision", f"Branch, tag or commit{of} on the Hub."),
        ):
            command = click.option(f"--{name}{end}", help=text)(command)
        return command

    return decorate
