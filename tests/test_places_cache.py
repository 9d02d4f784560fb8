"""What is kept between runs: shared by many, safe to lose, cleared by command."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import places
from tests.places import DATA, of_web
from tests.server import Server
from verify import InputError
from verify.base import Cache, write_atomically
from verify.cli import main

own_cache, web = places.own_cache, places.web


def test_a_damaged_or_cleared_cache_costs_a_request_and_nothing_else(web: Server) -> None:
    """Truncated before it is opened, deleted while it is."""
    of_web(web).read([(0, 1000)])
    (entry,) = Cache.default().entries()
    (entry.path / "0-3e8").write_bytes(b"short")
    file = of_web(web)
    assert file.read([(0, 1000)])[0].tobytes() == DATA[:1000]
    Cache.default().clear()
    assert file.read([(10, 900)])[0].tobytes() == DATA[10:900]
    assert file.read([(10, 900)])[0].tobytes() == DATA[10:900]


def test_a_cache_that_cannot_be_written_is_a_warning(
    web: Server, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The work goes on."""
    own_cache.write_text("a file where the folder should be")
    assert of_web(web).read([(0, 1000)])[0].tobytes() == DATA[:1000]
    assert "The cache cannot be written" in caplog.text


def test_many_writers_and_readers_of_one_key(tmp_path: Path) -> None:
    """Whole or absent, whoever else writes."""
    cache, content = Cache(tmp_path), [bytes([n]) * 50_000 for n in range(8)]

    def write(number: int) -> bytes | None:
        cache.put("kind", "key", content[number % 8])
        return cache.get("kind", "key")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(200))) <= set(content)
    assert len(list(tmp_path.rglob("*"))) == 2  # no part is left


@settings(max_examples=30)
@given(st.text(max_size=40), st.text(max_size=40))
def test_keys_are_any_text_and_names_hold_everywhere(a: str, b: str) -> None:
    """Case, colons, slashes and surrogates are no matter."""
    cache = Cache(Path("x"))
    assert cache.path("kind", a).name.isalnum()
    assert (cache.path("kind", a) == cache.path("kind", b)) == (a == b)


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux has it")
def test_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the system has it, unless VERIFY_CACHE says otherwise."""
    monkeypatch.delenv("VERIFY_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Cache.default().folder == tmp_path / ".cache" / "verify"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache.default().folder == tmp_path / "xdg" / "verify"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert Cache.default().folder == tmp_path / ".cache" / "verify"
    monkeypatch.setattr("os.path.expanduser", str)
    monkeypatch.setattr(Path, "home", _homeless)
    with pytest.raises(InputError, match="set VERIFY_CACHE to a folder"):
        Cache.default()


def _homeless() -> Path:
    raise RuntimeError


def test_a_file_that_is_being_read_on_windows_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its readers make os.replace fail for a moment."""
    refusals, real = iter([True, True, False]), os.replace

    def replace(source: Path, target: Path) -> None:
        if next(refusals):
            raise PermissionError
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_atomically(tmp_path / "x", b"new")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["x"]


def test_the_command_shows_and_clears(
    web: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where, what, how much; and only the old, if so asked."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["verify", "cache", *arguments])
        main()
        return capsys.readouterr().out

    assert run("path") == f"{own_cache}\n"
    assert run() == f"{own_cache}\nempty\n"
    of_web(web).read([(0, 2500)])
    Cache.default().put("fingerprints", "x", b"12345")
    shown = run()
    assert "fingerprints: 1, 5 bytes" in shown
    assert f"  {web.url}/folder/data.bin: 2.5 kB of 1.5 MB" in shown
    old = time.time() - 3 * 86_400
    os.utime(Cache.default().path("fingerprints", "x"), (old, old))
    assert run("clear", "--older-than", "2") == "Deleted 1, 5 bytes.\n"
    assert run("clear").startswith("Deleted 1, ")
    assert Cache.default().entries() == []
