"""Signatures that cover whole model folders name them as OpenSSF model signing does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import commands
from tests.commands import Run, check_refused
from tests.oms.folder import signed_folder, statement_of
from tests.reports import CREATED
from tests.signing import PRIVATE, PUBLIC, payload_of, sealed_by
from verify import ClaimReport, InputError, ReportError, test_lineage
from verify.claim.folder import folder_sha256
from verify.claim.signature import SignatureError, sign, statement, verify_signature
from verify.data import model

run = commands.run
pytest.importorskip("securesystemslib", reason="needs the extra `sign`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that model-signing signed."""
    return signed_folder(tmp_path_factory.mktemp("oms") / "model")


@pytest.fixture(scope="module")
def report(folder: Path) -> ClaimReport:
    """On it, and the model that it was copied from less its other files."""
    return test_lineage(model("continued-3x"), folder, created=CREATED)


def test_the_subject_is_that_of_model_signing(folder: Path, report: ClaimReport) -> None:
    """The whole folder under the same digest, and the same folder by its manifest."""
    theirs = statement_of()
    assert theirs["predicateType"] == "https://model_signing/signature/v1.0"
    (subject,) = theirs["subject"]
    assert folder_sha256(folder) == subject["digest"]["sha256"]
    ours = statement(report, (None, folder)).subject
    assert [one.name for one in ours] == ["continued-3x", "model", "model/"]
    assert ours[2].digest == subject["digest"]


def test_weights_alone_are_its_subject_too(report: ClaimReport) -> None:
    """As it would sign a folder that holds the weights and nothing else."""
    weights = [one for one in statement_of()["predicate"]["resources"] if one["name"].endswith(".safetensors")]
    assert [one["name"] for one in weights] == [file.name for file in report.b.files]
    root = hashlib.sha256(b"".join(bytes.fromhex(one["digest"]) for one in weights)).hexdigest()
    assert statement(report).subject[1].digest["sha256"] == root


def test_a_signed_folder_is_checked(folder: Path, report: ClaimReport, tmp_path: Path) -> None:
    """It holds with the folder, and not with one in which anything else than Git's files was changed."""
    envelope = sign(report, PRIVATE, folders=(None, folder))
    assert sign(report, PRIVATE, folders=(None, folder)) == envelope
    assert verify_signature(envelope, PUBLIC) == report
    assert verify_signature(envelope, PUBLIC, folders=(None, folder)) == report
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / ".gitattributes").write_text("changed")
    (other / "model.sig").write_text("a signature beside the files")
    assert verify_signature(envelope, PUBLIC, folders=(None, other)) == report
    (other / "README.md").write_text("another card")
    with pytest.raises(SignatureError, match="another folder was signed"):
        verify_signature(envelope, PUBLIC, folders=(None, other))
    with pytest.raises(SignatureError, match="no folder of it was signed"):
        verify_signature(envelope, PUBLIC, folders=(model("continued-3x"), folder))


def test_a_folder_of_other_weights_is_not_signed(folder: Path, report: ClaimReport, tmp_path: Path) -> None:
    """Who vouches for a folder is told before that its weights are not those of the report."""
    with pytest.raises(ReportError, match=r"another 'model\.safetensors'"):
        sign(report, PRIVATE, folders=(folder, None))
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text("{}")
    with pytest.raises(ReportError, match=r"holds no 'model\.safetensors'"):
        sign(report, PRIVATE, folders=(None, bare))
    partly = test_lineage(model("continued-3x"), folder, effort="screen", created=CREATED)
    with pytest.raises(ReportError, match="full effort"):
        sign(partly, PRIVATE, folders=(None, folder))


def test_a_report_that_lists_no_file_binds_no_folder(folder: Path, report: ClaimReport) -> None:
    """Else any folder would do."""
    bare = report.model_copy(update={"b": report.b.model_copy(update={"files": ()})}).sealed()
    with pytest.raises(ReportError, match="lists no file of 'model'"):
        sign(bare, PRIVATE, folders=(None, folder))


def test_folders_of_one_name_are_not_exchanged(folder: Path, tmp_path: Path) -> None:
    """By their order, of two; one alone is neither signed nor taken for either."""
    other = tmp_path / folder.name
    shutil.copytree(model("continued-3x"), other)
    report = test_lineage(other, folder, created=CREATED)
    assert report.a.name == report.b.name
    envelope = sign(report, PRIVATE, folders=(other, folder))
    assert verify_signature(envelope, PUBLIC, folders=(other, folder)) == report
    for wrong in ((folder, other), (folder, None), (None, other), (folder, folder)):
        with pytest.raises(SignatureError, match="another folder was signed"):
            verify_signature(envelope, PUBLIC, folders=wrong)
    for one in ((other, None), (None, folder)):
        with pytest.raises(ReportError, match="give the folders of both"):
            sign(report, PRIVATE, folders=one)
    fields = payload_of(envelope)
    del fields["subject"][3]
    envelope = sealed_by(PRIVATE, json.dumps(fields).encode())
    assert verify_signature(envelope, PUBLIC) == report
    for some in ((other, None), (None, other), (folder, other)):
        with pytest.raises(SignatureError, match="without saying whose"):
            verify_signature(envelope, PUBLIC, folders=some)


@pytest.mark.parametrize("kind", ["absent", "file", "empty", "link", "pipe"])
def test_what_model_signing_refuses_is_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    """In one sentence; links as by its default."""
    path = tmp_path / "m"
    if kind == "file":
        path.touch()
    if kind in ("empty", "link", "pipe"):
        path.mkdir()
    if kind == "link":
        (path / "model.safetensors").symlink_to(folder / "model.safetensors")
    if kind == "pipe":
        os.mkfifo(path / "pipe")
    with pytest.raises(InputError, match=r"no folder|no file|is a link"):
        folder_sha256(path)


_NAMES = st.text("abZ-._é ", min_size=1, max_size=4).filter(lambda name: name.strip(". ") == name)


@given(st.dictionaries(st.lists(_NAMES, min_size=1, max_size=3).map(tuple), st.binary(max_size=3), min_size=1))
@settings(max_examples=40, deadline=None)
def test_the_digest_follows_from_paths_and_contents(
    tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, ...], bytes]
) -> None:
    """Recomputed here by its definition: sha256 over sha256 of each, by path, part by part."""
    root = tmp_path_factory.mktemp("folder")
    kept = {}
    for parts, content in files.items():
        path = root.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:  # a file where a folder was, or the other way round
            continue
        kept[parts] = content
    if not kept:
        return
    expected = hashlib.sha256(b"".join(hashlib.sha256(kept[parts]).digest() for parts in sorted(kept)))
    assert folder_sha256(root) == expected.hexdigest()


def test_statements_of_the_first_version_are_read(report: ClaimReport) -> None:
    """Whose predicate had another type."""
    fields = payload_of(sign(report, PRIVATE))
    earlier = "urn:uuid:4336c167-dc25-4f3a-bd71-5e92bbd58cb0#verify-claim-report-v"
    content = sealed_by(PRIVATE, json.dumps(fields | {"predicateType": f"{earlier}2"}).encode())
    assert verify_signature(content, PUBLIC) == report
    for kind in (f"{earlier}1", fields["predicateType"].replace("v2", "v1")):
        with pytest.raises(SignatureError, match="not made by this library"):
            verify_signature(sealed_by(PRIVATE, json.dumps(fields | {"predicateType": kind}).encode()), PUBLIC)


@pytest.mark.parametrize(
    "extra",
    [
        [{"name": "stranger/", "digest": {"sha256": "0" * 64}}],
        [
            {"name": "model/", "digest": {"sha256": "0" * 64}},
            {"name": "continued-3x/", "digest": {"sha256": "0" * 64}},
        ],
        [{"name": "model/", "digest": {"sha256": "0" * 64}}] * 3,
    ],
)
def test_no_subject_is_added(report: ClaimReport, extra: list[object]) -> None:
    """But the folders of the two models, in their order."""
    fields = payload_of(sign(report, PRIVATE))
    fields["subject"] += extra
    with pytest.raises(SignatureError, match="subjects are not the models"):
        verify_signature(sealed_by(PRIVATE, json.dumps(fields).encode()), PUBLIC)


def test_the_whole_way_at_the_command_line(run: Run, folder: Path, report: ClaimReport, tmp_path: Path) -> None:
    """Sign with a folder, check with it, and with another."""
    report.to_json(tmp_path / "report.json")
    (tmp_path / "me").write_bytes(PRIVATE)
    (tmp_path / "me.pub").write_bytes(PUBLIC)
    signed = tmp_path / "report.json.dsse"
    assert run("sign", tmp_path / "report.json", "--key", tmp_path / "me", "--b", folder).status == 0
    assert len(payload_of(signed.read_bytes())["subject"]) == 3
    check = ("check-signature", signed, "--key", tmp_path / "me.pub")
    assert run(*check, "--b", folder).status == 0
    wrong = run(*check, "--b", model("continued-3x"))
    assert (wrong.status, wrong.out) == (1, "")
    assert "another folder was signed" in wrong.err
    check_refused(run(*check, "--b", tmp_path / "gone"), "is no folder")
