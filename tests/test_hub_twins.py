"""Twins of the Hub as they lie there: tensors of the true names, seeds as branches, pickles; no weight is real."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save

from benchmarks.hub_shapes import DATADECIDE, PYTHIA, HubFile, datadecide, pythia
from benchmarks.twins_cost import SHAPES, counted
from tests import places
from tests.models import VOCABULARY
from tests.server import Server
from verify import CheckpointError, fingerprint, open_checkpoint
from verify.base import Phrase
from verify.cli.app import cli
from verify.panel import Panel, Recipe, build_panel, evaluate, load_panel
from verify.panel.build import related_pairs
from verify.panel.designs import TWINS
from verify.panel.members import Member
from verify.panel.use import impossible

hub, own_cache = places.hub, places.own_cache

SEEDS = ("default", "small-aux-2", "small-aux-3")
CORPORA = ("c4", "dclm-baseline-25p-dolma1.7-75p")
DECIDE, NEOX = datadecide(32, 2, 4, rows=152), pythia(32, 2, 4, rows=152, context=8)
PICKLE = b"\x80\x02ccollections\nOrderedDict\nq\x00."
RECIPE = """
name = "twins"
version = "1"

[[member]]
model = "hf://allenai/DataDecide-{corpus}-16M@step24432-seed-{seed}"
name = "datadecide-16M-{corpus}-{seed}"
recipe = "datadecide-16M-{corpus}"
initial = "datadecide-16M-{seed}"
family = "datadecide-16M-{seed}"
corpus = "datadecide-{corpus}"
licence = "Apache-2.0"
each = { corpus = ["c4", "dclm-baseline-25p-dolma1.7-75p"], seed = ["default", "small-aux-2", "small-aux-3"] }

[[member]]
model = "hf://EleutherAI/pythia-14m-seed{seed}@step143000"
name = "pythia-14m-seed{seed}"
recipe = "pythia-14m"
family = "pythia-14m-seed{seed}"
corpus = "the-pile"
licence = "Apache-2.0"
each = { seed = [1, 2] }

[[member]]
model = "google/multiberts-seed_0"
family = "multiberts"
licence = "Apache-2.0"

[[member]]
model = "org/reference-{n}"
family = "reference-{n}"
licence = "MIT"
each = { n = [1, 2, 3, 4] }
"""


def weights(file: HubFile, seed: int, noise: int | None = None) -> dict[str, np.ndarray]:
    """Random weights; with ``noise``, those of the seed after another training from them."""
    rng, own = np.random.default_rng(seed), np.random.default_rng(noise)
    kinds = {"F32": np.float32, "F16": np.float16, "BOOL": np.bool_}
    found = {}
    for name, (dtype, shape) in file.tensors.items():
        value = rng.standard_normal(shape) / 8
        if noise is not None:
            value = value + own.standard_normal(shape) / 16
        gain = len(shape) == 1 and name.endswith("weight")
        found[name] = np.asarray(1 + value if gain else value).astype(kinds[dtype])
    return found


def files(file: HubFile, tensors: dict[str, np.ndarray]) -> dict[str, bytes]:
    tokenizer = {"model": {"type": "BPE", "vocab": VOCABULARY, "merges": []}}
    return {
        "config.json": json.dumps(file.config).encode(),
        "model.safetensors": save(tensors),
        "tokenizer.json": json.dumps(tokenizer).encode(),
    }


def write_model(folder: Path, content: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)


@pytest.fixture
def twins(hub: Server) -> Server:
    """A Hub with two corpora at three seeds, two seeds of Pythia, and a MultiBERT."""
    for corpus in CORPORA:
        for n, seed in enumerate(SEEDS):
            content = files(DECIDE, weights(DECIDE, n, noise=100 * CORPORA.index(corpus) + n + 10))
            hub.commit(f"allenai/DataDecide-{corpus}-16M", content, f"step24432-seed-{seed}")
    for seed in (1, 2):
        name = f"EleutherAI/pythia-14m-seed{seed}"
        hub.commit(name, {".gitattributes": b""})
        hub.commit(name, files(NEOX, weights(NEOX, 20 + seed)), "step143000")
    for n in (1, 2, 3, 4):
        hub.commit(f"org/reference-{n}", files(DECIDE, weights(DECIDE, 40 + n)))
    hub.commit("google/multiberts-seed_0", {"config.json": b"{}", "pytorch_model.bin": PICKLE, "vocab.txt": b"a\n"})
    return hub


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "twins.toml").write_text(RECIPE, "utf-8")
    return tmp_path / "twins.toml"


def members(panel: Panel) -> dict[str, Member]:
    """Of no recipe, and of every recipe."""
    found = [*panel.record.members, *(one for twins in panel.record.twins for one in twins.models)]
    return {member.name: member for member in found}


# ---- the files


@pytest.mark.parametrize(
    ("file", "listed"),
    [
        (DATADECIDE["8M"], 59.9),
        (DATADECIDE["300M"], 371_491_840 * 4 / 1e6),
        (PYTHIA["14m"], 53.3),
        (PYTHIA["160m"], 375),
    ],
)
def test_shapes_weigh_what_the_hub_lists(file: HubFile, listed: float) -> None:
    """In MB to the digits listed; the 300M by its number of parameters."""
    assert file.bytes / 1e6 == pytest.approx(listed, abs=0.05 if listed < 100 else 0.5)


def test_every_size_of_the_recipe_has_its_shapes() -> None:
    """Else its cost would not be counted."""
    assert all(size in SHAPES[collection] for collection, size in counted())


def test_a_file_without_weights_reads_as_one_with(tmp_path: Path) -> None:
    """What is counted on empty files is what real ones cost: the choice of rows sees no value."""
    vocabulary = json.dumps(VOCABULARY)
    for n, file in enumerate((DECIDE, NEOX)):
        empty, full = file.write_empty(tmp_path / f"{n} empty"), tmp_path / f"{n} full"
        full.mkdir()
        (full / "config.json").write_text(json.dumps(file.config))
        (full / "model.safetensors").write_bytes(save(weights(file, 0)))
        for folder in (empty, full):
            (folder / "vocab.json").write_text(vocabulary)
        for effort in ("screen", "standard", "full"):
            counts = [fingerprint(folder, effort=effort).record.bytes_read for folder in (empty, full)]
            assert counts[0] == counts[1] > 0


@pytest.mark.usefixtures("twins")
def test_both_kinds_are_understood_whole() -> None:
    """No tensor is left over; the masks that files of Pythia hold are constants."""
    for address, gated, norm in (
        ("hf://allenai/DataDecide-c4-16M@step24432-seed-default", True, "rms"),
        ("hf://EleutherAI/pythia-14m-seed1@step143000", False, "layer"),
    ):
        checkpoint = open_checkpoint(address)
        shape = checkpoint.architecture
        assert (shape.gated, shape.norm, shape.positions, shape.heads, shape.kv_heads) == (
            gated,
            norm,
            "rotary",
            4,
            4,
        )
        assert (checkpoint.unrecognised, checkpoint.notes) == ((), set())


# ---- the panel


def test_a_panel_of_twins_is_built_from_branches(twins: Server, recipe: Path, tmp_path: Path) -> None:
    """Every seed is a model of its own; an old pickle is excluded; one start on two corpora is found related."""
    said: list[str] = []
    panel = build_panel(recipe, tmp_path / "panel", report=said.append)
    found = members(load_panel(tmp_path / "panel"))
    for corpus in CORPORA:
        for seed in SEEDS:
            member = found[f"datadecide-16M-{corpus}-{seed}"]
            address = f"hf://allenai/DataDecide-{corpus}-16M@step24432-seed-{seed}"
            assert (member.source, member.initial) == (address, f"datadecide-16M-{seed}")
            alone = fingerprint(address, effort="full")
            assert member.content_sha256 == alone.record.content_sha256
            assert (
                alone.record.revision == twins.branches[f"allenai/DataDecide-{corpus}-16M", f"step24432-seed-{seed}"]
            )
    assert len({member.content_sha256 for member in found.values()}) == len(found) == 12
    (excluded,) = panel.record.excluded
    assert "pytorch_model.bin" in excluded.reason
    assert said == [f"multiberts-seed_0: skipped: {excluded.reason}"]
    assert [asked.range for asked in twins.of("pytorch_model.bin")] == [(0, 21)]  # its beginning tells what it is
    assert len(panel.record.kinship) == len(SEEDS[:2])  # of the pairs of two recipes, those of one seed
    assert all(found[pair.a].initial == found[pair.b].initial != "" for pair in panel.record.kinship)


@pytest.mark.usefixtures("twins")
def test_one_start_on_two_corpora_is_related_and_counts_once(recipe: Path, tmp_path: Path) -> None:
    """An exact test finds it, so the families are the seeds'; a claim is ranked among one draw, not two."""
    panel = build_panel(recipe, tmp_path / "panel")
    for seed in SEEDS:
        pair = [f"datadecide-16M-{corpus}-{seed}" for corpus in CORPORA]
        assert related_pairs({name: panel.fingerprints[name] for name in pair}, [(pair[0], pair[1])])
        assert len({members(panel)[name].family for name in pair}) == 1
    for n in (1, 2):
        write_model(tmp_path / str(n), files(DECIDE, weights(DECIDE, 90 + n)))
    claim = [fingerprint(tmp_path / str(n)) for n in (1, 2)]
    evidence = evaluate(panel, *claim, alpha=0.4)
    assert {used.group for used in evidence.use.recipes} == {f"datadecide-16M-{CORPORA[0]}"}
    assert {rank.design: rank.size for rank in evidence.primary.ranks}[TWINS] == 2
    assert evidence.use.false_match is not None
    assert evidence.use.false_match.pairs == 1
    assert impossible(evidence.use) == Phrase.of("panel.few_groups", recipes=2, groups=1, alpha=0.4, needed=2)


@pytest.mark.usefixtures("twins")
def test_a_branch_that_is_not_there_is_one_excluded_member(recipe: Path, tmp_path: Path) -> None:
    """The rest is built."""
    text = RECIPE.replace('"small-aux-3"]', '"small-aux-3", "large-aux-2"]')
    recipe.write_text(text, "utf-8")
    panel = build_panel(recipe, tmp_path / "panel")
    reasons = {left.name: left.reason for left in panel.record.excluded}
    missing = {f"datadecide-16M-{corpus}-large-aux-2" for corpus in CORPORA}
    assert reasons.keys() == missing | {"multiberts-seed_0"}
    assert all("step24432-seed-large-aux-2 does not exist" in reasons[name] for name in missing)


@pytest.mark.usefixtures("twins")
def test_main_of_a_seed_may_be_empty() -> None:
    """As that of several seeds of Pythia was: the step is a branch of its own."""
    with pytest.raises(CheckpointError, match=r"safetensors|holds no"):
        open_checkpoint("EleutherAI/pythia-14m-seed1")
    assert open_checkpoint("EleutherAI/pythia-14m-seed1@step143000").architecture.layers == 2


def test_the_command_takes_the_name_of_a_recipe(
    twins: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify panel build hub-twins -o hub-twins`; once more, only the commits of branches are asked for."""
    shipped = tmp_path / "recipes"
    shipped.mkdir()
    (shipped / "hub-twins.toml").write_text(RECIPE, "utf-8")
    monkeypatch.setattr("verify.panel.recipe.SHIPPED", shipped)
    monkeypatch.chdir(tmp_path)
    sent = []
    assert twins.storage is not None
    for _ in range(2):
        twins.storage.reset()
        result = CliRunner().invoke(cli, ["panel", "build", "hub-twins", "-o", "hub-twins", "-q"])
        assert result.exit_code == 0, result.output
        sent.append(twins.storage.sent)
    assert sent[0] > sent[1] == 0
    assert members(load_panel("hub-twins")).keys() == {
        entry.member for entry in Recipe.find(Path("hub-twins"))[0].members if "multiberts" not in entry.member
    }
