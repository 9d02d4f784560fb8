"""Changed files of every reader: each is read, or refused in one sentence; and what was once a fault stays mended.

``python -m benchmarks.fuzz`` runs a hundred thousand; here are some of the same, by the same numbers.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import change
from benchmarks.fuzz.__main__ import CASES
from benchmarks.fuzz.outcome import READ, Case, case, tried
from benchmarks.fuzz.readers import READERS, Seed, made

CORPUS = Path(change.__file__).parent / "corpus"
COUNTS = dict.fromkeys(READERS, 150) | {"quantised": 250, "recipe": 250, "scores": 250, "answers of servers": 400}
COUNTS |= {"report": 30, "screen": 30, "config": 60, "card": 30, "tokenizer": 110}
COUNTS |= {"library": 60, "state spaces": 100, "envelope": 200}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("verify")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@cache
def seeds_of(name: str, place: Path) -> list[Seed]:
    return made(name, place / name.replace(", ", "-"))


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused_in_one_sentence(name: str, place: Path) -> None:
    """By seed, so that a failure comes back; some must get through, or the changes prove nothing."""
    seeds, kinds = seeds_of(name, place), Counter[str]()
    for number in range(COUNTS[name]):
        outcome = tried(case(seeds, name, 0, number))
        assert not outcome.fault, (number, outcome)
        kinds[outcome.kind] += 1
    assert len(kinds) > 1 or name in ("card", "screen", "library"), kinds
    assert name == "options" or kinds[READ], kinds


@pytest.mark.parametrize("name", READERS)
def test_sound_files_are_read(name: str, place: Path) -> None:
    """But options name a model that is not there, and one layout is for another model."""
    outcomes = [tried(Case(seed, seed.content)) for seed in seeds_of(name, place)]
    assert not any(outcome.fault for outcome in outcomes)
    assert name == "options" or outcomes[0].kind == READ


def test_a_number_is_one_case(place: Path) -> None:
    """Whatever was tried before it, and in another folder too."""
    for name in ("config", "recipe", "torch, zip", "report"):
        again = made(name, place / "again")
        for number in (7, 3, 100):
            found = case(seeds_of(name, place), name, 5, number).content
            assert found == case(again, name, 5, number).content
            assert found != case(again, name, 6, number).content


KEPT = sorted(CORPUS.glob("*/*.case"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_what_was_once_a_fault_is_none(file: Path, place: Path) -> None:
    """The number in the name is that of the sound file, in whose place it is read."""
    seeds = seeds_of(file.parent.name, place)
    outcome = tried(Case(seeds[int(file.stem.partition("-")[0])], file.read_bytes()))
    assert not outcome.fault


def test_every_reader_is_run_at_length_and_here() -> None:
    """And the corpus is small, and of readers that there are."""
    assert CASES.keys() == READERS.keys() == COUNTS.keys()
    assert sum(CASES.values()) >= 100_000
    assert 2900 <= sum(COUNTS.values()) <= 4500
    assert {file.parent.name for file in KEPT} <= READERS.keys()
    assert sum(file.stat().st_size for file in KEPT) < 200_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
"""Any JSON."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=JSON, name=st.sampled_from(["config", "index", "tokenizer", "adapter", "report", "calibration", "panel"])
)
def test_any_json_in_the_place_of_a_file_is_one_sentence(value: object, name: str, place: Path) -> None:
    """Of no structure that was thought of."""
    for seed in seeds_of(name, place)[:3]:
        if seed.form in ("json", "sealed"):
            assert not tried(Case(seed, change.dumped(value))).fault


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rng=st.randoms(use_true_random=False),
    name=st.sampled_from(["safetensors", "gguf", "onnx", "torch, zip", "recipe"]),
)
def test_changes_that_hypothesis_chooses_are_one_sentence(rng: Random, name: str, place: Path) -> None:
    """The same changes, drawn so that a fault shrinks to few of them."""
    seed = seeds_of(name, place)[0]
    assert not tried(Case(seed, change.changed(seed.form, seed.content, rng))).fault


def test_a_fault_is_noticed() -> None:
    """An error that is not the library's, a warning, a message that no terminal should get, and no end."""
    import time
    import warnings

    from benchmarks.fuzz import outcome
    from verify.base import InputError

    def raised(error: Exception) -> object:
        raise error

    def endless() -> None:
        while True:
            time.process_time()

    for read in (
        lambda: raised(KeyError("x")),
        lambda: raised(InputError("a\x1b[31m")),
        lambda: raised(InputError("a" * 5000)),
        lambda: warnings.warn("x", RuntimeWarning, stacklevel=1),
    ):
        assert tried(Case(Seed("bytes", b"", lambda _, read=read: read()), b"")).fault  # type: ignore[misc]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outcome, "LONGEST", 0.2)
        assert tried(Case(Seed("bytes", b"", lambda _: endless()), b"")).kind == "no end"
    assert not tried(Case(Seed("bytes", b"", lambda _: raised(InputError("refused"))), b"")).fault
