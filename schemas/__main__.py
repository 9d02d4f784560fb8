"""``python -m schemas`` writes the JSON Schemas of the records; ``--check`` only compares them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from verify.claim import ClaimReport
from verify.fingerprint import FingerprintRecord
from verify.panel import PanelRecord
from verify.panel.recipe import Recipe

HERE = Path(__file__).parent


def schemas() -> dict[str, str]:
    """The text of every schema file by its name."""
    models = {
        "fingerprint-1": FingerprintRecord.model_json_schema(mode="serialization"),
        "claim-report-1": ClaimReport.model_json_schema(mode="serialization"),
        "panel-1": PanelRecord.model_json_schema(mode="serialization"),
        "panel-recipe-1": Recipe.model_json_schema(),
    }
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        f"{name}.schema.json": json.dumps(draft | schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in models.items()
    }


def main() -> int:
    """Write the files, or say which of them drifted."""
    drifted = [
        name
        for name, text in schemas().items()
        if not (HERE / name).is_file() or (HERE / name).read_text("utf-8") != text
    ]
    if "--check" in sys.argv:
        for name in drifted:
            print(f"schemas/{name} is not what the records say; run `python -m schemas`.", file=sys.stderr)
        return 1 if drifted else 0
    for name, text in schemas().items():
        (HERE / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
