"""``python -m schemas`` writes the JSON Schemas of the records; ``--check`` only compares them."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from verify.base import Record
from verify.calibrate import CalibrationReport
from verify.claim import ClaimReport
from verify.claim.signature import Statement, predicate_type
from verify.derivations import DerivationReport
from verify.fingerprint import FingerprintRecord
from verify.fingerprint.signature import FingerprintStatement
from verify.panel import PanelRecord
from verify.panel.recipe import Recipe
from verify.screen import ScreenRecord
from verify.shares import ShareReport
from verify.siblings import BeyondReport

HERE = Path(__file__).parent


def schemas() -> dict[str, str]:
    """The text of every schema file by its name."""
    models = {
        "fingerprint-1": FingerprintRecord.model_json_schema(mode="serialization"),
        "claim-report-2": ClaimReport.model_json_schema(mode="serialization"),
        "calibration-1": CalibrationReport.model_json_schema(mode="serialization"),
        "derivation-1": DerivationReport.model_json_schema(mode="serialization"),
        "beyond-1": BeyondReport.model_json_schema(mode="serialization"),
        "share-1": ShareReport.model_json_schema(mode="serialization"),
        "panel-1": PanelRecord.model_json_schema(mode="serialization"),
        "screen-1": ScreenRecord.model_json_schema(mode="serialization"),
        "panel-recipe-1": Recipe.model_json_schema(),
    }
    for schema in models.values():
        _describe(schema)
    models["claim-statement-2"] = _statement("claim-report-2.schema.json")
    models["fingerprint-statement-1"] = FingerprintStatement.model_json_schema(mode="serialization")
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        f"{name}.schema.json": json.dumps(draft | schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in models.items()
    }


def _statement(report: str) -> dict[str, Any]:
    """The in-toto statement of a report, whose schema lies beside it."""
    schema = Statement.model_json_schema(mode="serialization")
    schema["properties"]["predicate"] |= {"$ref": report}
    schema["properties"]["predicateType"]["const"] = predicate_type(2)
    for name in ("additionalProperties", "type"):
        schema["properties"]["predicate"].pop(name, None)
    schema["properties"]["predicateType"].pop("pattern")
    return schema


def _describe(schema: dict[str, Any]) -> None:
    """Give every property the docstring that stands below its field; the records do not read them on import."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, text in _docstrings(part["title"]).items():
            if name in part.get("properties", {}):
                part["properties"][name].setdefault("description", text)


@cache
def _docstrings(title: str) -> dict[str, str]:
    """Docstrings of the fields of a record, by name."""
    record = next(r for r in _records(Record) if r.__name__ == title)
    body = ast.parse(textwrap.dedent(inspect.getsource(record))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def _records(record: type[Record]) -> Iterator[type[Record]]:
    for child in record.__subclasses__():
        yield child
        yield from _records(child)


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
