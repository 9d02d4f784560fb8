"""What the card of a model declares, and cards and revisions that are none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import places
from tests.checkpoints import toy, write_checkpoint
from tests.server import Server
from verify import CheckpointError, open_checkpoint
from verify.checkpoint import Location
from verify.checkpoint.card import Declaration, declared_base
from verify.checkpoint.places.hub import HubFolder, find_on_hub
from verify.checkpoint.places.place import LocalFolder

hub, own_cache = places.hub, places.own_cache


@pytest.mark.parametrize(
    ("card", "declared"),
    [
        ("---\nbase_model: org/base\n---\n", (("org/base",), None)),
        ("---\nbase_model: 'org/base' # ours\nbase_model_relation: quantized\n---", (("org/base",), "quantized")),
        ("---\ntags:\n- x\nbase_model:\n- org/a\n- org/b\nlicense: mit\n---\n", (("org/a", "org/b"), None)),
        ('---\r\nbase_model:\r\n  - org/a\r\n  - "org/b"\r\n---\r\n', (("org/a", "org/b"), None)),
        ("---\nbase_model: [org/a, org/b]\nbase_model_relation: merge\n---\n", (("org/a", "org/b"), "merge")),
        ("---\nbase_model: [\n  org/a,\n  gpt2,\n]\n---\n", (("org/a", "gpt2"), None)),
        ("---\nbase_model:\n- org/a\n- org/a\n---\n", (("org/a",), None)),
        ("---\nmodel:\n  base_model: org/a\n---\n", ((), None)),
        ("---\nbase_model: null\n---\n", ((), None)),
        ("---\nbase_model:\n---\n", ((), None)),
        ("---\nbase_model: org/a\n", ((), None)),
        ("base_model: org/a\n", ((), None)),
        ("---\nlicense: mit\n---\nbase_model: org/a\n", ((), None)),
        ("---\nbase_model: !!python/object/apply:os.system [x]\n---\n", (("/object/apply:os.system", "x"), None)),
        ("", ((), None)),
    ],
)
def test_what_a_card_declares(card: str, declared: tuple[tuple[str, ...], str | None], tmp_path: Path) -> None:
    """In each of the forms that cards have; whatever is odd is a word or nothing, and nothing is run."""
    (tmp_path / "README.md").write_bytes(card.encode())
    found = declared_base(LocalFolder(tmp_path))
    assert found == declared or card.count("python/object")
    assert isinstance(found, Declaration)


@pytest.mark.parametrize("name", ["README.md", "tokenizer.json"])
@pytest.mark.parametrize("kind", ["dangling", "folder", "pipe"])
def test_an_optional_file_that_is_none_stops_no_model(name: str, kind: str, tmp_path: Path) -> None:
    """As a pruned cache of the Hub leaves links to nothing."""
    folder = write_checkpoint(tmp_path / "m", toy())
    path = folder / name
    if kind == "dangling":
        path.symlink_to(tmp_path / "gone")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.declared_bases, checkpoint.vocabulary()) == ((), None)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_a_hostile_card_declares_printable_words(text: bytes) -> None:
    """A bounded number of them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "README.md").write_bytes(
            b"---\nbase_model: " + text + b"\n" + b"".join(b"- x/%d\n" % n for n in range(100)) + b"---\n"
        )
        found = declared_base(LocalFolder(Path(folder)))
    assert len(found.models) <= 64
    assert all(name.isprintable() and 0 < len(name) <= 200 for name in found.models)


def test_a_card_on_the_hub_and_none(hub: Server) -> None:
    """Read at the commit, like everything else."""
    hub.commit("org/card", {"README.md": b"---\nbase_model: org/base\n---\n"})
    for name, models in (("org/card", ("org/base",)), ("org/name", ())):
        found = find_on_hub(Location(name))
        assert found is not None
        assert isinstance(found[0], HubFolder)
        assert declared_base(found[0]).models == models


def test_a_revision_of_a_local_folder_is_refused(tmp_path: Path) -> None:
    """It would look as if that revision had been read."""
    (tmp_path / "here").mkdir()
    with pytest.raises(CheckpointError, match=r"'here' lies on this machine, and a revision is given; leave it out"):
        open_checkpoint(Location(str(tmp_path / "here"), revision="v1"))
