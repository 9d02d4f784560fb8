"""``python -m benchmarks.adapters_alone``: LoRAs of one base, trained by PEFT, compared without it.

Trains them in an environment of its own (``train.py``, which never imports ``verify``), compares every pair of one
kind, and of ranks 4, 8 and 16. Writes ``tables/adapters_alone.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import verify

from ..formats.__main__ import ran
from ..pages import publish
from ..zoo.__main__ import CACHE

TRAIN = Path(__file__).with_name("train.py")
LEVEL = 1e-3


def main() -> None:
    """Train what is not there yet, compare, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters_alone", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "adapters_alone", help="(%(default)s)")
    folder = parser.parse_args().folder
    ran(TRAIN, folder / "environment", folder / "made")
    known = [json.loads(path.read_text("utf-8")) for path in sorted((folder / "made").glob("*/made.json"))]
    prints, refused = dict[str, verify.Fingerprint](), defaultdict[str, int](int)
    for one in known:
        try:
            prints[one["name"]] = verify.fingerprint(folder / "made" / one["name"])
        except verify.CheckpointError:
            refused[one["kind"]] += 1
    found: dict[tuple[str, str], list[verify.ClaimReport]] = defaultdict(list)
    for a, b in combinations([one for one in known if one["name"] in prints], 2):
        if (key := _relation(a, b)) is not None:
            found[key].append(verify.test_lineage(prints[a["name"]], prints[b["name"]], alpha=LEVEL))
    rows = [
        {"relation": relation, "kind": kind, **_row(reports)} for (relation, kind), reports in sorted(found.items())
    ]
    publish("adapters_alone", {"adapters": len(known), "level": LEVEL, "refused": dict(refused), "rows": rows})


def _relation(a: dict[str, Any], b: dict[str, Any]) -> tuple[str, str] | None:
    """What two adapters are to each other, and of which kind; None if they are not compared."""
    ranks = a["kind"].startswith("rank ") and b["kind"].startswith("rank ") and 1 not in (a["rank"], b["rank"])
    if a["kind"] != b["kind"] and not ranks:
        return None
    kind = a["kind"] if a["kind"] == b["kind"] else "two ranks"
    if "of" in a or "of" in b:
        return ("one trained on", kind) if a["name"] == b.get("of") or b["name"] == a.get("of") else None
    if a["seed"] == b["seed"]:
        return ("one seed" if a["rank"] != b["rank"] else "one seed, other texts"), kind
    return ("strangers, one text" if a["text"] == b["text"] else "strangers, other texts"), kind


def _row(reports: list[verify.ClaimReport]) -> dict[str, Any]:
    counts = [report.tests["unit_identity"].counts[0] for report in reports]
    return {
        "pairs": len(reports),
        "dependent": sum(report.verdict == "dependent" for report in reports),
        "least_log10_p": round(min(count.log10_p for count in counts), 2),
        "most_log10_p": round(max(count.log10_p for count in counts), 2),
        "mean": round(sum(count.count for count in counts) / len(counts), 1),
        "expected": max(count.groups for count in counts),
        "n": max(count.n for count in counts),
    }


if __name__ == "__main__":
    main()
