"""``python -m benchmarks.power_study``: how small a sketch may be before the hard cases are lost.

Tests the zoo's hardest derivations under sketches of many sizes, one size changed at a time, and writes
``tables/power.md``. The defaults of ``SketchSpec`` come from here.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import verify
from verify import SketchSpec

from .zoo.__main__ import CACHE

TABLE = Path(__file__).parent / "tables" / "power.md"
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
    """Measure and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power_study", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE / "standard")
    zoo = parser.parse_args().zoo
    default = SketchSpec()
    lines = [
        "# Power and size of a sketch",
        "",
        "log10 p against `reference` (zoo, scale `standard`), one size of the sketch changed at a time; the default",
        "is in bold. `python -m benchmarks.power_study`. MB: fingerprint of a model of the shape of Qwen2.5-14B.",
        "",
        "| size | test | MB | " + " | ".join(HARD) + " |",
        "|---|---|---:|" + "---:|" * len(HARD),
    ]
    for field, (test, values) in SIZES.items():
        for value in values:
            sketch = default.model_copy(update={field: value})
            label = f"{field} = {value}"
            label = f"**{label}**" if value == getattr(default, field) else label
            cells = [_log10_p(zoo, name, sketch, test) for name in HARD]
            lines.append(f"| {label} | {test} | {_megabytes(sketch):.1f} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


def _log10_p(zoo: Path, name: str, sketch: SketchSpec, test: str) -> str:
    result = verify.test_lineage(_print(zoo / name, sketch), _print(zoo / "reference", sketch)).tests[test]
    return "n/a" if result.log10_p is None else f"{result.log10_p:.0f}"


@cache
def _print(model: Path, sketch: SketchSpec) -> verify.Fingerprint:
    return verify.fingerprint(model, sketch=sketch)


def _megabytes(sketch: SketchSpec) -> float:
    """Bytes of the arrays of a dense gated model, by the table in ``verify.fingerprint.layout``."""
    layers, width, heads = QWEN_14B["layers"], QWEN_14B["width"], QWEN_14B["kv_heads"]
    unit = 3 * sketch.projections + sketch.anchors
    channel = 2 * sketch.projections + sketch.anchors
    per_layer = sketch.units * unit + heads * sketch.channels * channel + 3 * sketch.match_units * sketch.anchors
    rest = 2 * min(width, sketch.stream) * sketch.anchors + 8 * sketch.anchors**2
    return 2 * (layers * (per_layer + 4 * sketch.spectrum) + rest) / 1e6


if __name__ == "__main__":
    main()
