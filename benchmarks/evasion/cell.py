"""One cell of the study: what the tests say of an attacked model, and what the attack costs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.statistics import EXACT_TESTS, SPREAD_CORRELATION

from ..results import rounded
from ..zoo.build import tokenizer, write
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config

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


def measured(weights: Arrays, c: Config, against: verify.Fingerprint, control: verify.Fingerprint, loss: float) -> Cell:
    """What the tests say of a model against a model that it may be related to, and against one that it is not.

    Parameters
    ----------
    weights, c : the attacked model and its network.
    against, control : fingerprints.
    loss : its loss on held-out text, in nats per token.
    """
    with tempfile.TemporaryDirectory() as folder:
        documents = {"config.json": c.huggingface(), "tokenizer.json": tokenizer(np.arange(c.vocab))}
        write(Path(folder), "attacked", weights, documents, "F32")
        made = verify.fingerprint(Path(folder, "attacked"))
    report, other = verify.test_lineage(made, against), verify.test_lineage(made, control)
    answer = report.verdict
    if answer == "no_evidence":
        answer = verify.test_lineage(made, against, panel="default").verdict
    effects = {test.id: test.effect for test in report.exact if test.effect is not None}
    return {
        "loss": loss,
        "log10_p": {test.id: rounded(test.log10_p) for test in report.exact},
        "cosines": {
            name: [effect.cosine_identified, effect.cosine_background]
            for name, effect in effects.items()
            if effect.cosine_identified is not None and effect.cosine_background is not None
        },
        "answer": answer,
        "signs": [sign.code.removeprefix("reworked.") for sign in report.reworked],
        "spreads": _spreads(made, against),
        "control": {
            "log10_p": {test.id: rounded(test.log10_p) for test in other.exact},
            "answer": other.verdict,
            "spreads": _spreads(made, control),
        },
    }


def _spreads(a: verify.Fingerprint, b: verify.Fingerprint) -> float | None:
    """The disputed correlation, where there is one."""
    return None if SPREAD_CORRELATION.refusal(a, b) else rounded(SPREAD_CORRELATION(a, b))
