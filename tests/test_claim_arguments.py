"""Arguments of a claim: levels, clocks, and models in any form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import claims
from tests.claims import claim
from verify import Fingerprint, InputError

fingerprints, models = claims.fingerprints, claims.models


@pytest.mark.parametrize("alpha", [0, 1, -1, 2, float("nan"), float("inf")])
def test_a_level_is_between_zero_and_one(alpha: float) -> None:
    """Said before any work."""
    with pytest.raises(InputError, match="alpha"):
        claim("absent", "absent", alpha=alpha)


def test_the_smallest_level_is_no_error(fingerprints: dict[str, Fingerprint]) -> None:
    """A level divided by the number of tests may underflow; its logarithm does not."""
    assert claim(fingerprints["child"], fingerprints["parent"], alpha=5e-324).alpha == 5e-324


@pytest.mark.parametrize("created", ["yesterday", "", "2026-13-01", "<script>", "2026-01-31T12:00:00Z\n"])
def test_the_clock_is_a_time(created: str) -> None:
    """Said before any work."""
    with pytest.raises(InputError, match="created"):
        claim("absent", "absent", created=created)


def test_chronology_is_recorded_as_stated(fingerprints: dict[str, Fingerprint]) -> None:
    """In the record and on the page; what no file can hold is refused."""
    report = claim(fingerprints["child"], fingerprints["parent"], chronology="B was published in May 2024")
    assert report.chronology == "B was published in May 2024"
    assert "B was published in May 2024" in report.to_markdown()
    with pytest.raises(InputError, match="chronology"):
        claim("absent", "absent", chronology="\ud800")


@pytest.mark.slow
def test_folders_files_and_objects_give_the_same_bytes(
    tmp_path: Path, models: dict[str, Path], fingerprints: dict[str, Fingerprint]
) -> None:
    """A fingerprint stands for its model; of one that is read from a file, the report says that, and nothing else."""
    files = {name: tmp_path / f"{name}.safetensors" for name in fingerprints}
    for name, path in files.items():
        fingerprints[name].save(path)
    for a in ("child", "stranger"):
        assert claim(models[a], models["parent"]) == claim(fingerprints[a], fingerprints["parent"])
        weights_read = json.loads(claim(str(models[a]), models["parent"]).to_json())
        file_read = json.loads(claim(str(models[a]), files["parent"]).to_json())
        assert file_read["b"].pop("arrays_sha256") == fingerprints["parent"].record.arrays_sha256
        assert (file_read["b"].pop("read_from"), weights_read["b"].pop("read_from")) == ("fingerprint", "weights")
        *_, given, signed = claim(str(models[a]), files["parent"]).limitations
        assert given.startswith("B was given as a fingerprint, not as weights")
        assert signed == "The fingerprint of B is not signed: nobody is known to stand for it."
        assert file_read["b"].pop("signed") == {"key": None, "status": "unsigned"}
        for content in (file_read, weights_read):
            del content["digest"]
        assert file_read == weights_read


def test_exchanging_a_and_b_keeps_the_verdict(fingerprints: dict[str, Fingerprint]) -> None:
    """Which is questioned is a matter of words."""
    for a in ("child", "stranger"):
        one, other = claim(fingerprints[a], fingerprints["parent"]), claim(fingerprints["parent"], fingerprints[a])
        assert one.verdict == other.verdict
        assert (one.a, one.b) == (other.b, other.a)
