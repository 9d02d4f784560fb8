"""``python -m benchmarks.truth_table``: every model of the zoo against its reference, by every test.

Works on the fingerprints in ``zoo/fingerprints`` and writes ``tables/truth.md``.
"""

from __future__ import annotations

from pathlib import Path

import verify
from verify.statistics import EXACT_TESTS

from .zoo.build import ZOO
from .zoo.ship import FINGERPRINTS

TABLE = Path(__file__).parent / "tables" / "truth.md"


def main() -> None:
    """Compare and write the table."""
    prints = {name: verify.Fingerprint.load(FINGERPRINTS / f"{name}.safetensors") for name in ZOO.models}
    lines = [
        "# Truth table of the zoo",
        "",
        "log10 p of each test against the reference (`python -m benchmarks.truth_table`). Bold: a test that survives",
        "this derivation and must find it, below -9. n/a: does not apply.",
        "",
        "| model | " + " | ".join(test.id for test in EXACT_TESTS) + " | verdict |",
        "|---|" + "---:|" * len(EXACT_TESTS) + "---|",
    ]
    for name, spec in ZOO.models.items():
        reference = ZOO.reference_of(name)
        if reference == name:
            continue
        report = verify.test_lineage(prints[name], prints[reference])
        cells = []
        for test, result in report.tests.items():
            text = "n/a" if result.log10_p is None else f"{result.log10_p:.1f}"
            cells.append(f"**{text}**" if test in spec.get("detects", []) else text)
        label = name if reference == ZOO.reference else f"{name} (against {reference})"
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {report.verdict} |")
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
