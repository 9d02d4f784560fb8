"""``--dry-run``: what a run would read of its models and cost, from headers alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from ..base import CheckpointError, InputError, MissingPackageError
from ..checkpoint import Location
from .command import option
from .options import READING, Effort
from .output import count, echo, echo_json, warn

if TYPE_CHECKING:
    from ..fingerprint.plan import ReadingPlan

_START = 0.5  # seconds of CPU of any run

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def dry_run_option(command: Decorated) -> Decorated:
    """``--dry-run``."""
    text = "Print what would be read, and what it costs; only headers and small files are read."
    return option("--dry-run", group=READING, is_flag=True, help=text)(command)


def give_plans(
    models: Sequence[Location],
    effort: Effort | None,
    *,
    as_json: bool,
    pair: bool = False,
    panels: bool = True,
    skip: bool = False,
) -> None:
    """Print what would be read of models.

    Parameters
    ----------
    models : the models.
    effort : how much would be read.
    as_json : whether to print JSON.
    pair : whether two models are compared, one of which may be read by the other's tokenizer.
    panels : of a pair, whether what only panels read is made.
    skip : whether a model that cannot be read is left out, and reported.
    """
    from ..fingerprint.plan import ReadingPlan, plans_of_pair, reading_plan

    plans = list[ReadingPlan]()
    if pair:
        first, second = models
        plans, models = list(plans_of_pair(first, second, effort, panels=panels)), ()
    for model in models:
        try:
            plans.append(reading_plan(model, effort))
        except CheckpointError as error:
            if not skip or isinstance(error, MissingPackageError):
                raise
            warn(f"{model}: left out: {error}")
    if not plans:
        raise InputError("None of the models can be read; see the reasons.")
    if as_json:
        echo_json(json.dumps([asdict(plan) for plan in plans]))
        return
    lines = [f"{plan.name}, {described(plan)}" for plan in plans]
    if len(plans) > 1:
        read = sum(plan.read + plan.before + plan.hashed for plan in plans)
        cost = _cost(max(plan.memory for plan in plans), sum(plan.seconds for plan in plans))
        lines.append(f"in all: {count(read, 'byte')}; {cost}")
    pairs = "; the comparison of pairs comes on top" if skip else ""
    echo("\n".join([*lines, f"Nothing was read but headers and small files. Memory and CPU are rough{pairs}."]))


def described(plan: ReadingPlan) -> str:
    """What would be read of a model, in a line that begins with the effort."""
    if plan.kept == "fingerprint":
        return f"{plan.effort} effort: a fingerprint; no weights are read"
    if plan.kept == "cache":
        return f"{plan.effort} effort: no weights are read, since the cache holds the fingerprint"
    parts = [f"{count(plan.read, 'byte')} of weights ({plan.read / max(1, plan.stored):.1%} of {plan.stored} stored)"]
    if plan.before:
        parts.append(f"after {plan.before} without a tokenizer")
    if plan.hashed:
        parts.append(f"and {plan.hashed} once more for the sha256 of files")
    if plan.requests is not None:
        about = "about " if plan.effort == "full" else ""
        parts.append(f"{about}{count(plan.requests, 'request')} for {count(plan.fetched or 0, 'byte')}")
    return f"{plan.effort} effort: {', '.join(parts)}; {_cost(plan.memory, plan.seconds)}"


def _cost(memory: int, seconds: float) -> str:
    """Memory, and seconds of reading and of the start."""
    return f"roughly {memory / 1e9:.2f} GB of memory, {seconds + _START:.{1 if seconds < 10 else 0}f} s of CPU"
