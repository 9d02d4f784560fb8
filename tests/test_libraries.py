"""Libraries: written, read from here and elsewhere, and which of their models a model is related to."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event
from time import monotonic, process_time, sleep
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import places, signing
from tests.server import Answer, Asked, Server, busy
from verify import CheckpointError, Fingerprint, InputError, Location, build_library, fingerprint, identify, screen
from verify.checkpoint.places.hub import REPOSITORY
from verify.checkpoint.places.retry import fetching, patient
from verify.cli import main
from verify.cli.listed import listed_models
from verify.data import model
from verify.fingerprint.signature import sign
from verify.screen import ScreenResult
from verify.screen import library as of_libraries
from verify.screen.library import file_name

hub, web, own_cache = places.hub, places.web, places.own_cache
KNOWN = ("reference", "stranger-1", "merged-stranger", "gpt2-reference")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of four shipped models; beside it weights, which are no fingerprint, and a file of another kind."""
    folder = tmp_path_factory.mktemp("library")
    files = build_library([model(name) for name in KNOWN], folder)
    assert files == [folder / f"{name}.safetensors" for name in KNOWN]
    shutil.copy(model("stranger-2") / "model.safetensors", folder / "weights.safetensors")
    (folder / "README.md").write_text("Fingerprints of models.")
    return folder


def relatives(found: ScreenResult) -> dict[str, str]:
    """By the name of each relative, the verdict."""
    edges = [edge for family in found.families for edge in family.edges]
    return {edge.b if edge.a == found.record.against else edge.a: edge.verdict for edge in edges}


def as_html(_: Asked, answer: Answer) -> None:
    answer.headers["Content-Type"] = "text/html"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_closest_comes_first_and_strangers_have_none(library: Path) -> None:
    found = identify(model("fine-tuned"), library)
    assert relatives(found) == {"reference": "dependent", "merged-stranger": "dependent"}
    said = found.answer
    assert said.word == "RELATED TO 2 OF 4 MODELS"
    lines = {label: "".join(line) for label, line in said.lines}
    assert lines["Closest"].startswith("reference, closeness 0.9")
    assert "merged-stranger, closeness 0.3" in lines["Closest"]
    assert lines["No relative"] == "Found to none of 2 models."
    assert "of any that were not given" in lines["Does not show"]
    none = identify(model("stranger-2"), library)
    assert not none.families
    assert none.answer.word == "NO RELATED MODELS FOUND"
    assert none.record.pairs == len(KNOWN)


def test_an_exact_copy_is_found_as_one_under_any_name(library: Path, tmp_path: Path) -> None:
    """At the effort of a screen, where most rows are not read; and not where one number that is not read differs."""
    copy = shutil.copytree(model("reference"), tmp_path / "renamed")
    assert relatives(identify(copy, library))["reference"] == "identical"
    assert sorted(relatives(identify(model("reference"), library)).values()) == ["dependent", "identical"]
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert relatives(identify(copy, library))["reference"] == "dependent"


def test_a_fingerprint_of_the_library_is_not_its_own_relative(library: Path) -> None:
    found = identify(library / "stranger-1.safetensors", library)
    assert found.record.against == "stranger-1"
    assert relatives(found) == {"merged-stranger": "dependent"}


def test_it_is_the_screen_of_the_library_against_the_model(library: Path) -> None:
    """The same numbers, corrected for as many pairs as the library has fingerprints."""
    files = [library / f"{name}.safetensors" for name in KNOWN]
    one, other = identify(model("fine-tuned"), library), screen(files, against=model("fine-tuned"))
    assert one.record == other.record
    assert one.pairs == other.pairs
    assert one.record.pairs == len(files)


@pytest.mark.parametrize("kind", ["dataset", "web"])
def test_a_library_elsewhere_gives_the_same(
    library: Path, hub: Server, web: Server, tmp_path: Path, kind: str
) -> None:
    """Of weights in it the header alone is fetched; what is there already is not fetched again."""
    files = {path.name: path.read_bytes() for path in library.iterdir()}
    files["weights.safetensors"] += b"\0" * 2_000_000
    if kind == "dataset":
        hub.commit("datasets/org/library", files)
        address, server = "hf://datasets/org/library", hub.storage
    else:
        listing = "".join(f'<a href="{name}">{name}</a>' for name in files)
        web.files |= {f"/library/{name}": content for name, content in files.items()}
        web.files["/library/"] = listing.encode()
        web.faults.append(("/library/", as_html))
        address, server = f"{web.url}/library/", web
    assert server is not None
    here = identify(model("fine-tuned"), library)
    there = identify(model("fine-tuned"), address, folder=tmp_path / "out")
    assert (there.record, there.pairs) == (here.record, here.pairs)
    assert server.sent < sum(map(len, files.values())) - 1_000_000
    if kind == "dataset":
        server.reset()
        again = identify(model("fine-tuned"), Location(address), folder=tmp_path / "out")
        assert again.digest == there.digest
        assert server.sent < 100_000, "only the header of what is no fingerprint, which is not kept"


def test_a_library_that_is_read_in_part_clears_nobody(library: Path, hub: Server) -> None:
    """A file that the server does not give ends the run; once it does, all is as without the fault."""
    hub.commit("datasets/org/library", {path.name: path.read_bytes() for path in library.iterdir()})
    assert hub.storage is not None
    hub.storage.faults += [("stranger-1", busy(503))] * 6  # as often as it is tried
    with pytest.raises(CheckpointError, match="stranger-1"):
        identify(model("fine-tuned"), "hf://datasets/org/library")
    assert len(identify(model("fine-tuned"), "hf://datasets/org/library").record.models) == len(KNOWN) + 1


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_signer_must_have_signed_every_fingerprint(
    library: Path, hub: Server, tmp_path: Path, elsewhere: bool
) -> None:
    """One that it did not sign is left out, here and elsewhere."""
    copy = shutil.copytree(library, tmp_path / "copy")
    (tmp_path / "key.pub").write_bytes(signing.PUBLIC)
    for name, private in (("reference", signing.PRIVATE), ("stranger-1", signing.OTHER_PRIVATE)):
        file = copy / f"{name}.safetensors"
        (copy / f"{name}.safetensors.dsse").write_bytes(sign(Fingerprint.load(file), private))
    address = str(copy)
    if elsewhere:
        hub.commit("datasets/org/signed", {path.name: path.read_bytes() for path in copy.iterdir()})
        address = "hf://datasets/org/signed"
    found = identify(model("fine-tuned"), Location(address, signer=str(tmp_path / "key.pub")))
    assert relatives(found) == {"reference": "dependent"}
    assert len(found.record.left_out) == len(KNOWN) - 1
    assert sum("is not signed" in one.reason for one in found.record.left_out) == len(KNOWN) - 2


def test_a_damaged_fingerprint_is_left_out_and_said(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(library, tmp_path / "copy")
    (copy / "reference.safetensors").write_bytes((copy / "reference.safetensors").read_bytes()[:-50])
    status = run(monkeypatch, "identify", model("fine-tuned"), "--library", copy, "--fail-on", "left_out")
    printed = capsys.readouterr()
    assert status == 3
    assert printed.err.startswith("reference.safetensors: left out: The fingerprint")
    assert "1 model could not be read" in " ".join(printed.out.split())


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234567\n"


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:100],
        lambda whole: whole[:8],
        lambda _: b"",
        lambda _: POINTER,
        lambda whole: whole[:9] + b"\xff" + whole[10:],
        lambda whole: b"\xff" * 8 + whole[8:],
    ],
    ids=["cut in the header", "cut before it", "empty", "pointer", "a byte of the header", "its length"],
)
def test_what_may_have_been_a_fingerprint_is_never_passed_over(
    library: Path, hub: Server, tmp_path: Path, damage: Callable[[bytes], bytes], *, elsewhere: bool
) -> None:
    """The relative is damaged so far that it no longer looks like a fingerprint: no relative is found, and it is said
    that a file was left out. Sound weights beside it are passed over as before."""
    copy = shutil.copytree(library, tmp_path / "copy")
    file = copy / "reference.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    address = str(copy)
    if elsewhere:
        hub.commit("datasets/org/damaged", {path.name: path.read_bytes() for path in copy.iterdir()})
        address = "hf://datasets/org/damaged"
    found = identify(model("fine-tuned"), address)
    assert "reference" not in relatives(found)
    assert [one.name for one in found.record.left_out] == ["reference.safetensors"]
    assert found.record.pairs == len(KNOWN) - 1
    assert "1 model could not be read" in found.answer.sentence


def test_a_link_to_nothing_in_a_library_is_said(library: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(library, tmp_path / "copy")
    (copy / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    found = identify(model("fine-tuned"), copy)
    assert [one.name for one in found.record.left_out] == ["gone.safetensors"]
    assert str(copy / "gone.safetensors") in listed_models([str(copy)])


def test_a_folder_of_a_screen_passes_over_no_damaged_fingerprint(library: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(library, tmp_path / "copy")
    (copy / "reference.safetensors").write_bytes(POINTER)
    assert listed_models([str(copy)]) == [str(copy / f"{name}.safetensors") for name in sorted(KNOWN)]


def test_what_is_cut_is_left_out_and_said(library: Path, web: Server, tmp_path: Path) -> None:
    """An empty file, a pointer of Git LFS and the beginning of a fingerprint may each have been one."""
    copy = shutil.copytree(library, tmp_path / "copy")
    (copy / "empty.safetensors").touch()
    (copy / "pointer.safetensors").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{64 * '0'}\n")
    (copy / "cut.safetensors").write_bytes((copy / "reference.safetensors").read_bytes()[:3000])
    (copy / "folder.safetensors").mkdir()
    os.mkfifo(copy / "pipe.safetensors")
    files = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    web.files |= {f"/cut/{name}": content for name, content in files.items() if name != "empty.safetensors"}
    web.files["/cut/"] = "".join(f'<a href="{name}">x</a>' for name in files if name != "empty.safetensors").encode()
    web.faults.append(("/cut/", as_html))
    here = identify(model("fine-tuned"), copy).record
    there = identify(model("fine-tuned"), f"{web.url}/cut/").record
    assert [one.name for one in here.left_out] == ["cut.safetensors", "empty.safetensors", "pointer.safetensors"]
    assert [one.name for one in there.left_out] == ["cut.safetensors", "pointer.safetensors"]
    assert len(here.models) == len(there.models) == len(KNOWN) + 1


@pytest.mark.parametrize("name", ["x" * 300, "\u5b57" * 90, "a%5C..%5Cb"])
def test_a_name_that_no_file_can_have_is_refused(web: Server, tmp_path: Path, name: str) -> None:
    """On every system, so that no server writes outside the folder of the work."""
    web.files["/odd/"] = f'<a href="{name}.safetensors">x</a>'.encode()
    web.faults.append(("/odd/", as_html))
    with pytest.raises(InputError, match="which no file of this machine can be named"):
        identify(model("fine-tuned"), f"{web.url}/odd/", folder=tmp_path)


@pytest.mark.parametrize("key", ["none", ".", "no.key"])
def test_a_signer_that_is_no_key_is_refused_before_anything_is_fetched(
    library: Path, web: Server, tmp_path: Path, key: str
) -> None:
    (tmp_path / "no.key").write_text("no key")
    given = Location(f"{web.url}/library/", signer=str(tmp_path / key))
    for compare in (
        lambda: identify(model("fine-tuned"), given),
        lambda: screen([Location(str(one), signer=given.signer) for one in sorted(library.glob("r*.safetensors"))]),
    ):
        with pytest.raises(InputError, match="cannot be read"):
            compare()
    assert not web.asked


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=4), st.integers(1, 9))
def test_a_header_is_searched_in_blocks(content: bytes, word: bytes, block: int) -> None:
    """A word that two blocks share is found too, and no block is longer."""

    class Held:
        def read(self, ranges: list[tuple[int, int]]) -> list[np.ndarray]:
            ((start, stop),) = ranges
            assert stop - start <= block
            return [np.frombuffer(content[start:stop], np.uint8)]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(of_libraries, "_BLOCK", block)
        found = of_libraries._holds(Held(), len(content), word)  # type: ignore[arg-type]
    assert found == (word in content[8:])


def test_an_interruption_ends_what_drips() -> None:
    """A server that sends a byte now and then would hold an interrupted run for as long as patience lasts."""
    begun = Event()

    def drips() -> Iterator[bytes]:
        while True:
            begun.set()
            sleep(0.01)
            yield b"x"

    start = monotonic()
    waiting = list[Future[list[bytes]]]()

    def interrupted() -> None:
        with fetching(2) as pool:
            waiting.extend(pool.submit(lambda: list(patient(drips()))) for _ in range(5))
            begun.wait(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert monotonic() - start < 5
    assert all(one.cancelled() or "interrupted" in str(one.exception()) for one in waiting)
    with fetching(1) as pool:
        assert pool.submit(lambda: list(patient([b"a", b"b"]))).result() == [b"a", b"b"]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A library of a list, and a model identified with it; the files are those of a screen."""
    (tmp_path / "list.txt").write_text(f"# known\n{model('reference')}\n{model('stranger-1')}\n/no/such/model\n")
    where = tmp_path / "library"
    assert run(monkeypatch, "library", f"@{tmp_path / 'list.txt'}", "-o", where) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("2 fingerprints of 3 models")
    assert printed.err.startswith("/no/such/model: left out: 'model' does not exist")
    out = tmp_path / "out"
    assert run(monkeypatch, "identify", model("fine-tuned"), "--library", where, "-o", out) == 0
    assert "Closest reference, closeness" in " ".join(capsys.readouterr().out.split())
    record = json.loads((out / "families.json").read_text())
    assert record["against"] == "fine-tuned"
    assert "fine-tuned" in (out / "screen.html").read_text()
    assert run(monkeypatch, "library", f"@{tmp_path / 'list.txt'}", "--dry-run") == 0
    assert "reference, screen effort" in capsys.readouterr().out
    assert run(monkeypatch, "library", model("reference")) == 2
    assert "'-o'" in capsys.readouterr().err


def test_a_build_goes_on_where_it_ended(hub: Server, tmp_path: Path) -> None:
    """Weights that were read are not asked for again, whatever became of the folder; the bytes are the same."""
    first, second = (build_library(["org/name"], tmp_path / place) for place in "ab")
    assert [path.name for path in first] == ["org--name.safetensors"]
    assert first[0].read_bytes() == second[0].read_bytes()
    assert hub.storage is not None
    assert len(hub.storage.of(".safetensors")) == len({asked.range for asked in hub.storage.of(".safetensors")})
    record = Fingerprint.load(first[0]).record
    assert record.effort == "screen"
    assert all(file.sha256 for file in record.files)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda at: identify(model("fine-tuned"), at / "none"), "does not exist"),
        (lambda at: identify(model("fine-tuned"), at), "holds no fingerprint"),
        (lambda _: identify(model("fine-tuned"), ""), "empty text"),
        (lambda _: identify(model("fine-tuned"), model("reference") / "config.json"), "is one file"),
        (lambda _: identify(model("fine-tuned"), 3), "library is 3"),
        (lambda at: identify(None, at), "model is None"),
        (lambda at: build_library([], at), "No model is given"),
        (lambda at: build_library("reference", at), "a list of models"),
        (lambda at: build_library([model("reference"), at / "other" / "reference"], at), "both be written to"),
        (lambda at: build_library([at / "none"], at), "None of 1 models could be read"),
        (lambda at: build_library([model("reference")], at / "taken"), "is no regular file"),
        (lambda _: listed_models([f"@{'x' * 300}"]), "The list"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, wrong: Callable[[Path], object], said: str) -> None:
    shutil.copytree(model("stranger-1"), tmp_path / "other" / "reference")
    (tmp_path / "taken" / "reference.safetensors").mkdir(parents=True)
    with pytest.raises(InputError, match=said):
        wrong(tmp_path)


def test_a_library_replaces_no_weights(tmp_path: Path) -> None:
    weights = tmp_path / "reference.safetensors"
    content = (model("reference") / "model.safetensors").read_bytes()
    weights.write_bytes(content)
    with pytest.raises(InputError, match="is no fingerprint, and would be lost"):
        build_library([model("reference")], tmp_path)
    assert weights.read_bytes() == content


def test_against_a_model_that_is_among_the_others() -> None:
    """Wherever it stands: it is the one that all are compared with, and is not compared with itself."""
    names = ["stranger-1", "reference", "fine-tuned"]
    for at in range(3):
        order = names[at:] + names[:at]
        found = screen([model(name) for name in order], against=model("fine-tuned"))
        assert found.record.against == "fine-tuned"
        assert found.record.pairs == 2
        assert relatives(found) == {"reference": "dependent"}


def test_the_list_that_ships(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Names of the Hub, each once, and each with a file of its own; a file of that name takes precedence."""
    monkeypatch.chdir(tmp_path)
    names = listed_models(["@bases"])
    assert len(names) >= 45
    assert all(REPOSITORY.fullmatch(name) and "/" in name for name in names)
    assert len({file_name(Location(name)).casefold() for name in names}) == len(names)
    (tmp_path / "bases").write_text("org/other")
    assert listed_models(["@bases"]) == ["org/other"]
    with pytest.raises(InputError, match="cannot be read"):
        listed_models(["@../lists/bases"])


@given(st.text(max_size=300), st.sampled_from(["", "hf://", "https://", "s3://"]))
def test_a_name_of_a_file_stays_in_its_folder(text: str, scheme: str) -> None:
    name = file_name(Location(scheme + text))
    assert name.endswith(".safetensors")
    assert Path(name).name == name
    assert name.isprintable()
    assert len(os.fsencode(name)) <= 220


def test_a_name_of_any_length_is_made_at_once() -> None:
    """A line of a list may be a file that is no list."""
    start = process_time()
    assert len(file_name(Location("x" * 1_000_000))) < 255
    assert process_time() - start < 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_link_to_nothing_is_said_and_never_asked_of_the_hub(
    library: Path, hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``bases/gone.safetensors`` would be the name of a repository."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(library, "bases")
    Path("bases/gone.safetensors").symlink_to("nowhere")
    asked = len(hub.asked)
    for found in (identify(model("fine-tuned"), "bases"), screen([model("fine-tuned"), *listed_models(["bases"])])):
        assert [one.reason for one in found.record.left_out] == [
            "'bases/gone.safetensors' is a link to nothing; give a folder, a file of weights, or an address."
        ]
    assert len(hub.asked) == asked


def test_a_library_replaces_no_fingerprint_that_holds_more(tmp_path: Path) -> None:
    """One of the same effort, or less, or damaged, is made again."""
    file = tmp_path / "reference.safetensors"
    fingerprint(model("reference"), effort="standard").save(file)
    before = file.read_bytes()
    with pytest.raises(InputError, match="made at standard effort, and would be replaced by one at screen"):
        build_library([model("reference")], tmp_path)
    assert file.read_bytes() == before
    for effort in ("standard", "full", "full"):
        build_library([model("reference")], tmp_path, effort=effort)  # type: ignore[arg-type]
        assert Fingerprint.load(file).record.effort == effort
    file.write_bytes(file.read_bytes()[:-50])
    build_library([model("reference")], tmp_path)
    assert Fingerprint.load(file).record.effort == "screen"


def test_a_library_of_any_effort(tmp_path: Path) -> None:
    """A pair is compared at the smaller effort."""
    fingerprint(model("reference"), effort="full").save(tmp_path / "full.safetensors")
    fingerprint(model("stranger-1"), effort="standard").save(tmp_path / "standard.safetensors")
    assert relatives(identify(model("fine-tuned"), tmp_path)) == {"reference": "dependent"}


def test_a_copy_is_named_by_the_library_and_not_by_a_number(tmp_path: Path) -> None:
    """The model that is asked about gives way where one of the library has its name, and two of these that have one
    name are named by their files."""
    copy = shutil.copytree(model("reference"), tmp_path / "copies" / "reference")
    build_library([model("reference"), model("stranger-1")], tmp_path / "bases")
    found = identify(copy, tmp_path / "bases").record
    assert found.against == "reference (given)"
    assert {one.label for one in found.models} == {"reference (given)", "reference", "stranger-1"}
    assert relatives(identify(copy, tmp_path / "bases")) == {"reference": "identical"}
    (tmp_path / "bases" / "reference.safetensors").rename(tmp_path / "bases" / "org--reference.safetensors")
    shutil.copy(
        tmp_path / "bases" / "org--reference.safetensors", tmp_path / "bases" / "again--reference.safetensors"
    )
    both = {"org--reference": "identical", "again--reference": "identical"}
    assert relatives(identify(model("reference"), tmp_path / "bases")) == both
    assert relatives(identify(model("fine-tuned"), tmp_path / "bases")).keys() == both.keys()


@pytest.mark.parametrize("name", [".hidden", "bell%07", "%2E"])
def test_a_listing_drops_no_name_without_a_word(library: Path, web: Server, name: str) -> None:
    """A hidden fingerprint is one as here on disk, and a name that no file can have is refused."""
    content = (library / "reference.safetensors").read_bytes()
    web.files |= {f"/some/{name}.safetensors": content, f"/some/{unquote(name)}.safetensors": content}
    links = f'<a href="../">up</a><a href=".">here</a><a href="{name}.safetensors">x</a>'
    web.files["/some/"] = links.encode()
    web.faults.append(("/some/", as_html))
    if name == "bell%07":
        with pytest.raises(InputError, match=r"a file named 'bell\\x07.safetensors', which no file"):
            identify(model("fine-tuned"), f"{web.url}/some/")
    else:
        assert relatives(identify(model("fine-tuned"), f"{web.url}/some/")) == {"reference": "dependent"}


@pytest.mark.parametrize(
    ("arguments", "lacks", "said"),
    [
        (["library", "@bases", "-o"], "huggingface_hub", "pip install 'verify-lineage[hub]'."),
        (["library", "@bases", "--dry-run", "-o"], "huggingface_hub", "pip install 'verify-lineage[hub]'."),
        (["screen", "org/a", "org/b", "-o"], "huggingface_hub", "pip install 'verify-lineage[hub]'."),
        (["library", "https://host/a/", "https://host/b/", "-o"], "httpx2", "pip install 'verify-lineage[remote]'"),
        (["library", "s3://bucket/a", "s3://bucket/b", "-o"], "fsspec", "pip install 'verify-lineage[remote]'."),
    ],
)
def test_a_missing_package_ends_a_run_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    lacks: str,
    said: str,
) -> None:
    """It is no fault of one model, and all others would fail alike: one sentence, not one for each."""
    monkeypatch.setitem(sys.modules, lacks, None)
    assert run(monkeypatch, *arguments, tmp_path / "out") == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert said in line
    assert "left out" not in line
    assert printed.out == ""


@pytest.mark.parametrize(
    ("address", "raised", "said"),
    [
        (
            "s3://bucket/bases",
            ImportError(),
            "Reading 's3://bucket/bases' takes packages that are not installed; pip",
        ),
        ("gs://bucket/bases", ImportError(), "pip install 'verify-lineage[remote]' and fsspec's package of gs."),
        ("zz://bucket/bases", ValueError(), "'zz://bucket/bases' is no address of a file system that fsspec has"),
        ("s3://bucket/bases/", PermissionError(), "'s3://bucket/bases' may not be read; log in to the store."),
        ("s3://bucket/bases", FileNotFoundError(), "'s3://bucket/bases' does not exist; check the address."),
    ],
)
def test_a_library_in_a_store_that_cannot_be_read_is_named_in_full(
    monkeypatch: pytest.MonkeyPatch, address: str, raised: Exception, said: str
) -> None:
    """By its address, not by the last part of it; and with the package that it takes."""
    import fsspec

    class Store:
        def invalidate_cache(self) -> None:
            pass

        def info(self, _: str) -> None:
            raise raised

    def found(text: str) -> tuple[Store, str]:
        if isinstance(raised, OSError):
            return Store(), text.removeprefix("s3://")
        raise raised

    monkeypatch.setattr(fsspec.core, "url_to_fs", found)
    with pytest.raises(InputError) as info:
        identify(model("fine-tuned"), address)
    assert said in str(info.value)
