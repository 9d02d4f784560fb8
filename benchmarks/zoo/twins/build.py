"""Train recipes on several processes, and write what is trained."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain, zip_longest
from pathlib import Path

from .design import STUDENT, Recipe, recipes
from .folder import finished, load, save

SETS = (("gated-references", "plain-references"), ("gated", "plain"), ("gated-fresh", "plain-fresh"))
"""Sets in order; those of one entry take turns, so that what an interrupted run leaves is of both kinds."""


def ordered(sets: Sequence[str], numbers: slice = slice(None)) -> list[Recipe]:
    """The recipes of sets in the order of training."""
    told = [[name for name in turn if name in sets] for turn in SETS]
    told.append([name for name in sets if name not in chain(*SETS)])
    turns = (zip_longest(*(recipes(name)[numbers] for name in turn)) for turn in told)
    return [recipe for turn in turns for recipe in chain(*turn) if recipe is not None]


def build(chosen: Iterable[Recipe], out: Path, *, workers: int = 2) -> None:
    """Train the models of recipes that are not yet in ``out``, and print a line for each recipe.

    Parameters
    ----------
    chosen : the recipes, in order.
    out : folder of all models; no other run may use it.
    workers : number of processes, of one thread each.

    Raises
    ------
    FileNotFoundError
        If a corpus is made from a package that is not installed.
    """
    out.mkdir(parents=True, exist_ok=True)
    waiting = [recipe for recipe in chosen if not all(finished(out, name) for name in recipe.models)]
    _sweep(out, {name for recipe in waiting for name in recipe.models})
    quietly = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_DFL)}
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), **quietly) as pool:
        futures = [pool.submit(build_one, recipe, out) for recipe in waiting]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                print(f"{done}/{len(waiting)}  {future.result()}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def build_one(recipe: Recipe, out: Path) -> str:
    """Train the models of a recipe and write those that are missing; returns a line for the log.

    All are trained if one is missing, so that what is written does not depend on when the last run was interrupted.
    """
    import torch

    from .train import train

    torch.set_num_threads(1)
    began, losses = time.process_time(), []
    alone = [name for name in recipe.models if not name.endswith(f"-{STUDENT}")]
    for names in (alone, [name for name in recipe.models if name not in alone]):
        if all(finished(out, name) for name in names):
            continue
        teacher = None if names == alone else load(out, recipe, recipe.models[0])
        for name, weights, loss in zip(names, *train(recipe, names, teacher), strict=True):
            losses.append(loss)
            if not finished(out, name):
                save(out, recipe, name, weights, loss)
    spent = time.process_time() - began
    return f"{recipe.name}: {spent:.1f} CPU s, {spent / max(1, len(losses)):.1f} a model, losses " + " ".join(
        f"{loss:.3f}" for loss in losses
    )


def _sweep(out: Path, names: set[str]) -> None:
    """Remove what an interrupted run left of models, by the names that :func:`benchmarks.zoo.build.write` gives."""
    for path in out.glob(".*"):
        name, _, process = path.name[1:].rpartition(".")
        if name in names and process.isdigit():
            shutil.rmtree(path)
