"""A screen of weights: exact copies are found at every effort, and no model is compared with itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import screens
from tests.screens import edges
from verify import InputError, fingerprint
from verify.fingerprint import Effort
from verify.fingerprint.given import Model
from verify.screen import models as models_of
from verify.screen import screen

weights_at = screens.weights_at


@pytest.mark.parametrize("effort", ["screen", "full"])
def test_exact_copies_are_found_at_every_effort(weights_at: Path, effort: Effort) -> None:
    """A copy written anew is one at full effort, and below differs in nothing that was read."""
    names = ("A", "copy", "anew", "child", "stranger")
    result = screen([weights_at / name for name in names], effort=effort)
    found = edges(result)
    assert found["A", "copy"].verdict == "identical"
    assert found["A", "child"].verdict == "dependent"
    assert "no difference" not in found["A", "child"].kind
    for pair in (("A", "anew"), ("anew", "copy")):
        if effort == "full":
            assert found[pair].verdict == "identical"
        else:
            assert found[pair].verdict == "dependent"
            assert found[pair].kind.startswith("no difference in what was read; found: ")
    assert not any("stranger" in pair for pair in found)


def test_an_exact_copy_is_found_beside_a_fingerprint_of_the_whole(weights_at: Path) -> None:
    """One was read whole before, the other at less effort now."""
    result = screen([fingerprint(weights_at / "A"), weights_at / "copy", weights_at / "stranger"])
    assert {pair: edge.verdict for pair, edge in edges(result).items()} == {("A", "copy"): "identical"}


def test_files_are_read_whole_only_of_models_that_may_be_copies(
    weights_at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of relatives."""
    read: list[str] = []
    monkeypatch.setattr(models_of, "with_file_digests", lambda model, where: read.append(where.address) or model)
    screen([weights_at / name for name in ("A", "copy", "child", "stranger")])
    assert sorted(Path(text).name for text in read) == ["A", "copy"]


@pytest.mark.parametrize("how", ["path", "other path", "link", "fingerprint", "file of a fingerprint", "object"])
def test_a_model_is_not_compared_with_itself(weights_at: Path, tmp_path: Path, how: str) -> None:
    """Nor paid for, however it is named."""
    a = weights_at / "A"
    made = fingerprint(a, effort="screen")
    made.save(tmp_path / "A.safetensors")
    (tmp_path / "link").symlink_to(a)
    models: dict[str, tuple[Model, Model]] = {
        "path": (a, a),
        "other path": (a, f"{weights_at}/child/../A/"),
        "link": (tmp_path / "link", a),
        "fingerprint": (a, made),
        "file of a fingerprint": (tmp_path / "A.safetensors", a),
        "object": (made, made),
    }
    against, again = models[how]
    result = screen([again, weights_at / "child", weights_at / "stranger"], against=against)
    assert [m.label for m in result.record.models] == ["A", "child", "stranger"]
    assert result.record.pairs == 2
    assert edges(result).keys() == {("A", "child")}


def test_an_exact_copy_is_compared_though_it_has_the_name(weights_at: Path, tmp_path: Path) -> None:
    """What lies in two places is two models."""
    shutil.copytree(weights_at / "A", tmp_path / "A")
    result = screen([tmp_path / "A", weights_at / "stranger"], against=weights_at / "A")
    assert [(e.a, e.b, e.verdict) for e in edges(result).values()] == [("A", "A (2)", "identical")]


def test_a_model_that_is_given_twice_counts_once(weights_at: Path) -> None:
    """In any screen."""
    result = screen([weights_at / "A", f"{weights_at}/A/", weights_at / "stranger"])
    assert (len(result.record.models), result.record.pairs) == (2, 1)
    with pytest.raises(InputError, match=r"1 of 1 models .* given twice counts once"):
        screen([weights_at / "A", weights_at / "A"])
