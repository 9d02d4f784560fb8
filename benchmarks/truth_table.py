"""``python -m benchmarks.truth_table``: every model of the zoo against its reference, by every test.

Works on the fingerprints in ``zoo/fingerprints`` and writes ``tables/truth.json`` and its page.
"""

from __future__ import annotations

import verify
from verify.statistics import EXACT_TESTS

from .pages import publish
from .results import rounded
from .zoo.build import ZOO
from .zoo.ship import with_reference


def main() -> None:
    """Compare, and write the results and the page."""
    rows = []
    for name, spec in ZOO.models.items():
        reference = ZOO.reference_of(name)
        if reference == name:
            continue
        report = verify.test_lineage(*with_reference(name))
        rows.append(
            {
                "model": name,
                "reference": reference,
                "relation": ZOO.relation(name),
                "log10_p": {test: rounded(result.log10_p) for test, result in report.tests.items()},
                "detects": spec.get("detects", []),
                "verdict": report.verdict,
            }
        )
    publish("truth", {"reference": ZOO.reference, "tests": [test.id for test in EXACT_TESTS], "models": rows})


if __name__ == "__main__":
    main()
