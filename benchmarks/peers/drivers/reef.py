"""Calls the white-box comparison of knowlyr-modelaudit (REEF) on two models. Run in its environment: - A B."""

from __future__ import annotations

import json
import sys

from modelaudit.engine import AuditEngine


def main() -> None:
    """Print similarity and verdict as JSON."""
    _, a, b = sys.argv[1:]
    found = AuditEngine(use_cache=False).compare(a, b, method="reef", device="cpu")
    print(json.dumps({"similarity": float(found.similarity), "is_derived": bool(found.is_derived)}))


if __name__ == "__main__":
    main()
