"""The record of a panel: it loads as it was saved, and nothing else loads."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.__main__ import schemas
from tests.panels import TOYS, recipe, write_toys
from verify import InputError, test_lineage
from verify.base import FingerprintError, canonical, digest
from verify.panel import Panel, PanelRecord, build_panel, compute, load_panel, slim
from verify.panel.record import DEFAULT, PANEL_COMPONENTS
from verify.statistics import PANEL_STATISTICS

# ---- no verdict without members like the two models


def test_a_panel_of_before_corpora_were_declared_keeps_its_digest(saved, tmp_path):
    """Nothing is written of a corpus that is not declared; one that is is covered by the digest."""
    panel, folder = saved
    assert "corpus" not in (folder / "panel.json").read_text()
    first, *others = panel.record.members
    declared = panel.record.model_copy(update={"members": (first.model_copy(update={"corpus": "c"}), *others)})
    assert declared.sealed().digest != panel.digest
    Panel(declared, panel.fingerprints, panel.scores).save(tmp_path)
    assert Panel.load(tmp_path).record.members[0].corpus == "c"


# ---- the record


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small panel with scores, in its folder."""
    root = tmp_path_factory.mktemp("saved")
    write_toys(root, layers=3)
    return build_panel(recipe(*TOYS), root / "panel", base=root), root / "panel"


@pytest.mark.parametrize("units", [2**53, 10**30, -1, True])
def test_a_number_that_no_digest_covers_is_refused_in_a_sentence(units, tmp_path):
    content = json.loads((DEFAULT / "panel.json").read_bytes())
    content["sketch"]["units"] = units
    (tmp_path / "panel.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"(altered|damaged).*(obtain|build) the panel again"):
        load_panel(tmp_path)


def test_a_panel_loads_as_it_was_saved(saved):
    panel, folder = saved
    loaded = Panel.load(folder)
    assert loaded.record == panel.record
    assert (
        loaded.digest == panel.digest == digest(json.loads((folder / "panel.json").read_text()), without=("digest",))
    )
    for name, found in panel.fingerprints.items():
        assert loaded.fingerprints[name].to_bytes() == found.to_bytes()
    assert len(loaded.scores) == len(panel.scores) == len(PANEL_STATISTICS)
    for one, two in zip(panel.scores, loaded.scores, strict=True):
        assert one.to_bytes() == two.to_bytes()
        np.testing.assert_array_equal(one.matrix, two.matrix)
        upper = np.triu_indices(3, 1)
        if one.grids.size:
            np.testing.assert_array_equal(one.grids[upper], two.grids[upper])


def test_the_schema_describes_the_record(saved):
    validator = Draft202012Validator(json.loads(schemas()["panel-1.schema.json"]))
    for folder in (saved[1], DEFAULT):
        validator.validate(json.loads((folder / "panel.json").read_text()))


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_anywhere_is_refused(data, saved):
    """In the record, a fingerprint or a score; an equivalent spelling of the record may load, as the same record."""
    panel, folder = saved
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.is_file())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    loaded = message = None
    try:
        path.write_bytes(bytes(changed))
        loaded = Panel.load(folder)
    except InputError as error:
        message = str(error)
    finally:
        path.write_bytes(content)
    if loaded is None:
        assert "\n" not in message
        assert str(folder) not in message
    else:
        assert path.name == "panel.json"
        assert loaded.record == panel.record


def test_a_missing_file_is_refused_by_name(saved, tmp_path):
    panel, folder = saved
    files = [f"fingerprints/{panel.record.members[1].name}.safetensors", panel.record.scores[0].file, "panel.json"]
    for number, file in enumerate(files):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        (copy / file).unlink()
        with pytest.raises(InputError, match=file.rsplit("/", 1)[-1].replace(".", r"\.")):
            load_panel(copy)


def resealed(folder, change):
    """The panel with a record changed by someone who also made its digest anew."""
    content = json.loads((folder / "panel.json").read_text())
    change(content)
    record = PanelRecord.model_construct(**content)
    content["digest"] = digest(content, without=("digest",))
    assert record
    (folder / "panel.json").write_bytes(canonical(content))


FORGED = {
    "another model": (lambda c: c["members"][0].update(content_sha256="0" * 64), "another model or sketch"),
    "another sketch": (lambda c: c["sketch"].update(units=7), "another model or sketch"),
    "two of a name": (lambda c: c["members"][1].update(name=c["members"][0]["name"]), "two members have one name"),
    "a place": (lambda c: c["members"][0].update(name="../toy"), "members.0.name"),
    "a score elsewhere": (lambda c: c["scores"][0].update(file="../x.safetensors"), "scores.0.file"),
    "scores of a stranger": (lambda c: c["scores"][0]["names"].__setitem__(0, "who"), "scores are not of distinct"),
    "scores of one twice": (lambda c: c["scores"][0]["names"].__setitem__(0, "toy-1"), "scores are not of distinct"),
    "scores of two": (lambda c: c["scores"][0]["names"].pop(), "does not hold the scores of 2 members"),
    "scores of another kind": (lambda c: c["scores"][0].update(statistic="x"), "does not hold the scores"),
    "no members": (lambda c: c.update(members=[]), "members"),
    "another schema": (lambda c: c.update(schema_version=2), "schema_version"),
    "more": (lambda c: c.update(more=1), "more"),
    "one model twice": (
        lambda c: c["members"][1].update(content_sha256=c["members"][0]["content_sha256"]),
        "have the same weights",
    ),
    "a member of another kind": (lambda c: c["members"][0].update(gated=False), "of several kinds"),
    "a member of another norm": (lambda c: c["members"][0].update(norm="layer"), "of several kinds"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_record_that_contradicts_its_files_is_refused(name, saved, tmp_path):
    shutil.copytree(saved[1], tmp_path / "panel")
    forge, says = FORGED[name]
    resealed(tmp_path / "panel", forge)
    with pytest.raises(InputError, match=says):
        load_panel(tmp_path / "panel")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_kept_scores_that_are_no_numbers_are_refused(wrong, saved, tmp_path):
    shutil.copytree(saved[1], tmp_path / "panel")
    kept = saved[0].scores[1]
    kept = replace(kept, matrix=np.where(np.eye(3) == 1, kept.matrix, wrong))
    file = saved[0].record.scores[1].file
    (tmp_path / "panel" / file).write_bytes(kept.to_bytes())
    sha256 = hashlib.sha256(kept.to_bytes()).hexdigest()
    resealed(tmp_path / "panel", lambda content: content["scores"][1].update(sha256=sha256))
    with pytest.raises(InputError, match="does not hold the scores of 3 members"):
        load_panel(tmp_path / "panel")


def test_there_is_no_panel_where_there_is_none(tmp_path):
    assert load_panel(None) is None
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(InputError, match="is not a panel"):
            load_panel(place)


def test_slim_keeps_every_panel_score_and_nothing_exact(saved, tmp_path):
    panel, _ = saved
    small = slim(panel)
    small.save(tmp_path)
    loaded = Panel.load(tmp_path)
    assert loaded.digest == small.digest != panel.digest
    names = [member.name for member in panel.record.members]
    for statistic in PANEL_STATISTICS:
        one, two = (
            compute(statistic, [each.fingerprints[name] for name in names], names, ()) for each in (panel, loaded)
        )
        assert one.to_bytes() == two.to_bytes()
    kinds_of_arrays = {name.split(".")[0] for found in loaded.fingerprints.values() for name in found.arrays}
    assert kinds_of_arrays == set(PANEL_COMPONENTS)
    with pytest.raises(FingerprintError, match=r"cut down for a panel and lacks .*units.*make it again"):
        test_lineage(loaded.fingerprints["toy-0"], loaded.fingerprints["toy-1"])
