"""Dated evidence: what it covers, what it says, what it never says, and that a changed record does not pass."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import places, replays
from tests.authorities import DAY, Authority, holder, needs_openssl
from tests.checkpoints import toy, write_checkpoint
from tests.parts import CONFIG, WRAPPED, language, tower, write
from tests.replays import Run, caught
from tests.reports import changed, sealed
from tests.server import Server
from tests.signing import PRIVATE
from verify import ClaimReport, InputError, ReportError, Subject, VerifyError, fingerprint, replay, test_lineage
from verify.base.time_stamps import LONGEST, _inside, certificates, stamped
from verify.checkpoint import Location
from verify.claim import Dated, HubCommits, HubFile, TimeStamp
from verify.claim.dated import dated, holding, in_text, known_by, utc
from verify.claim.said_of_dates import shown
from verify.fingerprint.signature import sign
from verify.replay.agreement import Coverage, leaves
from verify.replay.check import check
from verify.replay.dates import of_dates, of_files

hub, own_cache, run = places.hub, places.own_cache, replays.run
pytestmark = needs_openssl

FAR = "2100-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """With a valid certificate."""
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A in one file, and B in three shards."""
    root = tmp_path_factory.mktemp("models")
    return write_checkpoint(root / "a", toy(seed=1)), write_checkpoint(root / "b", toy(seed=2), shards=3)


@pytest.fixture(scope="module")
def report(models: tuple[Path, Path], authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> ClaimReport:
    """A by a stamp of its file, B by one of a list of its digests."""
    a, b = models
    folder = tmp_path_factory.mktemp("stamps")
    (folder / "a.tsr").write_bytes(authority.stamp(weights_of(a)[0].read_bytes()))
    (folder / "SHA256SUMS").write_bytes(sums(weights_of(b)))
    (folder / "SHA256SUMS.tsr").write_bytes(authority.stamp((folder / "SHA256SUMS").read_bytes(), accuracy="secs:2"))
    return test_lineage(a, b, dated_a=[folder / "a.tsr"], dated_b=[folder / "SHA256SUMS.tsr"],
                        tsa=[authority.certificate])  # fmt: skip


def weights_of(folder: Path) -> list[Path]:
    """Its files of weights."""
    return sorted(folder.glob("*.safetensors"))


def sums(files: list[Path]) -> bytes:
    """As sha256sum writes them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files).encode()


def stamp_of(path: Path, authority: Authority, **how: Any) -> Path:
    """A file beside another, with a stamp of it."""
    target = path.with_name(f"{path.name}.tsr")
    target.write_bytes(authority.stamp(path.read_bytes(), **how))
    return target


def test_what_is_dated_is_said_and_nothing_more(report: ClaimReport, models: tuple[Path, Path]) -> None:
    """Both dates, by whom and how, in the record and on each page; and of neither that it was first."""
    first, second = report.dated
    assert (first.model, first.files, first.numbers, first.checked) == ("a", ("model.safetensors",), False, True)
    assert (second.model, second.files) == ("b", tuple(path.name for path in weights_of(models[1])))
    assert first.who == second.who == "CN=Keeper of Times"
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=10) < utc(one.time) < now + timedelta(minutes=1) for one in report.dated)
    assert report.dates_in_words == (
        f"A existed by {shown(first.time)} (a time stamp of 'CN=Keeper of Times', checked); "
        f"B existed by {shown(second.time)} (a time stamp of 'CN=Keeper of Times', checked)."
    )
    assert "says nothing of earlier" in report.answer.dates
    for page in (report.to_markdown(), report.to_html(), report.to_latex().replace("{,}", ",")):
        text = " ".join(page.split())
        assert all(shown(one.time)[11:] in text for one in report.dated)
        assert "Dated evidence" in text
        assert "the first, nor" in text
    assert ClaimReport.from_json(report.to_json()) == report


def test_a_date_enters_no_number(report: ClaimReport, models: tuple[Path, Path]) -> None:
    """All else is as without it."""
    plain = test_lineage(*models, created=report.created)
    assert plain.facts() | {"digest": ""} == {
        name: value for name, value in report.facts().items() if name != "dated"
    } | {"digest": ""}
    assert "dated" not in plain.facts()
    assert plain.dates_in_words == plain.answer.dates == ""
    assert "Dated evidence" not in plain.to_markdown()


def test_it_is_checked_again(report: ClaimReport, models: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    """From the record alone, and with the weights; what nobody can check is listed."""
    alone = replay(report)
    assert alone.disagreements == ()
    left = {kind.field for kind in alone.not_checkable}
    assert {"$.dated[0].evidence.root", "$.dated[1].evidence.root", "$.dated[1].evidence.name"} <= left
    assert not any(field.startswith("$.dated") and field.endswith("*") for field in left)
    with_weights = replay(report, *models)
    assert (with_weights.disagreements, with_weights.status) == ((), "agrees")
    report.to_json(tmp_path / "report.json")
    assert run("replay", tmp_path / "report.json")[0] == 0


def test_the_files_that_are_dated_have_to_be_those_that_are_given(
    models: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    """Numbers are the same in any file, so a record may name other files: those of a model that is older."""
    a, b = models
    old = write_checkpoint(tmp_path / "old", toy(seed=3))
    (tmp_path / "old.tsr").write_bytes(authority.stamp(weights_of(old)[0].read_bytes()))
    of_old = test_lineage(old, b, dated_a=[tmp_path / "old.tsr"], tsa=[authority.certificate])
    forged = test_lineage(a, b, created=of_old.created).facts()
    forged["dated"], forged["a"]["files"] = of_old.facts()["dated"], of_old.facts()["a"]["files"]
    assert replay(sealed(forged).decode()).disagreements == ()  # nothing in the record tells
    found = replay(sealed(forged).decode(), a, b)
    assert [one.field for one in found.disagreements] == ["$.dated[0].files"]
    unread = fingerprint(old, effort="screen")
    problems, kinds = of_files(of_old, unread, unread)
    assert (problems, [kind.field for kind in kinds]) == ((), ["$.dated[0]*"])


def test_a_report_signed_with_its_evidence(report: ClaimReport) -> None:
    """The evidence travels in the envelope."""
    from tests.signing import PUBLIC
    from verify.claim.signature import sign as seal
    from verify.claim.signature import verify_signature

    assert verify_signature(seal(report, PRIVATE), PUBLIC).dated == report.dated


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda one: one.update(time="2001-01-01T00:00:00+00:00"), "$.dated[1].time"),
        (lambda one: one.update(who="CN=Somebody"), "$.dated[1].who"),
        (lambda one: one.update(files=one["files"][:1]), "$.dated[1].files"),
        (lambda one: one.update(numbers=True), "$.dated[1].numbers"),
        (lambda one: one.update(model="a"), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(document=b64encode(b"another").decode()), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(document=None), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(root=b64encode(holder("Root of Times").der).decode()), "$.dated[1].evid"),
        (lambda one: one["evidence"].update(root=one["evidence"]["token"]), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(token=one["evidence"]["root"]), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(token=one["evidence"]["token"][:-8]), "$.dated[1].evidence"),
        (lambda one: one["evidence"].update(token=""), "$.dated[1].evidence"),
    ],
)
def test_a_changed_record_that_was_sealed_again_fails(report: ClaimReport, change: Any, field: str) -> None:
    """Its digest fits; what the evidence shows does not."""
    content = json.loads(report.to_json())
    change(content["dated"][1])
    found = check(sealed(content))
    assert not found.agrees
    assert any(item.field.startswith(field) for item in found.disagreements), found.disagreements


def another(value: Any) -> Any:
    """A value of the same type and form that differs."""
    if isinstance(value, bool):
        return not value
    if re.fullmatch("[0-9]{4}-.*", value):
        return f"{int(value[:4]) - 1}{value[4:]}"
    turned = value[: len(value) // 4 * 2][::-1] + value[len(value) // 4 * 2 :]  # base64 stays base64
    return turned if turned != value else {"a": "b", "b": "a"}.get(value, f"{value} again")


def test_every_value_of_dated_evidence_is_checked_or_listed(report: ClaimReport) -> None:
    """Whichever is changed in a record that is sealed again, by itself."""
    stated = dated("b", report.b, hub_evidence(report.b, 1, 2, 3), report.created)
    whole = report.model_copy(update={"dated": (*report.dated, stated)}).sealed()
    content = json.loads(whole.to_json())
    assert check(sealed(content)).disagreements == ()
    listed = Coverage(of_dates(whole))
    fields = [(field, value) for field, value in leaves(content) if field.startswith("$.dated") and value is not None]
    assert len(fields) > 35
    passed = {field for field, value in fields if not caught(sealed(changed(content, field, another(value))))}
    assert all(listed.of(field) for field in passed), passed
    assert "$.dated[1].evidence.name" in passed
    assert not passed & {f"$.dated[{n}].{name}" for n in range(3) for name in ("model", "time", "who", "numbers")}
    assert not {field for field in passed if field.endswith((".token", ".document", ".root"))}


@pytest.mark.parametrize(
    ("name", "value"),
    [("document", "@@"), ("token", "AAAAA"), ("root", "AB=="), ("kind", "oracle"), ("kind", "hub_commits")],
)
def test_a_record_of_another_form_is_no_report(report: ClaimReport, name: str, value: str) -> None:
    """In one sentence."""
    content = json.loads(report.to_json())
    content["dated"][1]["evidence"][name] = value
    with pytest.raises(ReportError, match="not a claim report"):
        check(sealed(content))
    content = json.loads(report.to_json())
    content["dated"][0]["time"] = "2001-01-01, and A was first"
    with pytest.raises(ReportError, match="not a claim report"):
        check(sealed(content))


def test_evidence_of_after_the_report_fails(report: ClaimReport) -> None:
    """A report of before its evidence was not made then."""
    content = json.loads(report.to_json()) | {"created": "2020-01-01T00:00:00+00:00"}
    found = check(sealed(content))
    assert [item.field for item in found.disagreements] == ["$.dated[0].evidence", "$.dated[1].evidence"]
    assert "after the time of the report" in str(found.disagreements[0].recomputed)


def test_without_the_library_it_is_listed_as_not_checked(
    report: ClaimReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing new can be recorded."""
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    found = replay(report)
    assert found.disagreements == ()
    assert {"$.dated[0]*", "$.dated[1]*"} <= {kind.field for kind in found.not_checkable}
    with pytest.raises(VerifyError, match=r"verify-lineage\[dated\]"):
        stamped(b"", [])


def test_a_fingerprint_and_its_signature_date_the_weights(
    models: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    """A fingerprint published before holds the digest of the numbers, and so does its signed statement; at lesser
    effort it holds none of all of them."""
    a, b = models
    made = fingerprint(a)
    made.save(tmp_path / "a.fp")
    (tmp_path / "a.fp.dsse").write_bytes(sign(made, PRIVATE))
    for name in ("a.fp", "a.fp.dsse"):
        stamp = stamp_of(tmp_path / name, authority)
        report = test_lineage(a, b, dated_a=[stamp], tsa=[authority.certificate])
        assert report.dated[0].numbers
        assert replay(report).disagreements == ()
        assert known_by(report.dated, report.a, "a", checked=True) == report.dated[0].time
        assert "for B no dated evidence was given" in report.dates_in_words
    of_print = test_lineage(tmp_path / "a.fp", b, dated_a=[stamp], tsa=[authority.certificate])
    assert "the model that the fingerprint of A states existed by" in of_print.dates_in_words
    assert of_print.dated[0].numbers
    fingerprint(a, effort="screen").save(tmp_path / "small.fp")
    bare = tmp_path / "small.fp"
    found = holding(bare.read_bytes())
    assert made.record.content_sha256 not in found


def test_the_numbers_of_a_part_date_that_part(authority: Authority, tmp_path: Path) -> None:
    """A language model that is old, in a model with a new tower: read alone, it is that part which existed."""
    old = write(tmp_path / "old", language(0, ""), config=CONFIG)
    new = write(tmp_path / "new", language(0), tower(0), config=WRAPPED)
    other = write(tmp_path / "other", language(1, ""), config=CONFIG)
    fingerprint(old).save(tmp_path / "old.fp")
    given = {"dated_a": [stamp_of(tmp_path / "old.fp", authority)], "tsa": [authority.certificate]}
    alone = test_lineage(Location(str(new), part="language_model.model"), other, **given)
    assert alone.dates_in_words.startswith("the part 'language_model.model' of A existed by ")
    assert "the numbers of its part 'language_model.model' by the digest of all of them" in alone.to_markdown()
    assert test_lineage(old, other, **given).dates_in_words.startswith("A existed by ")
    with pytest.raises(InputError, match="holds no digest"):
        test_lineage(new, other, **given)


def test_a_manifest_of_model_signing_dates_the_weights(
    models: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    """The layout of ``model.sig``: a Sigstore bundle around a DSSE envelope, whose payload lists each file."""
    resources = [
        {"name": path.name, "algorithm": "sha256", "digest": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in weights_of(models[1])
    ]
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicate": {"resources": resources}}
    payload = b64encode(json.dumps(statement).encode()).decode()
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"payload": payload}}
    (tmp_path / "model.sig").write_text(json.dumps(bundle, indent=1))
    stamp = stamp_of(tmp_path / "model.sig", authority, token=True)
    report = test_lineage(*models, dated_b=[stamp], tsa=[authority.certificate])
    assert len(report.dated[0].files) == 3
    assert known_by(report.dated, report.b, "b", checked=True)


def test_a_model_is_dated_by_all_its_files(models: tuple[Path, Path], authority: Authority, tmp_path: Path) -> None:
    """Some of its files date those alone; the last of all dates the model."""
    stamps = []
    for path in weights_of(models[1]):
        stamps.append(tmp_path / f"{path.name}.tsr")
        stamps[-1].write_bytes(authority.stamp(path.read_bytes()))
    some = test_lineage(*models, dated_b=stamps[:2], tsa=[authority.certificate])
    assert known_by(some.dated, some.b, "b", checked=True) is None
    assert "for B as a whole there is no date" in some.dates_in_words
    every = test_lineage(*models, dated_b=[*stamps, stamps[0]], tsa=[authority.certificate])
    assert len(every.dated) == 3
    assert known_by(every.dated, every.b, "b", checked=True) == max(one.time for one in every.dated)


def test_all_who_are_needed_are_named(models: tuple[Path, Path], authority: Authority, tmp_path: Path) -> None:
    """Of three files with a stamp each of another authority, and of a fourth who adds nothing."""
    stamps = []
    for n, path in enumerate((*weights_of(models[1]), weights_of(models[1])[0])):
        one = Authority.made(tmp_path / str(n), authority.root, holder(f"Keeper {n}", authority.root))
        stamps.append(tmp_path / f"{n}.tsr")
        stamps[-1].write_bytes(one.stamp(path.read_bytes(), accuracy="secs:9" if n == 3 else ""))
    report = test_lineage(*models, dated_b=stamps, tsa=[authority.certificate])
    assert "(a time stamp of 'CN=Keeper 0, CN=Keeper 1, CN=Keeper 2', checked)" in report.dates_in_words


def test_other_hash_functions_of_the_family(models: tuple[Path, Path], authority: Authority, tmp_path: Path) -> None:
    """Of a document any; weights are known by SHA-256 alone."""
    (tmp_path / "list").write_bytes(sums(weights_of(models[0])))
    stamp = stamp_of(tmp_path / "list", authority, algorithm="sha512")
    report = test_lineage(*models, dated_a=[stamp], tsa=[authority.certificate])
    assert replay(report).disagreements == ()
    (tmp_path / "alone.tsr").write_bytes(authority.stamp(weights_of(models[0])[0].read_bytes(), algorithm="sha384"))
    with pytest.raises(InputError, match="there is no 'alone' beside it"):
        test_lineage(*models, dated_a=[tmp_path / "alone.tsr"], tsa=[authority.certificate])


def refused(models: tuple[Path, Path], **given: Any) -> str:
    """Why evidence is refused, in one sentence."""
    with pytest.raises(InputError) as caught:
        test_lineage(*models, **given)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 600
    return text


def test_what_does_not_fit_is_refused(models: tuple[Path, Path], authority: Authority, tmp_path: Path) -> None:
    """Each in one sentence that names the piece."""
    a, _ = models
    tsa, good = [authority.certificate], tmp_path / "model.safetensors.tsr"
    good.write_bytes(authority.stamp(weights_of(a)[0].read_bytes()))
    assert "The evidence 'model.safetensors.tsr' of B: It is of no file that was read of 'b'" in refused(
        models, dated_b=[good], tsa=tsa
    )
    assert "No root certificate of its authority" in refused(models, dated_a=[good])
    other = Authority.made(tmp_path / "other")
    assert "no certificate given is the root" in refused(models, dated_a=[good], tsa=[other.certificate])
    both = test_lineage(*models, dated_a=[good], tsa=[other.certificate, authority.certificate])
    assert both.dated[0].evidence.root == b64encode(authority.root.der).decode()
    assert "after the time of the report" in refused(
        models, dated_a=[good], tsa=tsa, created="2020-01-01T00:00:00+00:00"
    )
    (tmp_path / "unrelated").write_bytes(b"nothing of these models")
    unrelated = stamp_of(tmp_path / "unrelated", authority)
    assert "holds no digest of 'a'" in refused(models, dated_a=[unrelated], tsa=tsa)
    (tmp_path / "unrelated").write_bytes(b"changed since")
    assert "not of 'unrelated' beside it either" in refused(models, dated_a=[unrelated], tsa=tsa)
    assert "compare at full effort" in refused(models, dated_a=[good], tsa=tsa, effort="screen")
    assert "tsa is given, and no dated evidence" in refused(models, tsa=tsa)
    assert "cannot be read" in refused(models, dated_a=[tmp_path / "absent.tsr"], tsa=tsa)
    assert "no certificate in PEM or DER" in refused(models, dated_a=[good], tsa=[tmp_path / "unrelated"])
    assert "cannot be read" in refused(models, dated_a=[good], tsa=[tmp_path])
    for algorithm, how in (("sha1", {"algorithm": "sha1"}), ("md5", {"algorithm": "md5"}), ("", {"digest": "sha1"})):
        weak = tmp_path / f"weak{algorithm}.tsr"
        weak.write_bytes(authority.stamp(weights_of(a)[0].read_bytes(), **how))
        assert "another hash function than SHA-256" in refused(models, dated_a=[weak], tsa=tsa)
    bare = tmp_path / "bare.tsr"
    bare.write_bytes(authority.stamp(b"x", certificate=False))
    assert "holds 0 certificates with the number of its signer" in refused(models, dated_a=[bare], tsa=tsa)
    (tmp_path / "long").write_bytes(bytes(1 << 23))
    assert "have a list of digests stamped" in refused(
        models, dated_a=[stamp_of(tmp_path / "long", authority)], tsa=tsa
    )
    assert "give at most 64" in refused(models, dated_a=[f"{n}.tsr" for n in range(65)], tsa=tsa)


def test_a_pipe_is_not_waited_for(models: tuple[Path, Path], authority: Authority, tmp_path: Path) -> None:
    """As a stamp, and as the document beside one."""
    tsa = [authority.certificate]
    os.mkfifo(tmp_path / "pipe.tsr")
    assert "cannot be read" in refused(models, dated_a=[tmp_path / "pipe.tsr"], tsa=tsa)
    os.mkfifo(tmp_path / "list")
    (tmp_path / "list.tsr").write_bytes(authority.stamp(b"x"))
    assert "there is no 'list' beside it" in refused(models, dated_a=[tmp_path / "list.tsr"], tsa=tsa)


def test_certificates_are_held_to_the_time_of_the_stamp(tmp_path: Path) -> None:
    """One that has expired since is good; one that had, or was not yet valid, or is for something else, is not."""
    root = holder("Root of Times", since=-5000 * DAY)
    brief = Authority.made(tmp_path / "brief", root, holder("Brief", root, until=timedelta(seconds=1)))
    reply = brief.stamp(b"x")
    while datetime.now(UTC) < brief.signer.certificate.not_valid_after_utc + timedelta(seconds=1):
        pass
    assert stamped(reply, [root.der]).authority == "CN=Brief"
    for since, until in ((-20 * DAY, -10 * DAY), (10 * DAY, 20 * DAY)):
        late = Authority.made(tmp_path / str(until), root, holder("Late", root, since=since, until=until))
        with pytest.raises(InputError, match="was not valid for stamping"):
            stamped(late.stamp(b"x"), [root.der])
    with pytest.raises(Exception, match="openssl"):  # which refuses to stamp with it
        Authority.made(tmp_path / "none", root, holder("None", root, of_times=False)).stamp(b"x")


def test_one_certificate_alone_is_the_signers(authority: Authority) -> None:
    """Another of the same issuer and number could stand for it; others may lie beside it."""
    stranger = holder("Somebody", authority.root)
    assert stamped(authority.stamp(b"x", beside=[authority.root, stranger]), [authority.root.der])
    number = authority.signer.certificate.serial_number
    double = holder("Keeper of Times", authority.root, serial=number)
    with pytest.raises(InputError, match="holds 2 certificates with the number of its signer"):
        stamped(authority.stamp(b"x", beside=[double]), [authority.root.der])


def test_nobody_else_is_named_as_the_authority(authority: Authority) -> None:
    """What names the signer is not signed: its issuer in other letters, which OpenSSL takes for the same, and a
    certificate of that issuer and number, which nobody of the authority made."""
    token = authority.stamp(b"x", token=True)
    number = authority.signer.certificate.serial_number
    forged = holder("Institute of Great Renown and Long Standing", holder("ROOT OF TIMES"), serial=number).der
    contents = _inside(token, 0)
    signed_data = _inside(token, contents[1].start)[0]
    *parts, infos = _inside(token, signed_data.start)
    info = _inside(token, infos.start)[0]
    said = token[info.body : info.stop].replace(b"Root of Times", b"ROOT OF TIMES", 1)
    *first, held = parts
    kept = token[first[0].start : first[-1].stop] + der(0xA0, token[held.body : held.stop] + forged)
    data = der(0x30, kept + der(0x31, der(0x30, said)))
    whole = der(0x30, token[contents[0].start : contents[0].stop] + der(0xA0, data))
    with pytest.raises(InputError, match="holds 2 certificates with the number of its signer"):
        stamped(whole, [authority.root.der])


def der(tag: int, body: bytes) -> bytes:
    """An element with a length of two bytes."""
    return bytes([tag, 0x82]) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(("digits", "accuracy"), [(1, ""), (3, ""), (6, ""), (3, "millisecs:999"), (0, "secs:3")])
def test_the_time_is_the_latest_that_the_token_allows(digits: int, accuracy: str, authority: Authority) -> None:
    """Parts of a second count, which the library leaves out of the time stated."""
    reply = authority.stamp(b"x", accuracy=accuracy, digits=digits)
    found = re.search(rb"\x18.(20[0-9]{12})(?:\.([0-9]+))?Z", reply, re.DOTALL)
    assert found is not None
    whole, part = datetime.strptime(found[1].decode() + "+0000", "%Y%m%d%H%M%S%z"), float(b"0." + (found[2] or b"0"))
    allowed = part + {"": 0, "millisecs:999": 0.999, "secs:3": 3}[accuracy]
    time = stamped(reply, [authority.root.der]).time
    assert 0 <= (time - whole).total_seconds() - allowed < 1


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_openssl_accepts_what_is_accepted(algorithm: str, authority: Authority, tmp_path: Path) -> None:
    """The token as it is kept, by another reader."""
    found = stamped(authority.stamp(b"content", algorithm=algorithm), [authority.root.der])
    assert found.digest == hashlib.new(algorithm, b"content").hexdigest()
    (tmp_path / "token").write_bytes(found.token)
    (tmp_path / "data").write_bytes(b"content")
    says = ["openssl", "ts", "-verify", "-data", tmp_path / "data", "-in", tmp_path / "token", "-token_in"]
    done = subprocess.run([*says, "-CAfile", authority.certificate], capture_output=True, text=True)
    assert "Verification: OK" in done.stdout, done.stderr


def test_a_reply_that_refuses_is_no_evidence(authority: Authority) -> None:
    """Status 2, rejection, with a token or without."""
    reply = authority.stamp(b"x")
    at = reply.index(b"\x30\x03\x02\x01\x00")
    with pytest.raises(InputError):
        stamped(reply[:at] + b"\x30\x03\x02\x01\x02" + reply[at + 5 :], [authority.root.der])
    with pytest.raises(InputError, match="no reply of a time-stamp authority"):
        stamped(b"\x30\x05\x30\x03\x02\x01\x02", [authority.root.der])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"0",
        b"0\x80",
        b"\x30\xff",
        b"\x30\x84\xff\xff\xff\xff",
        b"not a token",
        b"-----BEGIN CERTIFICATE-----\n",
        b"\x30\x80" * 5000,
        b"\x30\x82\x7f\xf0" * 4000,
        bytes(LONGEST),
        bytes(LONGEST + 1),
        b"\x06" * 100,
    ],
)
def test_hostile_files_give_one_sentence(content: bytes, authority: Authority) -> None:
    """As token and as certificate."""
    with pytest.raises(InputError, match=r"give|obtain"):
        stamped(content, [authority.root.der])
    with pytest.raises(InputError, match=r"give"):
        certificates(content)


@pytest.fixture(scope="module")
def token(authority: Authority) -> bytes:
    """A good one."""
    return authority.stamp(b"x", token=True)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_token_says_the_same_or_nothing(data: st.DataObject, token: bytes, authority: Authority) -> None:
    """Whatever bytes are changed, cut or put in: it is refused in one sentence, or what was signed is as it was."""
    at, cut = data.draw(st.integers(0, len(token))), data.draw(st.integers(0, 8))
    changed = token[:at] + data.draw(st.binary(max_size=8)) + token[at + cut :]
    good = stamped(token, [authority.root.der])
    with suppress(InputError):
        assert stamped(changed, [authority.root.der])._replace(token=b"") == good._replace(token=b"")


HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(HEX, st.binary(max_size=99), st.binary(max_size=99), st.booleans())
def test_a_digest_is_found_where_it_stands_alone(value: str, before: bytes, after: bytes, upper: bool) -> None:
    """In any document and in either case of letters, and in the payload of an envelope."""
    text = (value.upper() if upper else value).encode()
    document = before + b" " + text + b" " + after
    assert value in holding(document)
    assert value not in holding(b"0" + text)
    assert value not in holding(text[1:])
    envelope = json.dumps({"payload": b64encode(b"%s" % document).decode()}).encode()
    assert value in holding(envelope)
    assert value in holding(json.dumps({"dsseEnvelope": json.loads(envelope)}).encode())


@given(st.binary(max_size=400))
def test_any_document_is_read(document: bytes) -> None:
    """Without an error."""
    assert holding(b"{" + document) == holding(document) or document
    assert all(len(one) == 64 for one in holding(document))


def hub_evidence(subject: Subject, *days: int) -> HubCommits:
    """What the Hub would state of the files of a model, with a day of May 2024 for each."""
    files = tuple(
        HubFile(path=file.name, sha256=str(file.sha256), commit="0" * 40, time=f"2024-05-{day:02}T12:00:00+00:00")
        for file, day in zip(subject.files, days, strict=False)
    )
    return HubCommits(origin="hf://org/b", revision="1" * 40, files=files)


@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(1, 28), min_size=3, max_size=3)), max_size=5))
def test_the_date_of_a_model_is_the_smallest_that_its_evidence_allows(
    report: ClaimReport, pieces: list[tuple[bool, list[int]]]
) -> None:
    """By the definition: the smallest time such that evidence of no later time covers every file."""
    evidence = []
    for some, days in pieces:
        stated = hub_evidence(report.b, *(days[:2] if some else days))
        evidence.append(dated("b", report.b, stated, FAR))
    names = {file.name for file in report.b.files}
    times = sorted(one.time for one in evidence)
    allowed = [t for t in times if names <= {name for one in evidence if one.time <= t for name in one.files}]
    assert known_by(evidence, report.b, "b", checked=False) == (allowed[0] if allowed else None)
    assert known_by(evidence, report.b, "b", checked=True) is None


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))
def test_times_are_written_to_the_second_above(time: datetime) -> None:
    assert timedelta() <= utc(in_text(time)) - time < timedelta(seconds=1)


@pytest.mark.parametrize("text", ["", "soon", "9999-12-31T23:59:59-23:59", "2024-05-32T00:00:00+00:00"])
def test_what_is_no_time_is_refused(text: str, report: ClaimReport) -> None:
    """Also in a record."""
    with pytest.raises(InputError, match="is no time"):
        utc(text)
    stated = hub_evidence(report.b, 1, 1, 1)
    broken = stated.model_copy(update={"files": (stated.files[0].model_copy(update={"time": text}),)})
    with pytest.raises(InputError, match="is no time"):
        dated("b", report.b, broken, FAR)


def test_two_files_of_one_name_are_not_one(report: ClaimReport) -> None:
    """A record that names two files alike is covered by a digest of one of them in neither."""
    twice = report.b.files[0].model_copy(update={"sha256": "0" * 64})
    subject = report.b.model_copy(update={"files": (report.b.files[0], twice), "content_sha256": "1" * 64})
    with pytest.raises(InputError, match="holds no digest"):
        dated("b", subject, hub_evidence(report.b, 1), FAR)


def test_at_lesser_effort_the_digest_of_what_was_read_dates_nothing(report: ClaimReport) -> None:
    """It is of some rows alone."""
    subject = report.b.model_copy(update={"effort": "screen"})
    of_rows = HubCommits(
        origin="hf://org/b",
        revision="1" * 40,
        files=(HubFile(path="x", sha256=subject.content_sha256, commit="0" * 40, time="2024-05-01T00:00:00+00:00"),),
    )
    assert dated("b", report.b, of_rows, FAR).numbers
    with pytest.raises(InputError, match="holds no digest"):
        dated("b", subject, of_rows, FAR)


@pytest.fixture
def dated_hub(hub: Server, models: tuple[Path, Path]) -> tuple[Server, str]:
    """B on the Hub in two commits: two shards, then all; and the second commit."""
    content = {path.name: path.read_bytes() for path in models[1].iterdir()}
    shards = [path.name for path in weights_of(models[1])]
    first = hub.commit("org/b", {name: one for name, one in content.items() if name != shards[2]})
    second = hub.commit("org/b", content)
    hub.commit("org/b", content | {"README.md": b"later"})
    hub.times |= {first: "2024-05-01T08:00:00.000Z", second: "2024-05-02T08:00:00.250Z"}
    return hub, second


def test_what_the_hub_states_is_recorded_as_stated(dated_hub: tuple[Server, str], models: tuple[Path, Path]) -> None:
    """The last commit that changed each file, of a local copy; and never as checked."""
    _, second = dated_hub
    report = test_lineage(*models, dated_b=["hf://org/b"])
    (one,) = report.dated
    assert (one.time, one.checked, len(one.files)) == ("2024-05-02T08:00:01+00:00", False, 3)
    assert isinstance(one.evidence, HubCommits)
    assert {file.time[:10] for file in one.evidence.files} == {"2024-05-01", "2024-05-02"}
    assert one.evidence.files[2].commit == second
    assert "B existed by 2024-05-02 08:00:01 UTC as 'the Hugging Face Hub' states (a statement, not checked)" in (
        report.dates_in_words
    )
    found = replay(report)
    assert found.disagreements == ()
    assert "$.dated[0].evidence*" in {kind.field for kind in found.not_checkable}
    content = json.loads(report.to_json())
    content["dated"][0]["time"] = "2024-05-01T08:00:00+00:00"
    assert not check(sealed(content)).agrees


def test_of_a_file_that_is_on_the_hub_twice_the_earlier_counts(hub: Server, models: tuple[Path, Path]) -> None:
    """A copy that was made later says nothing of the file."""
    content = weights_of(models[0])[0].read_bytes()
    first = hub.commit("org/a", {"model.safetensors": content})
    second = hub.commit("org/a", {"model.safetensors": content, "copy/model.safetensors": content})
    hub.times |= {first: "2024-05-01T08:00:00.000Z", second: "2024-06-01T08:00:00.000Z"}
    (one,) = test_lineage(*models, dated_a=["hf://org/a"]).dated
    assert one.time == "2024-05-01T08:00:00+00:00"
    (one,) = test_lineage(*models, dated_a=["hf://org/a/copy"]).dated
    assert one.time == "2024-06-01T08:00:00+00:00"


@pytest.mark.usefixtures("dated_hub")
def test_a_model_read_from_the_hub_is_dated_there(models: tuple[Path, Path]) -> None:
    """Read in part, its files are known by the digests that the Hub states."""
    report = test_lineage(models[0], "hf://org/b", effort="screen", dated_b=["hf://org/b@main"])
    assert len(report.dated[0].files) == 3


def test_what_is_not_on_the_hub_is_refused(
    dated_hub: tuple[Server, str], models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model's repository, none, one that is gone, and no network."""
    assert "has no file there with the sha256 of a file of 'b'" in refused(models, dated_b=["hf://org/name"])
    assert "neither a path here nor on the Hub" in refused(models, dated_b=["hf://org/absent"])
    assert "no address of the Hub" in refused(models, dated_b=["hf://../x"])
    hub, _ = dated_hub
    hub.times |= dict.fromkeys(hub.repositories["org/b"], "yesterday")
    assert "is not understood" in refused(models, dated_b=["hf://org/b"])
    hub.times |= dict.fromkeys(hub.repositories["org/b"], "2124-05-01T08:00:00.000Z")
    assert "after the time of the report" in refused(models, dated_b=["hf://org/b"])
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused(models, dated_b=["hf://org/b"])


@pytest.mark.usefixtures("dated_hub")
def test_stated_and_checked_stand_side_by_side(
    models: tuple[Path, Path], authority: Authority, tmp_path: Path
) -> None:
    """A statement of an earlier time does not hide what was checked, nor is it hidden by that."""
    (tmp_path / "list").write_bytes(sums(weights_of(models[1])))
    stamp = stamp_of(tmp_path / "list", authority)
    report = test_lineage(*models, dated_b=[stamp, "hf://org/b"], tsa=[authority.certificate])
    assert "checked), and B existed by 2024-05-02 08:00:01 UTC as" in report.dates_in_words
    assert report.dates_in_words.startswith("B existed by")
    assert report.dates_in_words.endswith("for A no dated evidence was given.")


def test_at_the_command_line(models: tuple[Path, Path], authority: Authority, tmp_path: Path, run: Run) -> None:
    """The line of the answer, the options, and one line for what is refused."""
    stamp = tmp_path / "x.tsr"
    stamp.write_bytes(authority.stamp(weights_of(models[0])[0].read_bytes()))
    status, out, _ = run("lineage", *models, "--dated-a", stamp, "--tsa", authority.certificate, "--quiet")
    assert status == 0
    assert "existed by 20" in out
    status, out, err = run("lineage", *models, "--dated-b", stamp, "--tsa", authority.certificate, "--quiet")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_the_sentence_stays_allowed(models: tuple[Path, Path], report: ClaimReport) -> None:
    """Beside the evidence; what the limitations say goes by the evidence."""
    said = test_lineage(*models, chronology="B came first")
    assert said.chronology == "B came first"
    assert isinstance(report.dated[0], Dated)
    assert isinstance(report.dated[0].evidence, TimeStamp)
