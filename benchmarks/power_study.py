"""``python -m benchmarks.power_study``: how small a sketch may be before the hard cases are lost.

Tests the zoo's hardest derivations under sketches of many sizes, one size changed at a time, and writes
``tables/power.json`` and its page. The defaults of ``SketchSpec`` come from here.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import verify
from verify import SketchSpec

from .pages import publish
from .results import rounded
from .zoo.__main__ import CACHE

HARD = ("continued-3x", "pruned-80", "merged-stranger", "moe-fine", "depth-pruned-healed", "stranger-1")
SIZES = {
    "units": ("unit_identity", (16, 32, 64, 128, 352)),
    "projections": ("unit_identity", (8, 16, 32, 64, 128)),
    "channels": ("value_identity", (4, 8, 16, 32)),
    "anchors": ("response_identity", (32, 48, 64, 96, 128)),
    "stream": ("stream_identity", (16, 32, 64, 128)),
}
QWEN_14B = {"layers": 48, "width": 5120, "kv_heads": 8}


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power_study", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE / "standard")
    zoo = parser.parse_args().zoo
    default = SketchSpec()
    rows = []
    for field, (test, values) in SIZES.items():
        for value in values:
            sketch = default.model_copy(update={field: value})
            rows.append(
                {
                    "size": field,
                    "value": value,
                    "default": value == getattr(default, field),
                    "test": test,
                    "megabytes": round(_megabytes(sketch), 6),
                    "log10_p": {name: _log10_p(zoo, name, sketch, test) for name in HARD},
                }
            )
            print(rows[-1], flush=True)
    publish("power", {"models": HARD, "rows": rows})


def _log10_p(zoo: Path, name: str, sketch: SketchSpec, test: str) -> float | None:
    report = verify.test_lineage(_print(zoo / name, sketch), _print(zoo / "reference", sketch))
    return rounded(report.tests[test].log10_p)


@cache
def _print(model: Path, sketch: SketchSpec) -> verify.Fingerprint:
    return verify.fingerprint(model, sketch=sketch)


def _megabytes(sketch: SketchSpec) -> float:
    """Bytes of the arrays of a dense gated model, by the table in ``verify.fingerprint.record``."""
    layers, width, heads = QWEN_14B["layers"], QWEN_14B["width"], QWEN_14B["kv_heads"]
    unit = 3 * sketch.projections + sketch.anchors
    channel = 2 * sketch.projections + sketch.anchors
    per_layer = sketch.units * unit + heads * sketch.channels * channel + 3 * sketch.match_units * sketch.anchors
    rest = 2 * min(width, sketch.stream) * sketch.anchors + 8 * sketch.anchors**2
    return 2 * (layers * (per_layer + 4 * sketch.spectrum) + rest) / 1e6


if __name__ == "__main__":
    main()
