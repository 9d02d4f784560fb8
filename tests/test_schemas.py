"""The JSON Schemas in ``schemas/`` are those of the records, and real documents obey them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from schemas.__main__ import HERE, main, schemas
from tests.models import child, config, weights, write
from verify import ClaimReport, Fingerprint, fingerprint, test_lineage
from verify.claim.reading import READERS


def validator(name: str) -> Draft202012Validator:
    """Of a schema file as it is checked in."""
    return Draft202012Validator(json.loads((HERE / f"{name}.schema.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> list[Fingerprint]:
    """A parent, its child, a stranger with an entry that is no number, and one of another width."""
    root, c = tmp_path_factory.mktemp("models"), config()
    stranger = weights(2, c)
    stranger["model.layers.0.mlp.up_proj.weight"][1] = float("nan")
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "stranger": stranger}
    folders = [write(root / name, w, c) for name, w in made.items()]
    wide = write(root / "wide", weights(3, config(width=32)), config(width=32), tokens=False)
    return [fingerprint(folder) for folder in (*folders, wide)]


@pytest.fixture(scope="module")
def documents(fingerprints: list[Fingerprint]) -> list[dict[str, Any]]:
    """A report against the parent of each: identical, dependent, no evidence, untestable."""
    return [json.loads(test_lineage(a, fingerprints[0]).to_json()) for a in fingerprints]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schemas_are_in_step_with_the_records(name: str) -> None:
    """A record that changed has another schema; `python -m schemas` writes it."""
    assert (HERE / name).read_text("utf-8") == schemas()[name], "run `python -m schemas`"


def test_no_schema_is_left_over() -> None:
    """Each file belongs to a record, or to one of an older schema that is still read, and names its draft."""
    older = {f"claim-report-{version}.schema.json" for version in READERS} - schemas().keys()
    assert {path.name for path in HERE.glob("*.json")} == schemas().keys() | older
    for path in sorted((Path(__file__).parent / "older").glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        schema = json.loads((HERE / f"claim-report-{content['schema_version']}.schema.json").read_text("utf-8"))
        if "later" in path.stem:  # those before had a field more, of the same version
            Draft202012Validator(schema).validate(content)
    for text in schemas().values():
        Draft202012Validator.check_schema(json.loads(text))
        assert json.loads(text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_drift_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command that writes them."""
    monkeypatch.setattr("schemas.__main__.HERE", tmp_path)
    monkeypatch.setattr("sys.argv", ["schemas", "--check"])
    assert main() == 1
    assert "claim-report-2.schema.json is not what the records say" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["schemas"])
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["schemas", "--check"])
    assert main() == 0


def test_real_reports_obey_the_schema(documents: list[dict[str, Any]]) -> None:
    """Of every verdict that needs no panel."""
    assert [d["verdict"] for d in documents] == ["identical", "dependent", "no_evidence", "untestable"]
    for document in documents:
        validator("claim-report-2").validate(document)


def test_real_fingerprints_obey_the_schema(fingerprints: list[Fingerprint]) -> None:
    """As they lie in the header of their file."""
    for model in fingerprints:
        validator("fingerprint-1").validate(model.record.model_dump(mode="json"))


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"verdict": "guilty"},
        {"robust_log10_p": "0"},
        {"evidence": {}},
        {"schema_version": 1},
        {"searched": 0},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(documents: list[dict[str, Any]], change: dict[str, Any]) -> None:
    """Unknown fields, verdicts and versions, and values of another kind or out of range."""
    with pytest.raises(ValidationError):
        validator("claim-report-2").validate(documents[1] | change)


def test_every_key_is_described(documents: list[dict[str, Any]]) -> None:
    """All is written, absent values as null, but what was not seen or not stated."""
    schema = json.loads(schemas()["claim-report-2.schema.json"])
    rare = {"parts", "equal_tensors", "change", "reworked", "authors", "url", "dated"}
    assert schema["properties"].keys() == documents[0].keys() | rare == ClaimReport.model_fields.keys()
    assert not rare & documents[0].keys()
    assert schema["additionalProperties"] is False
