"""Fingerprints and panels of what lies elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import places
from tests.server import Server
from verify import fingerprint, test_lineage
from verify.checkpoint.places.range_cache import kept_bytes
from verify.data import model
from verify.fingerprint import Effort, scan
from verify.panel import build_panel
from verify.panel.recipe import Recipe

hub, own_cache = places.hub, places.own_cache


@pytest.mark.parametrize("effort", ["screen", "standard", "full"])
def test_a_fingerprint_is_the_same_from_the_hub(
    hub: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    """Whatever is fetched ahead. It is kept, the ranges are not, and no weights are asked for again."""
    monkeypatch.setattr(scan, "_BLOCK", 1000)  # many blocks a tensor
    here = fingerprint(model("reference"), effort=effort)
    there = fingerprint("org/name", effort=effort)
    assert there.record.content_sha256 == here.record.content_sha256
    assert all(there.arrays[name].tobytes() == array.tobytes() for name, array in here.arrays.items())
    assert (there.record.origin, there.record.revision) == ("hf://org/name", hub.branches["org/name", "main"])
    whole = fingerprint(model("reference")).record
    assert there.record.files == whole.files, "the Hub's sha256 is that of the file"
    assert [path.name for path in own_cache.iterdir()].count("fingerprints") == 1
    assert not any(kept_bytes(folder) > 100_000 for folder in (own_cache / "ranges").glob("*"))
    hub.reset()
    again = fingerprint("org/name", effort=effort)
    assert again.to_bytes() == there.to_bytes()
    assert not [asked for asked in hub.asked if asked.path.endswith(".safetensors")]


def test_the_default_effort_is_standard_from_afar_and_a_panel_reads_all(hub: Server) -> None:
    """As the manual says."""
    assert fingerprint("org/name").record.effort == "standard"
    report = test_lineage("org/name", model("fine-tuned"))
    assert (report.a.effort, report.b.effort, report.provenance.effort) == ("standard", "full", "standard")
    assert report.verdict == "dependent"
    assert hub.asked


def test_a_panel_is_built_from_the_hub(hub: Server, tmp_path: Path) -> None:
    """A recipe names a model that is not on this machine."""
    text = 'name = "p"\nversion = "1"\n[[member]]\nmodel = "org/name"\nfamily = "f"\nlicence = "none"\n'
    (tmp_path / "recipe.toml").write_text(text)
    panel = build_panel(Recipe.read(tmp_path / "recipe.toml"), tmp_path / "panel", base=tmp_path)
    assert [member.name for member in panel.record.members] == ["name"]
    assert hub.asked
