"""Signed fingerprints, and forged ones: what is refused, and whom a claim names."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from tests import commands
from tests.commands import Run, check_refused
from tests.reports import CREATED
from tests.signing import OTHER_PRIVATE, OTHER_PUBLIC, PRIVATE, PUBLIC, payload_of, sealed_by
from verify import (
    Fingerprint,
    FingerprintError,
    InputError,
    Location,
    SketchSpec,
    fingerprint,
    replay,
    screen,
    test_lineage,
)
from verify.base import Phrase
from verify.base.canonical_json import canonical
from verify.base.keys import key_id
from verify.fingerprint.signature import SignatureError, sign, verify_signature
from verify.wording import say

run, models = commands.run, commands.models
KEY = key_id(PUBLIC)


@pytest.fixture
def desk(models: dict[str, Path], tmp_path: Path) -> Path:
    """Fingerprints of a parent, its child and a stranger; keys."""
    for name, folder in models.items():
        fingerprint(folder).save(tmp_path / f"{name}.fp")
    for name, content in (("me", PRIVATE), ("me.pub", PUBLIC), ("other", OTHER_PRIVATE), ("other.pub", OTHER_PUBLIC)):
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_whole_way(run: Run, desk: Path) -> None:
    """Signed, checked, compared: the record and the page name the key."""
    for name in ("child", "parent"):
        assert run("sign", desk / f"{name}.fp", "--key", desk / "me").out == f"{desk / name}.fp.dsse\n"
    checked = run(
        "check-signature", desk / "child.fp.dsse", "--key", desk / "me.pub", "--fingerprint", desk / "child.fp"
    )
    assert (checked.status, checked.err) == (0, "")
    assert checked.out.startswith(
        f"Valid: key {KEY}\nsigned fingerprint {Fingerprint.load(desk / 'child.fp').digest}"
    )
    signer = ("--signer-a", desk / "me.pub", "--signer-b", desk / "me.pub")
    found = run(
        "lineage", desk / "child.fp", desk / "parent.fp", *signer, "-o", desk / "report", "--created", CREATED
    )
    assert (found.status, found.err) == (0, "")
    report = json.loads((desk / "report" / "report.json").read_text("utf-8"))
    assert [report[side]["signed"] for side in "ab"] == [{"key": KEY, "status": "valid"}] * 2
    for page in ("report.md", "report.html"):
        text = (desk / "report" / page).read_text("utf-8").replace("<wbr>", "")
        assert f"is signed by the key {KEY}" in " ".join(text.split())
    again = run("replay", desk / "report/report.json", "--a", desk / "child.fp", "--b", desk / "parent.fp", *signer)
    assert again.status == 0
    assert "Agrees with the fingerprint of A and the fingerprint of B; whether the numbers are" in again.out
    assert "$.a.signed" not in again.out
    unsigned = replay(desk / "report/report.json", desk / "child.fp", desk / "parent.fp")
    assert {"$.a.signed*", "$.b.signed*"} <= {kind.field for kind in unsigned.not_checkable}
    assert f"signed by the key {KEY}" in run("inspect", desk / "child.fp", "--signer", desk / "me.pub").out


def test_a_claim_says_when_there_was_no_signature_or_none_was_checked(desk: Path, models: dict[str, Path]) -> None:
    (desk / "child.fp.dsse").write_bytes(sign(Fingerprint.load(desk / "child.fp"), PRIVATE))
    report = test_lineage(desk / "child.fp", desk / "parent.fp", created=CREATED)
    assert [side.signed.status for side in (report.a, report.b) if side.signed] == ["not_checked", "unsigned"]
    assert (
        "A signature lay beside the fingerprint of A and was not checked, since no key was given."
        in report.limitations
    )
    assert "The fingerprint of B is not signed: nobody is known to stand for it." in report.limitations
    assert KEY not in report.to_json()
    weights = test_lineage(models["child"], models["parent"], created=CREATED)
    assert weights.a.signed is None
    assert "signed" not in weights.to_json()


def test_a_signature_that_does_not_hold_is_refused_wherever_a_signer_is_given(run: Run, desk: Path) -> None:
    """None, of another key, of another fingerprint, of an altered one, and one on weights."""
    a, b, beside = desk / "child.fp", desk / "parent.fp", desk / "child.fp.dsse"
    signer = ("--signer-a", desk / "me.pub")
    check_refused(run("lineage", a, b, *signer), "is not signed: there is no 'child.fp.dsse' beside it")
    beside.write_bytes(sign(Fingerprint.load(a), OTHER_PRIVATE))
    check_refused(run("lineage", a, b, *signer), "is not one that signed")
    beside.write_bytes(sign(Fingerprint.load(b), PRIVATE))
    check_refused(run("lineage", a, b, *signer), "another one was signed")
    other = payload_of(sign(Fingerprint.load(a), PRIVATE))
    other["predicate"]["model"]["digest"] = {"sha256": "0" * 64}
    beside.write_bytes(sealed_by(PRIVATE, canonical(other)))
    check_refused(run("lineage", a, b, *signer), "names another model than the fingerprint")
    beside.write_bytes(b"{}")
    check_refused(run("lineage", a, b, *signer), "The signature of the fingerprint 'child.fp': In the envelope")
    check_refused(run("inspect", a, "--signer", desk / "me.pub"), "The signature of the fingerprint")
    beside.write_bytes(sign(Fingerprint.load(a), PRIVATE))
    changed = Fingerprint.load(a)
    changed.with_record(changed.record.model_copy(update={"declared_bases": ("somebody/else",)})).save(a)
    check_refused(run("lineage", a, b, *signer), "another one was signed")
    check_refused(run("lineage", a, b, "--signer-a", desk / "me"), "The public key cannot be read")
    status = run("check-signature", beside, "--key", desk / "me.pub", "--fingerprint", a)
    assert (status.status, status.out) == (1, "")


def test_a_signer_of_weights_is_refused(models: dict[str, Path], run: Run, desk: Path) -> None:
    """It would be ignored."""
    with pytest.raises(InputError, match="is no fingerprint, and a signer is given"):
        test_lineage(Location(str(models["child"]), signer=str(desk / "me.pub")), models["parent"])
    check_refused(run("inspect", models["child"], "--signer", desk / "me.pub"), "is no fingerprint")


def test_a_screen_names_the_signers_and_leaves_out_what_they_did_not_sign(run: Run, desk: Path) -> None:
    (desk / "child.fp.dsse").write_bytes(sign(Fingerprint.load(desk / "child.fp"), PRIVATE))
    prints = [desk / f"{name}.fp" for name in ("child", "parent", "stranger")]
    found = screen([Location(str(prints[0]), signer=str(desk / "me.pub")), *prints[1:]])
    assert {one.label: one.signed and one.signed.status for one in found.record.models} == {
        "child": "valid",
        "parent": "unsigned",
        "stranger": "unsigned",
    }
    (desk / "parent.fp.dsse").write_bytes(sign(Fingerprint.load(desk / "parent.fp"), PRIVATE))
    (desk / "stranger.fp.dsse").write_bytes(sign(Fingerprint.load(desk / "stranger.fp"), OTHER_PRIVATE))
    done = run("screen", *prints, "--signer", desk / "me.pub", "-o", desk / "out")
    assert done.status == 0
    assert "stranger.fp: left out: The signature of the fingerprint 'stranger.fp': Not valid" in done.err
    assert (desk / "out" / "models.csv").read_text("utf-8").count(KEY) == 2
    assert "2 were given as fingerprints" in (page := (desk / "out" / "screen.html").read_text("utf-8"))
    assert "signed by the key" in page


def test_what_is_signed_is_the_file_and_its_model(desk: Path) -> None:
    """An in-toto statement whose subject any verifier can bind: the sha256 of the file."""
    import hashlib

    found = Fingerprint.load(desk / "child.fp")
    envelope = sign(found, PRIVATE)
    assert envelope == sign(found, PRIVATE)
    statement = json.loads(b64decode(json.loads(envelope)["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://pypi.org/project/verify-lineage#fingerprint/v1"
    content = hashlib.sha256((desk / "child.fp").read_bytes()).hexdigest()
    assert statement["subject"] == [{"digest": {"sha256": content}, "name": "child"}]
    files = hashlib.sha256(b"".join(bytes.fromhex(file.sha256 or "") for file in found.record.files)).hexdigest()
    stated = {"sha256": files, "verify-content-sha256": found.record.content_sha256}
    assert statement["predicate"] == {"model": {"digest": stated, "name": "child"}}
    assert verify_signature(envelope, PUBLIC, found)[0] == KEY
    with pytest.raises(SignatureError, match="is not one that signed"):
        verify_signature(envelope, OTHER_PUBLIC, found)


def test_options_of_the_other_kind_are_refused(run: Run, desk: Path, models: dict[str, Path]) -> None:
    sealed = desk / "child.fp.dsse"
    refused = run("sign", desk / "child.fp", "--key", desk / "me", "--a", models["child"])
    check_refused(refused, "--a has no effect on a fingerprint")
    run("sign", desk / "child.fp", "--key", desk / "me")
    refused = run("check-signature", sealed, "--key", desk / "me.pub", "--report", desk / "me")
    check_refused(refused, "--report has no effect on an envelope of a fingerprint")


def test_a_signature_stays_with_what_is_cut_from_a_fingerprint(desk: Path) -> None:
    (desk / "child.fp.dsse").write_bytes(sign(Fingerprint.load(desk / "child.fp"), PRIVATE))
    found = Fingerprint.load(desk / "child.fp", signer=desk / "me.pub")
    assert found.signed is not None
    assert found.signed.key == KEY
    assert all(one.signed == found.signed for one in (found.at("standard"), found.sealed(), found.at_sketch(2)))


# ---- the three forgeries: a digest that the arrays do not have, A's record over B's arrays, and these sealed again


def forged(record: Fingerprint, arrays: Fingerprint, seal: str) -> Fingerprint:
    """The record of one over the arrays of another: with the digest it states, none, or the one they have."""
    kept = {"stated": record.record.arrays_sha256, "none": "", "resealed": ""}[seal]
    made = Fingerprint(record.record.model_copy(update={"arrays_sha256": kept}), arrays.arrays)
    return made.sealed() if seal == "resealed" else made


@pytest.mark.parametrize("seal", ["stated", "none", "resealed"])
def test_arrays_of_a_stranger_are_not_identical_to_what_their_record_states(run: Run, desk: Path, seal: str) -> None:
    """Refused by ``lineage`` and, as one pair or one model, by ``screen``; never `identical`."""
    parent, stranger = (Fingerprint.load(desk / f"{name}.fp") for name in ("parent", "stranger"))
    forged(parent, stranger, seal).save(desk / "forged.fp")
    if seal == "stated":
        says = "states arrays of sha256"
        check_refused(run("inspect", desk / "forged.fp"), says)
    else:
        says = "hold different numbers"
    check_refused(run("lineage", desk / "forged.fp", desk / "parent.fp"), says)
    found = run("screen", desk / "forged.fp", desk / "parent.fp", desk / "child.fp", "-o", desk / "out")
    rows = (desk / "out" / "pairs.csv").read_text("utf-8")
    assert found.status == 0
    assert "identical" not in rows.partition("\n")[2]
    assert says in found.err + (desk / "out" / "screen.html").read_text("utf-8")
    honest = test_lineage(desk / "parent.fp", desk / "child.fp", created=CREATED).to_json()
    if seal == "stated":
        with pytest.raises(FingerprintError, match=says):
            replay(honest, desk / "forged.fp", desk / "child.fp")
    else:  # the digest is that of the report, and the numbers are not
        assert replay(honest, desk / "forged.fp", desk / "child.fp").status == "disagrees"


@pytest.mark.parametrize("seal", ["none", "resealed"])
def test_what_only_weights_can_tell_is_named(run: Run, desk: Path, models: dict[str, Path], seal: str) -> None:
    """A stranger's record over a child's arrays: arithmetic cannot tell, and every page says so; a signer can."""
    stranger, child = (Fingerprint.load(desk / f"{name}.fp") for name in ("stranger", "child"))
    forged(stranger, child, seal).save(desk / "forged.fp")
    report = test_lineage(desk / "forged.fp", models["parent"], created=CREATED)
    code = "limit.fingerprint" if seal == "resealed" else "limit.fingerprint.unbound"
    assert say(Phrase.of(code, model="A")) in report.limitations
    assert "The fingerprint of A is not signed: nobody is known to stand for it." in report.limitations
    (desk / "report.json").write_text(report.to_json() + "\n", "utf-8")
    again = run("replay", desk / "report.json", "--a", desk / "forged.fp", "--b", models["parent"])
    assert again.out.startswith(
        "Agrees with the fingerprint of A; whether the numbers are of the weights stated was not"
    )
    assert "only weights tell that its numbers, and the counts that follow from them, are of these files" in again.out
    required = run(
        "replay", desk / "report.json", "--a", desk / "forged.fp", "--b", models["parent"], "--require-models"
    )
    assert required.status == 4
    assert replay(report, models["stranger"], models["parent"]).status == "disagrees"
    page = run("screen", desk / "forged.fp", models["parent"], "-o", desk / "out")
    assert page.status == 0
    said = (desk / "out" / "screen.html").read_text("utf-8")
    assert "1 was given as a fingerprint" in said or "1 were given as fingerprints" in said
    (desk / "stranger.fp.dsse").write_bytes(sign(stranger, PRIVATE))
    (desk / "forged.fp.dsse").write_bytes((desk / "stranger.fp.dsse").read_bytes())
    refused = run("lineage", desk / "forged.fp", models["parent"], "--signer-a", desk / "me.pub")
    check_refused(refused, "another one was signed")


@pytest.mark.parametrize("field", ["files", "declared_bases"])
def test_lists_that_were_emptied_are_refused_or_listed(
    run: Run, desk: Path, models: dict[str, Path], field: str
) -> None:
    """Files cannot be none. What was declared is a statement, and listed as one; of weights it is read again."""
    found = Fingerprint.load(desk / "child.fp")
    declaring = found.record.model_copy(update={"declared_bases": ("org/parent",)})
    honest = test_lineage(found.with_record(declaring), models["parent"], created=CREATED)
    found.with_record(declaring.model_copy(update={field: ()})).save(desk / "emptied.fp")
    if field == "files":
        check_refused(
            run("lineage", desk / "emptied.fp", desk / "parent.fp"), "gives files as (); expected at least one"
        )
        return
    again = replay(honest, desk / "emptied.fp", models["parent"])
    assert any(kind.field == "$.a.declared_bases*" for kind in again.not_checkable)
    emptied = test_lineage(desk / "emptied.fp", models["parent"], created=CREATED)
    listed = replay(emptied, desk / "emptied.fp", models["parent"]).not_checkable
    assert any(kind.covers("$.a.declared_bases") for kind in listed)
    assert emptied.a.declared_bases == ()
    assert np.isfinite(emptied.log10_p or 0.0)


def test_fingerprints_of_one_model_under_two_sketches_do_not_contradict_each_other(
    models: dict[str, Path], desk: Path
) -> None:
    """Nor do copies, whatever lies first."""
    small = fingerprint(models["child"], sketch=SketchSpec(units=8))
    found = screen([small, desk / "child.fp", models["child"], desk / "parent.fp"])
    assert found.record.contradictions == ()
