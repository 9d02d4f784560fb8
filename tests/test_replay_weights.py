"""Replay with the models: the report is made again, and what the record cannot tell the weights do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.models import config, weights, write
from tests.replays import PAIRS, made, text
from tests.reports import CREATED, changed, sealed
from verify import Fingerprint, InputError, fingerprint, replay, test_lineage
from verify.data import model
from verify.replay.check import check


@pytest.mark.parametrize("name", PAIRS)
def test_shipped_models_give_the_report_again(name: str) -> None:
    """From a file, as from the object; with the panel where one was used."""
    a, b, options = PAIRS[name]
    found = replay(made(name), model(a), model(b), options.get("panel"))
    assert found.disagreements == ()
    assert found.compared > check(text(name)).compared
    left = {kind.field for kind in found.not_checkable}
    assert left <= {
        *("$.evidence[exact].alpha", "$.evidence[panel].alpha", "$.panel.families*", "$.panel.corpus_*"),
        *("$.chronology", "$.created", "$.wording"),
        *("$.provenance.software*", "$.provenance.options*", "$.provenance.effort"),
        *(f"$.{side}.{what}*" for side in "ab" for what in ("name", "software")),
    }


def test_fingerprints_stand_for_models(tmp_path: Path) -> None:
    a, b, _ = PAIRS["child"]
    files = [tmp_path / f"{side}.fp" for side in "ab"]
    for file, name in zip(files, (a, b), strict=True):
        fingerprint(model(name)).save(file)
    found = replay(made("child"), *files)
    assert found.disagreements == ()
    assert (found.status, found.models) == ("agrees_with_fingerprints", "fingerprints")
    assert "whether the numbers are of the weights stated was not checked" in found.sentence
    assert [kind.field for kind in found.not_checkable[:2]] == ["$.a.*", "$.b.*"]
    mixed = replay(made("child"), fingerprint(model(a)), files[1])
    assert (mixed.status, mixed.basis) == ("agrees_with_fingerprints", "the fingerprint of B")
    assert not replay(made("child"), *reversed(files)).agrees


@pytest.mark.parametrize("bound", [True, False])
def test_a_forged_fingerprint_is_not_taken_for_weights(tmp_path: Path, bound: bool) -> None:
    """A stranger's record over a child's arrays, bound to them or to nothing: no arithmetic can tell, and the report
    and its check say what they rest on; the weights show it."""
    stranger, child, parent = (fingerprint(model(name)) for name in ("stranger-1", "fine-tuned", "reference"))
    forged = Fingerprint(stranger.record.model_copy(update={"arrays_sha256": ""}), child.arrays)
    (forged.sealed() if bound else forged).save(tmp_path / "a.fp")
    report = test_lineage(tmp_path / "a.fp", parent, created=CREATED)
    assert (report.verdict, report.a.read_from, report.b.read_from) == ("dependent", "fingerprint", "weights")
    assert bool(report.a.arrays_sha256) is bound
    said = [line for line in report.limitations if "given as a fingerprint" in line]
    assert [line.startswith("A ") and ("nothing binds them" in line) is not bound for line in said] == [True]
    found = replay(report, tmp_path / "a.fp", model("reference"))
    assert found.status == "agrees_with_fingerprints"
    assert any(kind.covers("$.a.content_sha256") for kind in found.not_checkable)
    assert not any(kind.covers("$.b.content_sha256") for kind in found.not_checkable)
    with_weights = replay(report, model("stranger-1"), model("reference"))
    assert with_weights.status == "disagrees"
    assert any(
        item.field.startswith("$.evidence[exact].results[unit_identity]") for item in with_weights.disagreements
    )


def test_exchanged_or_other_models_are_named_by_digest() -> None:
    """First of all, and nothing is compared with them."""
    a, b, _ = PAIRS["child"]
    swapped = replay(made("child"), model(b), model(a))
    assert [item.field for item in swapped.disagreements] == ["$.a.content_sha256", "$.b.content_sha256"]
    other = replay(made("child"), model(a), model("stranger-1"))
    assert [item.field for item in other.disagreements] == ["$.b.content_sha256"]
    assert other.disagreements[0].recorded == made("child").b.content_sha256


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("$.a.anchors", 95),
        ("$.a.architecture.hidden", 175),
        ("$.a.non_finite", 3),
        ("$.a.files[0].size", 5),
        ("$.a.bytes_read", 5),
        ("$.evidence[exact].results[unit_identity].effect.cosine_identified", 0.5),
        ("$.evidence[exact].results[unit_identity].effect.cosine_background", 0.5),
        ("$.evidence[exact].results[unit_identity].notes", [{"code": "quoted", "values": {"text": "x"}}]),
    ],
)
def test_what_the_record_cannot_tell_the_weights_do(field: str, value: Any) -> None:
    a, b, _ = PAIRS["child"]
    source = sealed(changed(json.loads(text("child")), field, value)).decode()
    found = replay(source, model(a), model(b))
    if field == "$.a.files[0].size":  # other files, so the weights alone identify the model
        assert "$.a.files*" in {kind.field for kind in found.not_checkable}
    else:
        assert any(item.field.startswith(field) for item in found.disagreements)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("$.evidence[panel].results[response_match].scores[140]", 0.02),
        ("$.evidence[panel].results[response_match].grid[0][1]", 0.5),
        ("$.evidence[panel].results[spread_correlation].score", 0.5),
        ("$.panel.members[0].family", "another"),
        ("$.panel.dropped[0].reason.code", "quoted"),
        ("$.panel.version", "9"),
        ("$.panel.anchors", 90),
    ],
)
def test_what_the_record_cannot_tell_the_panel_does(field: str, value: Any) -> None:
    a, b, _ = PAIRS["panel"]
    source = sealed(changed(json.loads(text("panel")), field, value)).decode()
    assert any(item.field == field for item in replay(source, model(a), model(b), "default").disagreements)


def test_the_panel_must_be_the_one_named() -> None:
    a, b, _ = PAIRS["panel"]
    source = sealed(changed(json.loads(text("panel")), "$.panel.digest", "sha256:" + "0" * 64)).decode()
    for models in ((), (model(a), model(b))):
        found = replay(source, *models, panel="default")
        assert [item.field for item in found.disagreements] == ["$.panel.digest"]
    with pytest.raises(InputError, match="no panel"):
        replay(made("child"), panel="default")


def test_without_the_panel_the_rest_is_made_again() -> None:
    a, b, _ = PAIRS["panel"]
    found = replay(made("panel"), model(a), model(b))
    assert found.agrees
    assert any("by_cell" in kind.field for kind in found.not_checkable)
    assert found.sentence.endswith("whether the panel's members score as recorded was not checked: give --panel")
    alone = replay(made("panel"), panel="default")
    assert (alone.agrees, alone.status) == (True, "arithmetic_agrees")
    assert "whether the counts and scores are those of these two models was not checked" in alone.sentence


def test_a_renamed_and_resharded_model_is_the_same(tmp_path: Path) -> None:
    """How it was stored is not compared, and the outcome says so."""
    c = config()
    one, other = (write(tmp_path / name, weights(seed, c), c) for name, seed in (("one", 1), ("other", 2)))
    report = test_lineage(one, other, created=CREATED)
    again = write(tmp_path / "elsewhere", weights(1, c), c, shards=3)
    found = replay(report, again, other)
    assert found.disagreements == ()
    assert {"$.a.files*", "$.a.name*"} <= {kind.field for kind in found.not_checkable}


def test_one_model_is_not_enough() -> None:
    with pytest.raises(InputError, match="give both"):
        replay(made("child"), model("reference"))


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_do_not_matter(threads: str) -> None:
    """The same bytes from another process, whatever the number of threads of its linear algebra."""
    code = (
        "import sys\nfrom verify import test_lineage\nfrom verify.data import model\n"
        f"for a, b, options in {[PAIRS[name] for name in ('stranger', 'panel')]!r}:\n"
        f"    report = test_lineage(model(a), model(b), created={CREATED!r}, **options)\n"
        "    sys.stdout.write(report.to_json() + '\\n')"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, threads)
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert result.stdout == text("stranger") + text("panel")
