"""Results of pairs are kept: one more model costs its own pairs, and every byte is the same with and without them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import compress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import screens
from tests.screens import named
from tests.strategies import architecture, gpt2_like, moe_like, random_arrays
from verify import Fingerprint
from verify.base import InputError
from verify.screen import ScreenResult, all_pairs, first_stage, plan, screen, second_stage, sketches
from verify.screen.answer import _of_level
from verify.screen.kept import Kept
from verify.screen.plan import Rectangle

family = screens.family


def bytes_of(result: ScreenResult) -> bytes:
    return result.to_json().encode() + json.dumps(result.columns()).encode()


class Count:
    """Pairs that each stage worked on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.first = self.second = self.counted = 0
        bound_tile, tile, tested = first_stage.bound_tile, first_stage.tile, second_stage._tested

        def counted_tile(first, second, wanted, alike, least):  # type: ignore[no-untyped-def]
            self.first += int(wanted.sum())
            return bound_tile(first, second, wanted, alike, least)

        def counted_exactly(first, second):  # type: ignore[no-untyped-def]
            self.counted += 1
            return tile(first, second)

        def counted_pair(a: Fingerprint, b: Fingerprint) -> second_stage.Tested:
            self.second += 1
            return tested(a, b)

        monkeypatch.setattr(all_pairs, "bound_tile", counted_tile)
        monkeypatch.setattr(all_pairs, "tile", counted_exactly)
        monkeypatch.setattr(second_stage, "_tested", counted_pair)

    def since(self) -> tuple[int, int]:
        found = self.first, self.second
        self.first = self.second = 0
        return found


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    return Count(monkeypatch)


@pytest.fixture
def alone(family: list[Fingerprint]) -> Iterator[dict[int, bytes]]:
    """What some of the models give by themselves, without anything kept."""
    return {n: bytes_of(screen(family[:n])) for n in (4, 5)}


def test_one_more_model_costs_its_own_pairs(
    family: list[Fingerprint], tmp_path: Path, count: Count, alone: dict[int, bytes]
) -> None:
    """Of both stages, wherever its place in the order; and a model less, or the same again, costs none."""
    count.since()
    assert bytes_of(screen(family[:4], folder=tmp_path)) == alone[4]
    assert count.since() == (6, 6)
    assert bytes_of(screen(family[:5], folder=tmp_path)) == alone[5]
    assert count.since() == (4, 4)
    for models in (family[:5], family[:5][::-1], family[:4], family[1:5]):
        screen(models, folder=tmp_path)
        assert count.since() == (0, 0)
    screen(family[:4], against=family[-1], folder=tmp_path)
    assert count.since() == (4, 0)
    screen(family, folder=tmp_path)
    assert count.since()[0] <= 13 * 12 // 2 - 10  # the order within a pair may be another there


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_kept_changes_no_byte(family: list[Fingerprint], data: st.DataObject) -> None:
    """Whatever was screened before in the folder, in whatever order, at whatever level and against whom."""
    pool = [*family[:3], *family[-3:]]
    some = st.lists(st.sampled_from(range(len(pool))), min_size=2, max_size=5, unique=True)
    with TemporaryDirectory() as folder:
        for _ in range(data.draw(st.integers(1, 3))):
            chosen = [pool[i] for i in data.draw(some)]
            against = chosen[0] if data.draw(st.booleans()) else None
            alpha = data.draw(st.sampled_from([1e-3, 0.2]))
            models = chosen[1:] if against is not None else chosen
            kept = screen(models, against=against, alpha=alpha, folder=folder)
            assert bytes_of(kept) == bytes_of(screen(models, against=against, alpha=alpha))


def test_models_of_equal_fingerprints_are_kept_apart(family: list[Fingerprint], tmp_path: Path, count: Count) -> None:
    """Two copies of one file are two models, each with its own pairs."""
    parent, child, other = family[0], family[1], family[-1]
    for name in "ab":
        (tmp_path / name).mkdir()
        parent.save(tmp_path / name / "x.safetensors")
    files = [tmp_path / "a" / "x.safetensors", tmp_path / "b" / "x.safetensors"]
    screen([files[0], child, other], folder=tmp_path / "out")
    count.since()
    both = screen([*files, child, other], folder=tmp_path / "out")
    assert count.since()[0] == 3
    assert bytes_of(both) == bytes_of(screen([*files, child, other]))
    assert both.record.identical == 1


def test_damaged_results_are_made_anew(family: list[Fingerprint], tmp_path: Path, count: Count) -> None:
    """Cut, changed in one digit, or empty: none is believed, and none stays."""
    wanted = bytes_of(screen(family[:5], folder=tmp_path))
    assert count.since() == (10, 10)
    files = sorted((tmp_path / ".work" / "results").glob("*/*.json"))
    assert {file.name.split("-")[0] for file in files} == {"first", "counts", "second"}
    for file in files:
        content = file.read_bytes()
        digit = next(i for i, byte in enumerate(content) if chr(byte).isdigit())
        for damaged in (content[:-9], b"", content[:digit] + b"7" + content[digit + 1 :], b"[]"):
            if damaged == content:
                continue
            file.write_bytes(damaged)
            assert bytes_of(screen(family[:5], folder=tmp_path)) == wanted
            assert sum(count.since()) + count.counted > 0
            count.counted = 0
            assert file.read_bytes() == content


def test_results_of_another_version_are_not_used(
    family: list[Fingerprint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    """Of the stages, of a test, or of the part that the first stage reads."""
    screen(family[:3], folder=tmp_path)
    count.since()
    for where, name, value in (
        ("verify.screen.kept", "VERSION", 999),
        ("verify.screen.sketches", "UNITS", sketches.UNITS - 1),
        ("verify.screen.stages", "EXACT_TESTS", second_stage_tests()),
    ):
        monkeypatch.setattr(f"{where}.{name}", value)
        screen(family[:3], folder=tmp_path)
        assert count.since() == (3, 3)
    assert len(list((tmp_path / ".work" / "results").iterdir())) == 1


def second_stage_tests() -> tuple[object, ...]:
    """The exact tests, one of them in its next version."""
    from dataclasses import replace

    from verify.statistics import EXACT_TESTS

    return (replace(EXACT_TESTS[0], version=EXACT_TESTS[0].version + 1), *EXACT_TESTS[1:])


def test_what_cannot_be_written_is_an_error_and_what_cannot_be_read_is_made(tmp_path: Path) -> None:
    """A folder in the place of a result is no result."""
    kept = Kept(tmp_path, {})
    kept.put("first", {"x": 1})
    (file,) = (tmp_path / "results").glob("*/*.json")
    file.unlink()
    file.mkdir()
    assert list(kept.all("first", dict)) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        Kept(tmp_path / "file", {}).put("first", {})


def forge(folder: Path, kind: str, change: Callable[[Any], Any]) -> None:
    """Put changed results of a kind in the place of all, under the names of their content."""
    for file in (folder / ".work" / "results").glob(f"*/{kind}-*.json"):
        content = json.dumps(change(json.loads(file.read_bytes())), separators=(",", ":")).encode()
        file.unlink()
        file.with_name(f"{kind}-{sha256(content).hexdigest()}.json").write_bytes(content)


def at_once(result: Any) -> Any:
    """Every p-value is nearly 0."""
    for tested in result.values():
        for outcome in tested["tests"].values():
            for count in (outcome or {"counts": []})["counts"]:
                count["log10_p"] = -999.0
    return result


def one_test(result: Any) -> Any:
    """One test alone, which pays for none beside it."""
    return {name: one | {"tests": dict(list(one["tests"].items())[:1])} for name, one in result.items()}


def too_many(result: Any) -> Any:
    """More is counted than there is."""
    for tested in result.values():
        for outcome in tested["tests"].values():
            for count in (outcome or {"counts": []})["counts"]:
                count["count"] = count["n"] + 1
    return result


@pytest.mark.parametrize("change", [at_once, one_test, too_many, lambda _: [], lambda _: {"x": {}}])
def test_no_p_value_is_taken_from_what_was_kept(
    family: list[Fingerprint], tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    """Each follows from counts of every test, whatever a file says whose name is right."""
    strangers = [family[0], *family[-2:]]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(first_stage, "LARGEST_LEVEL", 1.0)  # all pairs go on to the second stage
        patched.setattr("verify.screen.stages.MAX_FALSE_PASSES_PER_MODEL", 99.0)
        wanted = bytes_of(screen(strangers, folder=tmp_path))
        forge(tmp_path, "second", change)
        assert bytes_of(screen(strangers, folder=tmp_path)) == wanted


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        lambda _: {"rows": 1},
        lambda _: 7,
        lambda result: result | {"comparisons": []},
        lambda result: result | {"grades": result["wanted"] * 2},
        lambda result: result | {"grades": b64encode(compress(bytes(1 << 20))).decode()},
        lambda result: result | {"grades": "x"},
        lambda result: result | {"identical": [[0, -1]]},
        lambda result: result | {"wanted": "x"},
    ],
)
def test_a_result_of_another_shape_is_made_anew(
    family: list[Fingerprint], tmp_path: Path, count: Count, change: Callable[[Any], Any]
) -> None:
    """A right name is not enough."""
    wanted = bytes_of(screen(family[:3], folder=tmp_path))
    count.since()
    forge(tmp_path, "first", change)
    assert bytes_of(screen(family[:3], folder=tmp_path)) == wanted
    assert count.since() == (3, 0)
    assert len(list((tmp_path / ".work" / "results").glob("*/first-*.json"))) == 1


def test_a_damaged_result_that_cannot_be_removed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that is read alone."""
    kept = Kept(tmp_path, {})
    kept.put("first", {"x": 1})
    (file,) = (tmp_path / "results").glob("*/*.json")
    file.write_bytes(b"[]")

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    assert list(kept.all("first", dict)) == []
    assert file.exists()


def test_only_folders_of_our_own_making_are_removed(tmp_path: Path) -> None:
    """Those of another version are; what somebody put there stays."""
    Kept(tmp_path, {"version": 1}).put("first", {})
    (earlier,) = (tmp_path / "results").iterdir()
    mine = [tmp_path / "results" / name for name in ("mine", "A" * 32, "a" * 31, "a" * 32 + ".old")]
    for folder in mine:
        folder.mkdir()
        (folder / "notes").write_text("mine")
    Kept(tmp_path, {"version": 2})
    assert not earlier.exists()
    assert all((folder / "notes").exists() for folder in mine)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([0.001], "1 in 1,000"),
        ([0.05], "1 in 20"),
        ([0.3], "0.3"),
        ([0.0013], "0.0013"),
        ([0.001, 0.01], "0.011"),
        ([0.1, 0.2], "0.3"),
        ([0.123456789], "0.123456789"),
        ([1e-9], "1e-9"),
        ([0.0015, 0.0005], "1 in 500"),
    ],
)
def test_a_level_is_never_rounded(levels: list[float], words: str) -> None:
    """It was set beforehand, and is what was guaranteed."""
    assert _of_level(*levels) == words


# ---- tiles


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([architecture(), gpt2_like(), moe_like()]), st.data())
def test_counts_depend_on_the_two_models_alone(seed: int, shape, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    """To the last bit: beside other models, in a tile of any size, the same numbers."""
    rng = np.random.default_rng(seed)
    base = random_arrays(rng, shape)
    arrays = [{k: 0.5 * v + 0.5 * rng.standard_normal(v.shape) for k, v in base.items()} for _ in range(6)]
    run = sorted(
        (sketches.first_sketch(named(f"m{n}", one, shape)) for n, one in enumerate(arrays)), key=lambda s: s.signature
    )
    whole = first_stage.tile(run[:3], run[3:])
    found = {(i, j): values for i, j, values in whole.found}
    rows = data.draw(st.lists(st.integers(0, 2), min_size=1, unique=True).map(sorted))
    columns = data.draw(st.lists(st.integers(0, 2), min_size=1, unique=True).map(sorted))
    part = first_stage.tile([run[i] for i in rows], [run[3 + j] for j in columns])
    assert {(rows[i], columns[j]): v for i, j, v in part.found} == {
        pair: v for pair, v in found.items() if pair[0] in rows and pair[1] in columns
    }
    assert part.comparisons == whole.comparisons


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 40), st.booleans(), st.integers(1, 9), st.data())
def test_every_pair_that_is_not_known_is_planned_once(n: int, alone: bool, tile: int, data: st.DataObject) -> None:
    """And none that is known; none with a model that is not there."""
    positions = st.lists(st.integers(-1, n - 1), min_size=1, max_size=8, unique=True)
    known, pairs = [], set()
    for _ in range(data.draw(st.integers(0, 4))):
        rows, columns = (np.array(data.draw(positions)) for _ in range(2))
        bits = st.lists(st.booleans(), min_size=rows.size * columns.size, max_size=rows.size * columns.size)
        made = np.array(data.draw(bits)).reshape(rows.size, columns.size)
        known.append(Rectangle(rows, columns, made))
        pairs |= {(int(rows[i]), int(columns[j])) for i, j in np.argwhere(made)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plan, "TILE", tile)
        planned = [
            (int(one.rows[i]), int(one.columns[j]))
            for one in plan.left(n, known, alone=alone)
            for i, j in np.argwhere(one.wanted)
        ]
    wanted = {(0, j) for j in range(1, n)} if alone else set(combinations(range(n), 2))
    assert len(planned) == len(set(planned))
    assert set(planned) == wanted - pairs


def test_one_new_model_is_two_thin_rectangles_a_tile() -> None:
    """Not all pairs of the tile that it stands in."""
    n, new = 50, 20
    others = np.array([i for i in range(n) if i != new])
    planned = plan.left(n, [Rectangle(others, others, np.ones((n - 1, n - 1), dtype=bool))], alone=False)
    assert sum(one.wanted.size for one in planned) == n - 1


def test_a_full_disk_is_said_of_the_folder_and_not_of_the_models(
    family: list[Fingerprint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is left out for it, and the next run goes on."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        for where in ("write_atomically", "save_blocks"):
            patched.setattr(f"verify.screen.models.{where}", full)
            with pytest.raises(
                InputError, match=r"cannot be written \(No space left on device\); what was done is kept"
            ):
                screen(family, folder=tmp_path)
    assert screen(family, folder=tmp_path).record.left_out == ()
