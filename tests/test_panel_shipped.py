"""The panel that ships: size, licences, sources, and no model of the examples among its members."""

import os

from tests import panels
from verify.base import Phrase
from verify.panel import comparable_groups
from verify.panel.record import DEFAULT, PANEL_COMPONENTS
from verify.statistics import ASSIGNED_GEOMETRY, PANEL_STATISTICS

models, reports, shipped = panels.models, panels.reports, panels.shipped


def test_the_shipped_panel_is_large_enough_and_small_enough(shipped):
    """Twenty strangers of one kind, each of a family of its own; under 15 MB; no relatives known."""
    members, anchors = comparable_groups(shipped)[0]
    shapes = [shipped.fingerprints[member.name].record.architecture for member in members]
    assert len(members) >= 20
    assert len({member.family for member in members}) == len(members)
    assert {(shape.gated, shape.norm) for shape in shapes} == {(True, "rms")}
    assert len(anchors) >= 32
    assert sum(path.stat().st_size for path in DEFAULT.rglob("*") if path.is_file()) < 15_000_000
    assert shipped.record.kinship == ()
    kept = [statistic.id for statistic in PANEL_STATISTICS if statistic is not ASSIGNED_GEOMETRY]
    assert {scores.statistic for scores in shipped.record.scores} == {*kept}
    components = {*PANEL_COMPONENTS} - {"stream", "key_responses"}
    assert all({*found.record.components} == components for found in shipped.fingerprints.values())


def test_a_statistic_of_later_fingerprints_does_not_apply_in_it(reports):
    """Those that ship are of an older sketch: the reason says so, and every other statistic is ranked as before."""
    *others, last = reports["stranger-1"].ranked
    assert all(result.applicable for result in others)
    assert (last.id, last.applicable, last.score, last.ranks) == (ASSIGNED_GEOMETRY.id, False, None, ())
    assert last.reason.code == "panel.member_refused"
    assert last.reason.values["why"] == Phrase.of("older_sketch", version=2)


def test_every_shipped_member_has_a_licence_and_a_source_and_no_file_names_a_place(shipped):
    for member in shipped.record.members:
        assert member.licence
        assert member.source
        for file in shipped.fingerprints[member.name].record.files:
            assert "/" not in file.name
    listed = {f"fingerprints/{member.name}.safetensors" for member in shipped.record.members}
    listed |= {kept.file for kept in shipped.record.scores} | {"panel.json", "SOURCES.md"}
    assert {str(path.relative_to(DEFAULT)) for path in DEFAULT.rglob("*") if path.is_file()} == listed
    for path in DEFAULT.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".safetensors":
                content = content[8 : 8 + int.from_bytes(content[:8], "little")]
            found = [
                place for place in (b"/home/", b"/root", b"/tmp", b"/work", b"/Users/", b"C:\\") if place in content
            ]
            assert not found, path
            assert os.uname().nodename.encode() not in content


def test_no_shipped_model_is_in_the_shipped_panel(shipped, models):
    """What the panel is shown on was not used to fill it."""
    contents = {member.content_sha256 for member in shipped.record.members}
    assert not contents & {found.record.content_sha256 for found in models.values()}
