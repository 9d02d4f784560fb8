"""Options that several commands share: how a model is reached, and how much of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args

import click

Effort = Literal["screen", "standard", "full"]
"""As in ``verify.fingerprint``, which is loaded only where something is read."""
EFFORTS: tuple[Effort, ...] = get_args(Effort)
Command = TypeVar("Command", bound=Callable[..., Any])


def effort_options(command: Command) -> Command:
    """``--effort`` and ``--workers``."""
    command = click.option(
        "--workers", type=click.IntRange(min=1), help="Processes that read weights.  [default: none but this one]"
    )(command)
    return click.option(
        "--effort",
        type=click.Choice(EFFORTS),
        help="How much is read.  [default: full for local files and panels, else standard]",
    )(command)


def side_options(side: str = "") -> Callable[[Command], Command]:
    """``--revision``, ``--token``, ``--layout``, ``--base``, ``--tokenizer`` of one model, named by side of two."""
    end, of = (f"-{side}", f" of {side.upper()}") if side else ("", "")

    def decorate(command: Command) -> Command:
        for name, text in (
            ("tokenizer", f"Tokenizer{of}, where its folder has none: a file, or a folder or model with one."),
            ("base", f"Model that an adapter{of} is merged onto: a path or address."),
            ("layout", f"Layout file{of}, or the name of a family, for an architecture that is not known."),
            ("token", f"Token of the Hub{of}; HF_TOKEN in the environment is safer."),
            ("revision", f"Branch, tag or commit{of} on the Hub."),
        ):
            command = click.option(f"--{name}{end}", help=text)(command)
        return command

    return decorate
