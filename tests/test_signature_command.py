"""Signing and verifying at the command line."""

from __future__ import annotations

import json
import os
import stat
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785

from tests import signing
from tests.signing import OTHER_PUBLIC, PRIVATE, PUBLIC, altered, encrypted, payload_of
from verify import ClaimReport
from verify.claim.signature import LONGEST_ENVELOPE, key_id, parse, sign
from verify.cli import main

envelope, report, toys = signing.envelope, signing.report, signing.toys

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``verify`` in this process: exit status, standard output, standard error."""
    monkeypatch.delenv("VERIFY_KEY_PASSPHRASE", raising=False)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def desk(tmp_path: Path, report: ClaimReport) -> Path:
    """A folder with a report and a key."""
    report.to_json(tmp_path / "report.json")
    (tmp_path / "me").write_bytes(PRIVATE)
    (tmp_path / "me.pub").write_bytes(PUBLIC)
    (tmp_path / "other.pub").write_bytes(OTHER_PUBLIC)
    return tmp_path


def test_the_whole_way(run: Run, tmp_path: Path, report: ClaimReport) -> None:
    """Make a key, sign, check: with the names of the manual."""
    report.to_json(tmp_path / "report.json")
    status, out, err = run("keygen", "-o", tmp_path / "keys" / "me")
    assert (status, err) == (0, "")
    public = (tmp_path / "keys" / "me.pub").read_bytes()
    assert key_id(public) in out
    signed = tmp_path / "report.json.dsse"
    assert run("sign", tmp_path / "report.json", "--key", tmp_path / "keys" / "me") == (0, f"{signed}\n", "")
    assert signed.read_bytes() == sign(report, (tmp_path / "keys" / "me").read_bytes()) + b"\n"
    for more in ((), ("--report", tmp_path / "report.json")):
        status, out, err = run("check-signature", signed, "--key", tmp_path / "keys" / "me.pub", *more)
        assert (status, err) == (0, "")
        assert out.splitlines() == [f"Valid: key {key_id(public)}", f"signed report {report.digest}"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_private_key_is_for_its_owner(run: Run, tmp_path: Path) -> None:
    """From the moment that the file exists."""
    assert run("keygen", "-o", tmp_path / "me")[0] == 0
    assert stat.S_IMODE((tmp_path / "me").stat().st_mode) == 0o600


@pytest.mark.parametrize("taken", ["me", "me.pub"])
def test_keys_are_never_overwritten(run: Run, tmp_path: Path, taken: str) -> None:
    """Neither half; and no half is left behind."""
    (tmp_path / taken).write_text("precious")
    status, out, err = run("keygen", "-o", tmp_path / "me")
    assert (status, out) == (2, "")
    assert "never overwritten" in err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(taken, "precious")]


def test_a_link_is_not_followed_to_a_key(run: Run, tmp_path: Path) -> None:
    """A link that leads nowhere would let someone choose where the key is written."""
    (tmp_path / "me").symlink_to(tmp_path / "elsewhere")
    assert run("keygen", "-o", tmp_path / "me")[0] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["me"]


def test_what_is_not_valid_exits_with_1(run: Run, desk: Path, report: ClaimReport, envelope: bytes) -> None:
    """And says what broke, on one line of standard error."""
    altered(report).to_json(desk / "resealed.json")
    text = report.to_json()
    (desk / "altered.json").write_text(text.replace('"alpha":0.001', '"alpha":0.01'))
    (desk / "nonsense.json").write_text(text.replace(f'"{report.verdict}"', '"banana"'))
    (desk / "good.dsse").write_bytes(envelope)
    fields = json.loads(envelope)
    forged = rfc8785.dumps(payload_of(envelope) | {"predicate": json.loads(altered(report).to_json())})
    (desk / "forged.dsse").write_text(json.dumps(fields | {"payload": b64encode(forged).decode()}))
    (desk / "cut.dsse").write_text(json.dumps(fields | {"payload": fields["payload"][:-8]}))
    for name, key, given_report, words in (
        ("good", "other.pub", None, "is not one that signed"),
        ("forged", "me.pub", None, "not this key's on this payload"),
        ("cut", "me.pub", None, "payload was altered"),
        ("good", "me.pub", "resealed.json", "it differs from the signed report"),
        ("good", "me.pub", "altered.json", "it differs from the signed report"),
        ("good", "me.pub", "nonsense.json", "it differs from the signed report"),
    ):
        more = () if given_report is None else ("--report", desk / given_report)
        status, out, err = run("check-signature", desk / f"{name}.dsse", "--key", desk / key, *more)
        assert (status, out) == (1, "")
        assert words in err
        assert err.startswith("Not valid")
        assert err.count("\n") == 1


def test_bad_input_exits_with_2(run: Run, desk: Path, envelope: bytes) -> None:
    """One line, no traceback, and nothing written."""
    (desk / "good.dsse").write_bytes(envelope)
    (desk / "list.json").write_text("[]")
    (desk / "path.json").write_text(f'"{desk / "report.json"}"')
    (desk / "huge").write_bytes(bytes(LONGEST_ENVELOPE + 1))
    before = sorted(p.name for p in desk.iterdir())
    check, key, public = ("check-signature", desk / "good.dsse"), ("--key", desk / "me"), ("--key", desk / "me.pub")
    for arguments in (
        ("check-signature", desk / "report.json", *public),
        ("check-signature", desk / "missing", *public),
        ("check-signature", desk / "huge", *public),
        ("check-signature", desk, *public),
        (*check, *key),
        (*check, "--key", desk / "missing"),
        (*check, "--key", desk / "huge"),
        check,
        (*check, *public, "--report", desk / "list.json"),
        (*check, *public, "--report", desk / "path.json"),
        (*check, *public, "--report", desk / "good.dsse"),
        (*check, *public, "--report", desk / "missing"),
        ("sign", desk / "report.json", *public),
        ("sign", desk / "report.json", "--key", desk / "missing"),
        ("sign", desk / "list.json", *key),
        ("sign", desk / "missing", *key),
        ("sign", desk / "report.json", *key, "-o", desk / "me" / "under"),
        ("sign", desk / "report.json", *key, "-o", desk / "me"),
        ("sign", desk / "report.json", *key, "-o", desk / "report.json"),
        ("keygen", "-o", desk),
        ("keygen", "-o", desk / "me" / "under"),
        ("keygen",),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (2, ""), arguments
        assert err.count("\n") == 1, err
        assert sorted(p.name for p in desk.iterdir()) == before
    assert (desk / "me").read_bytes() == PRIVATE


def test_a_report_laid_out_otherwise_is_the_signed_one(run: Run, desk: Path, envelope: bytes) -> None:
    """White space and the order of keys are not content."""
    (desk / "good.dsse").write_bytes(envelope)
    fields = json.loads((desk / "report.json").read_text())
    (desk / "pretty.json").write_text(json.dumps(dict(reversed(fields.items())), indent=2))
    arguments = ("check-signature", desk / "good.dsse", "--key", desk / "me.pub", "--report", desk / "pretty.json")
    assert run(*arguments)[0] == 0


def test_a_passphrase_comes_from_the_environment(
    run: Run, desk: Path, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is refused clearly where nobody can be asked."""
    (desk / "me").write_bytes(encrypted("pässword".encode()))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    arguments = ("sign", desk / "report.json", "--key", desk / "me", "-o", desk / "out.dsse")
    status, _, err = run(*arguments)
    assert status == 2
    assert "set VERIFY_KEY_PASSPHRASE" in err
    monkeypatch.setenv("VERIFY_KEY_PASSPHRASE", "wrong")
    assert "or the passphrase is wrong" in run(*arguments)[2]
    assert not (desk / "out.dsse").exists()
    monkeypatch.setenv("VERIFY_KEY_PASSPHRASE", "pässword")
    assert run(*arguments)[0] == 0
    assert (desk / "out.dsse").read_bytes() == envelope + b"\n"


def test_a_passphrase_is_asked_for(run: Run, desk: Path, envelope: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal."""
    (desk / "me").write_bytes(encrypted(b"typed"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda _, *, hide_input, err: "typed" if hide_input and err else "")
    assert run("sign", desk / "report.json", "--key", desk / "me")[0] == 0
    assert (desk / "report.json.dsse").read_bytes() == envelope + b"\n"


def test_reports_stay_unsigned_by_themselves(report: ClaimReport) -> None:
    """A signature is beside a report, not in it."""
    assert "This page carries none." in report.to_markdown()
    assert "signature" not in parse(report.to_json().encode(), "the report")
