"""One of every kind of result that a user may hold, made of models that ship with the library."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import verify
from tests.claims import claim
from verify.base import Record
from verify.base.display import Displayed
from verify.data import model
from verify.panel import audit_strangers
from verify.statistics import EstimateResult, ScoreResult

ROWS = [
    *((f"m{i}", f"m{j}", (i * j) % 7 / 10) for i in range(8) for j in range(i)),
    ("x", "y", 0.9),
    *((f"m{i}", name, 0.3) for i in range(8) for name in "xy"),
]
"""A table of scores, of which that of x and y is the largest."""


@cache
def held() -> dict[str, Displayed]:
    """Results by a name."""
    pair = verify.fingerprint(model("fine-tuned")), verify.fingerprint(model("reference"))
    report = claim(*pair, panel="default")
    other = claim(verify.fingerprint(model("stranger-1")), pair[1])
    panel = verify.Panel.load("default")
    screened = verify.screen([model(name) for name in ("fine-tuned", "reference", "same-seed", "stranger-1")])
    strangers = audit_strangers(
        panel, [{name: verify.fingerprint(model(name)) for name in ("stranger-1", "distilled")}]
    )
    assert strangers is not None
    assert report.primary is not None
    return {
        "related": report,
        "unrelated": other,
        "agrees": verify.replay(report, *pair, panel="default"),
        "disagrees": verify.replay(report.model_copy(update={"searched": 2})),
        "screen": screened,
        "panel": panel,
        "fingerprint": pair[1],
        "checkpoint": verify.open_checkpoint(model("reference")),
        "calibration": verify.calibrate(ROWS, ("x", "y"), alpha=0.05),
        "strangers": strangers,
        "tests": report.tests,
        "exact": report.tests["unit_identity"],
        "signs": report.tests["sign_agreement"],
        "refused": report.tests["expert_identity"],
        "primary": report.primary,
        "similarity": report.tests["circuit_cosine"],
        "score": ScoreResult(id="mine", version=1, applicable=True, log10_p=-1.0, score=0.5, n=9, exceedances=0),
        "estimate": EstimateResult(id="other", version=1, applicable=True, estimate=0.5, low=0.4, high=0.6),
    }


def records(value: Any) -> Iterator[Record]:
    """All records that can be reached from a value."""
    if isinstance(value, Record):
        yield value
        for name in type(value).model_fields:
            yield from records(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from records(one)
    elif isinstance(value, tuple | list):
        for one in value[:3]:
            yield from records(one)
    elif hasattr(value, "record"):
        yield from records(value.record)
