"""One cell of the study: what the tests say of an attacked model, and what the attack costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import verify
from verify import SketchSpec
from verify.statistics import EXACT_TESTS, SPREAD_CORRELATION, ExactResult
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.planes import plane_groups, planes_of
from verify.statistics.ties import TiedSets

from ..results import rounded
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config
from .prints import print_of

AGAIN = SketchSpec(units=176, projections=37, anchors=150)
"""Another sketch, as someone might draw it after a model was received: all units, and rows projected otherwise."""
TESTS = tuple(test.id for test in EXACT_TESTS)
Cell = dict[str, Any]


class Cells:
    """Finished cells in a folder, one file each; a cell that is there is never made again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, *key: str, make: Callable[[], Cell]) -> Cell:
        """A cell by its key, made if it is not there.

        Parameters
        ----------
        key : words that name it.
        make : gives its content.
        """
        *folders, name = (word.strip().replace(" ", "_") for word in key)
        path = self.folder.joinpath(*folders, f"{name}.json")
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.part")
            part.write_text(json.dumps(make()), "utf-8")
            part.rename(path)
        found: Cell = json.loads(path.read_text("utf-8"))
        return found


class Model(NamedTuple):
    """A model that others are compared with, under two sketches."""

    usual: verify.Fingerprint
    again: verify.Fingerprint

    @staticmethod
    def read(folder: Path) -> Model:
        """From its weights."""
        return Model(verify.fingerprint(folder), verify.fingerprint(folder, sketch=AGAIN))


def measured(weights: Arrays, c: Config, against: Model, control: Model, loss: float) -> Cell:
    """What the tests say of a model against a model that it may be related to, and against one that it is not.

    Parameters
    ----------
    weights, c : the attacked model and its network.
    against, control : the models compared with.
    loss : its loss on held-out text, in nats per token.
    """
    made = print_of(weights, c)
    report, other = verify.test_lineage(made, against.usual), verify.test_lineage(made, control.usual)
    again = verify.test_lineage(print_of(weights, c, AGAIN), against.again)
    answer = report.verdict
    if answer == "no_evidence":
        answer = verify.test_lineage(made, against.usual, panel="default").verdict
    return {
        "loss": loss,
        "log10_p": _p(report.exact),
        "again": _p(again.exact),
        "cosines": {test.id: cosines for test in report.exact if (cosines := _cosines(test))},
        "coherence": _coherence(made, against.usual),
        "answer": answer,
        "signs": [sign.code.removeprefix("reworked.") for sign in report.reworked],
        "spreads": _spreads(made, against.usual),
        "control": {
            "log10_p": _p(other.exact),
            "answer": other.verdict,
            "spreads": _spreads(made, control.usual),
        },
    }


def _p(results: Iterable[ExactResult]) -> dict[str, float]:
    return {test.id: round(test.log10_p, 6) for test in results if test.log10_p is not None}


def _cosines(test: ExactResult) -> list[float] | None:
    """Median score of identified indices, and of best matches elsewhere."""
    effect = test.effect
    if effect is None or effect.cosine_identified is None or effect.cosine_background is None:
        return None
    return [round(effect.cosine_identified, 6), round(effect.cosine_background, 6)]


def _coherence(a: verify.Fingerprint, b: verify.Fingerprint) -> float:
    """Mean modulus of the products of rotary planes, which no turn of planes changes; 1 for equal planes."""
    a, b = on_shared_anchors(a, b)
    x, y = (planes_of(model, "keys", "key_responses") for model in (a, b))
    products = [group.products for group in plane_groups(x, y, (TiedSets(), TiedSets())).separate]
    return round(float(np.abs(np.concatenate(products)).mean() / len(x.parts)), 6)


def _spreads(a: verify.Fingerprint, b: verify.Fingerprint) -> float | None:
    """The disputed correlation, where there is one."""
    return None if SPREAD_CORRELATION.refusal(a, b) else rounded(SPREAD_CORRELATION(a, b))
