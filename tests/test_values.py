"""Objects of the public interface are values: copied, sent, compared, hashed and shown by what they hold."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify import Fingerprint, InputError, Location, Panel, ScreenResult, SketchSpec, VerifyError
from verify.base import Phrase, Record
from verify.data import model
from verify.panel import load_panel
from verify.panel.record import DEFAULT

NAMES = (
    "fingerprint",
    "panel",
    "screen",
    "screened",
    "pair",
    "report",
    "replay",
    "result",
    "sketch",
    "location",
)

FORMS = ("json", "markdown", "latex", "html")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """One of each."""
    a, b = (verify.fingerprint(model(name)) for name in ("fine-tuned", "reference"))
    report = verify.test_lineage(a, b, created="2026-01-31T12:00:00+00:00")
    screen = verify.screen([a, b])
    return {
        "fingerprint": a,
        "panel": load_panel("default"),
        "screen": screen,
        "screened": screen.record,
        "pair": screen.pairs[0],
        "report": report,
        "replay": verify.replay(report),
        "result": report.tests["unit_identity"],
        "sketch": a.record.sketch,
        "location": Location("org/model", revision="v1", tokenizer=Location("other")),
    }


def sent(made: Any) -> Any:
    """By pickle."""
    return pickle.loads(pickle.dumps(made))


def sent_by_cloudpickle(made: Any) -> Any:
    """As dask does."""
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(made))


@pytest.mark.parametrize("how", [sent, sent_by_cloudpickle, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_equal_and_has_the_same_hash(name: str, how: Callable[[Any], Any], values: dict[str, Any]) -> None:
    """However it was made; and a set holds it once."""
    value = values[name]
    other = how(value)
    assert other == value
    assert hash(other) == hash(value)
    assert len({other, value}) == 1
    assert (repr(other), str(other)) == (repr(value), str(value))


def test_values_go_to_a_process_and_back(values: dict[str, Any]) -> None:
    """Of the standard library."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for name, back in zip(NAMES, pool.map(copy.copy, [values[name] for name in NAMES]), strict=True):
            assert back == values[name], name


def test_values_go_to_a_dask_worker_and_back(values: dict[str, Any], tmp_path: Path) -> None:
    """Of a process of its own."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client:
        for name in NAMES:
            if name != "panel":  # which is as large as all others
                assert client.submit(copy.copy, values[name]).result() == values[name], name


def test_arrays_of_a_copy_are_read_only_too(values: dict[str, Any]) -> None:
    """Which no pickle keeps by itself."""
    for how in (sent, copy.deepcopy):
        with pytest.raises(ValueError, match="read-only"):
            how(values["fingerprint"]).arrays["stream.embed"][0, 0] = 1


def test_fingerprints_compare_by_content(tmp_path: Path, values: dict[str, Any]) -> None:
    """Two loads of one file are equal; one number, name or part that differs makes them differ."""
    made: Fingerprint = values["fingerprint"]
    made.save(tmp_path / "f")
    one, two = Fingerprint.load(tmp_path / "f"), Fingerprint.load(str(tmp_path / "f"))
    assert one == two == made
    assert len({one, two, made}) == 1
    assert made.digest.startswith("sha256:")
    assert one.digest == made.digest
    changed = {name: array.copy() for name, array in made.arrays.items()}
    changed["stream.embed"][0, 0] = np.nextafter(changed["stream.embed"][0, 0], np.float16(1))
    for other in (
        Fingerprint(made.record, changed),
        Fingerprint(made.record.model_copy(update={"name": "other"}), made.arrays),
        Fingerprint(made.record, made.arrays, [made.only("units")]),
        made.only("units"),
        verify.fingerprint(model("reference")),
    ):
        assert other != made
        assert other.digest != made.digest
    assert made != made.record
    assert made != "sha256"


def test_panels_and_screens_compare_by_content(values: dict[str, Any]) -> None:
    """By their digests."""
    panel: Panel = values["panel"]
    assert load_panel(str(DEFAULT)) == panel
    assert Panel(panel.record.model_copy(update={"name": "other"}), panel.fingerprints, panel.scores) != panel
    screen: ScreenResult = values["screen"]
    assert ScreenResult(screen.record, ()) != screen
    assert ScreenResult(screen.record, ()).digest != screen.digest
    assert panel != screen


def test_records_with_mappings_hash_as_they_compare() -> None:
    """The order of keys is not content, and a truth value equals its number."""
    one, two = Phrase.of("code", a=1, b=["x", "y"]), Phrase.of("code", b=["x", "y"], a=1)
    assert one == two
    assert hash(one) == hash(two)
    assert Phrase.of("code", a=True) == Phrase.of("code", a=1)
    assert hash(Phrase.of("code", a=True)) == hash(Phrase.of("code", a=1))
    assert hash(Phrase.of("code", a=2)) != hash(one)
    assert hash(SketchSpec()) == hash(SketchSpec())


class _Kind(Record):
    a: int
    b: dict[str, list[int]]


def test_records_of_two_kinds_differ() -> None:
    """Though they hold the same."""
    assert hash(_Kind(a=1, b={"x": [1]})) == hash(_Kind(a=1, b={"x": [1]}))
    assert hash(_Kind(a=1, b={"x": [1]})) != hash(_Kind(a=1, b={"x": [2]}))


@pytest.mark.parametrize("name", ["fingerprint", "panel", "screen", "replay", "location"])
def test_a_value_is_shown_on_one_line_and_printed_on_few(name: str, values: dict[str, Any]) -> None:
    """With the beginning of its digest, and then all of it."""
    value = values[name]
    assert "\n" not in repr(value)
    assert len(repr(value)) < 120
    assert repr(value).startswith(f"{type(value).__name__}(")
    if name != "location":
        assert 3 < str(value).count("\n") < 10
        assert value.digest[:19] in repr(value)
        assert value.digest in str(value)


def test_a_checkpoint_and_a_location_are_shown_without_secrets() -> None:
    """On one line."""
    assert repr(Location("a", token="hf_secret", base="b")) == "Location('a', base='b')"
    assert str(Location("a", "v1", token="hf_secret")) == "a@v1"
    checkpoint = verify.open_checkpoint(model("reference"))
    assert repr(checkpoint) == "Checkpoint('reference', llama, 39 tensors)"
    assert str(checkpoint).count("\n") == 4


def test_a_frame_of_a_screen_is_flat(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """One row a pair, no cell a container; and without pandas it says what is missing."""
    pytest.importorskip("pandas")
    frame = values["screen"].to_frame()
    assert list(frame.columns) == [name for name in values["screen"].columns() if name != "kind"]
    assert len(frame) == 1
    assert all(isinstance(cell, str | float | int | None) for cell in frame.iloc[0])
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(VerifyError, match=r"needs pandas: `pip install \"verify-lineage\[frame\]\"`"):
        values["screen"].to_frame()


def test_every_method_that_takes_a_path_takes_text(tmp_path: Path, values: dict[str, Any]) -> None:
    """Of a file that is written, or read; and what is no path is refused before any work."""
    writers: list[tuple[Callable[[Any], Any], str]] = [
        (values["fingerprint"].save, "f.safetensors"),
        (values["panel"].save, "panel"),
        (values["screen"].save, "screen"),
        (values["screen"].to_json, "screen.json"),
        *(
            (getattr(values["report"], f"to_{form}"), f"report.{form}")
            for form in ("json", "markdown", "latex", "html")
        ),
    ]
    for write, name in writers:
        write(str(tmp_path / name))
        write(tmp_path / name)
        assert (tmp_path / name).exists()
    table = {pair: 0.1 * n for n, pair in enumerate(itertools.combinations("ABCDEFG", 2), start=1)}
    calibrated = verify.calibrate(table, claim=("A", "B"), alpha=0.5)
    calibrated.to_json(str(tmp_path / "calibration.json"))
    calibrated.to_json(tmp_path / "calibration.json")
    shared = verify.share(model("fine-tuned"), [model("reference")])
    shared.to_json(str(tmp_path / "share.json"))
    shared.to_json(tmp_path / "share.json")
    beyond = verify.beyond(model("fine-tuned"), model("continued-3x"), model("reference"))
    beyond.to_json(str(tmp_path / "beyond.json"))
    beyond.to_json(tmp_path / "beyond.json")
    derived = verify.derivation(model("fine-tuned"), model("reference"))
    derived.to_json(str(tmp_path / "derivation.json"))
    derived.to_json(tmp_path / "derivation.json")
    readers = (
        (verify.BeyondReport.from_json, "beyond.json"),
        (verify.DerivationReport.from_json, "derivation.json"),
        (verify.ShareReport.from_json, "share.json"),
        (verify.CalibrationReport.from_json, "calibration.json"),
        (Fingerprint.load, "f.safetensors"),
        (Panel.load, "panel"),
        (verify.ClaimReport.from_json, "report.json"),
    )
    for read, name in readers:
        assert read(str(tmp_path / name)) == read(tmp_path / name)
    with pytest.raises(InputError, match="folder is 3; give a path"):
        values["screen"].save(3)
    with pytest.raises(InputError, match="path is None; give a path"):
        values["fingerprint"].save(None)


def test_the_path_of_every_public_method_is_in_the_list_above() -> None:
    """So that a new one is tried too."""
    taken = {
        f"{name}.{key}"
        for name in verify.__all__
        if inspect.isclass(getattr(verify, name))
        for key, member in vars(getattr(verify, name)).items()
        if not key.startswith("_") and callable(getattr(member, "__func__", member))
        for parameter in inspect.signature(getattr(member, "__func__", member)).parameters.values()
        if "PathLike" in str(parameter.annotation)
    }
    tried = {"Fingerprint.save", "Fingerprint.load", "Panel.save", "Panel.load", "ScreenResult.save"}
    tried |= {"ScreenResult.to_json", "CalibrationReport.to_json", *(f"ClaimReport.to_{form}" for form in FORMS)}
    elsewhere = {"ClaimReport.from_json", "ClaimReport.to_pdf", "ClaimReport.to", "Location.of"}
    tried |= {"CalibrationReport.from_json", "ShareReport.to_json", "ShareReport.from_json"}
    tried |= {f"{kind}Report.{way}_json" for kind in ("Beyond", "Derivation") for way in ("to", "from")}
    assert taken <= tried | elsewhere, taken - tried - elsewhere
