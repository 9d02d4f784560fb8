"""The command line says one sentence of anything that cannot be used, before the work."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests import commands
from tests.checkpoints import raw_safetensors
from tests.commands import Run, check_refused
from tests.models import child, config, weights, write
from verify import ClaimReport, SketchSpec, fingerprint
from verify.render import FORMATS

models, run = commands.models, commands.run


def hostile(name: str, root: Path) -> Path:
    """A model that cannot be used, by what is wrong with it."""
    good = write(root / name, weights(0, config()), config(), shards=2 if "index" in name or "shard" in name else 1)
    index = good / "model.safetensors.index.json"
    if name == "absent":
        return root / "nothing-here"
    if name == "missing shard":
        (good / "model-00001-of-00002.safetensors").unlink()
    if name == "truncated":
        content = (good / "model.safetensors").read_bytes()
        (good / "model.safetensors").write_bytes(content[:-100])
    if name == "empty file":
        (good / "model.safetensors").write_bytes(b"")
    if name == "config":
        (good / "config.json").write_text("{not json")
    if name == "config list":
        (good / "config.json").write_text("[1]")
    if name == "index json":
        index.write_text('{"weight_map": ')
    if name == "index list":
        index.write_text("[]")
    if name == "index outside":
        index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    if name == "pickle":
        (good / "model.safetensors").unlink()
        (good / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    if name == "pickle file":
        (good / "model.pt").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
        return good / "model.pt"
    if name == "long name":
        return root / ("x" * 4000)
    if name == "two lines":
        return root / "a\nTraceback (most recent call last)\x1b[31m"
    if name == "other layout":
        save_file({"strange.weight": np.ones((2, 2), np.float32)}, good / "model.safetensors")
    if name == "fingerprint":
        path = root / "damaged.safetensors"
        path.write_bytes(raw_safetensors({"__metadata__": {"verify.fingerprint": "{}"}}))
        return path
    if name in ("sketch", "sketch version"):
        return other_sketch(good, root / "other.safetensors", "version" in name)
    if name == "token list":
        (good / "vocab.json").write_text('{"a": -1}')
    return good


def other_sketch(folder: Path, path: Path, version: bool) -> Path:
    """A fingerprint under another specification, or of a version that does not exist yet."""
    model = fingerprint(folder, sketch=SketchSpec(units=8))
    model.save(path)
    if version:
        record = model.record.model_dump(mode="json")
        record["sketch"]["version"] = 4
        save_file(load_file(path), path, metadata={"verify.fingerprint": json.dumps(record)})
    return path


HOSTILE = {
    "absent": "does not exist",
    "missing shard": "is missing",
    "truncated": "truncated",
    "empty file": "is empty",
    "config": "config.json is not valid JSON",
    "config list": "config.json",
    "index json": "index.json is not valid JSON",
    "index list": "index.json",
    "index outside": "inside the folder",
    "pickle": "is a pickle",
    "pickle file": "is a pickle",
    "long name": "does not exist",
    "two lines": "does not exist",
    "other layout": "is not understood",
    "fingerprint": "make it again",
    "sketch": "different sketches",
    "sketch version": "sketch.version as 4",
    "token list": "vocab.json",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("first", [True, False])
def test_an_unusable_model_is_one_line(
    run: Run, models: dict[str, Path], tmp_path: Path, name: str, first: bool
) -> None:
    """Whether it is A or B, and nothing is left where the report would have gone."""
    bad = hostile(name, tmp_path)
    pair = (bad, models["parent"]) if first else (models["parent"], bad)
    new, old = tmp_path / "new" / "deep", tmp_path / "old"
    check_refused(run("lineage", *pair, "-o", new), HOSTILE[name], new, new.parent)
    old.mkdir()
    check_refused(run("lineage", *pair, "-o", old), HOSTILE[name])
    assert list(old.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if not name.startswith("sketch")])
def test_an_unusable_model_has_no_fingerprint(run: Run, tmp_path: Path, name: str) -> None:
    """Nor is a part of one left."""
    out = tmp_path / "new" / "fp.safetensors"
    check_refused(run("fingerprint", hostile(name, tmp_path), "-o", out), HOSTILE[name], out, out.parent)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fail-on", "guilty"], "'guilty'"),
        (["--fail-on", "dependent,Dependent"], "'Dependent'"),
        (["--alpha", "0"], "alpha"),
        (["--alpha", "1"], "alpha"),
        (["--alpha", "nan"], "alpha"),
        (["--alpha", "-inf"], "alpha"),
        (["--alpha", "small"], "small"),
        (["--searched", "1.5"], "1.5"),
        (["--created", "yesterday"], "created"),
        (["--chronology", "\udcff"], "chronology"),
        (["--panel-of-judges"], "--panel-of-judges"),
        (["--\x1b[31m\nx"], "No such option"),
        (["third"], "third"),
    ],
)
def test_an_unusable_option_is_one_line(
    run: Run, models: dict[str, Path], tmp_path: Path, options: list[str], says: str
) -> None:
    """And nothing is left."""
    out = tmp_path / "out"
    check_refused(run("lineage", models["child"], models["parent"], "-o", out, *options), says, out)


@pytest.mark.parametrize("arguments", [("lineage",), ("lineage", "a"), ("fingerprint", "a"), ("no-such-command",)])
def test_missing_arguments_are_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    """Named by what is missing."""
    check_refused(run(*arguments), "")


def unusable(name: str, root: Path) -> Path:
    """A folder that no report can be written to."""
    (root / "file").write_text("mine")
    (root / "dangling").symlink_to(root / "nowhere" / "else")
    (root / "taken" / "report.md").mkdir(parents=True)
    return {
        "a file": root / "file",
        "below a file": root / "file" / "deep" / "out",
        "no device": Path("/proc/no/such/place"),
        "dangling link": root / "dangling",
        "too long": root / ("x" * 300),
        "report is a folder": root / "taken",
    }[name]


@pytest.mark.parametrize(
    "name", ["a file", "below a file", "no device", "dangling link", "too long", "report is a folder"]
)
def test_an_unusable_output_is_noticed_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No model is opened, and nothing is made or changed."""

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("verify.lineage.test_lineage", unwanted)
    out = unusable(name, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    check_refused(run("lineage", "a", "b", "-o", out), "cannot be written")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_fingerprint_that_cannot_be_written_is_noticed_before_the_work(run: Run, tmp_path: Path) -> None:
    """Said of the output, though the model does not exist either."""
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path, tmp_path / "file" / "x.safetensors", Path("/proc/no/x.safetensors")):
        check_refused(run("fingerprint", "absent", "-o", out), "cannot be written")


def test_a_folder_that_may_not_be_written_is_refused(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions are tried, not read: root, network disks and quotas have their own."""

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("verify.cli.output.TemporaryFile", denied)
    check_refused(
        run("lineage", models["child"], models["parent"], "-o", tmp_path / "o"), "Permission denied", tmp_path / "o"
    )


def test_a_page_that_cannot_be_made_leaves_no_record(
    run: Run, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both files are made before either is written."""

    def broken(_: ClaimReport) -> bytes:
        raise OSError(5, "Input/output error", "template")

    monkeypatch.setitem(FORMATS, "md", replace(FORMATS["md"], make=broken))
    out = tmp_path / "out"
    check_refused(run("lineage", models["child"], models["parent"], "-o", out), "template", out)


def test_weights_that_are_not_finite_are_no_error(run: Run, tmp_path: Path, models: dict[str, Path]) -> None:
    """They are counted, and standard error stays silent."""
    w = child(weights(0, config()), 3)
    for number, name in (
        (float("nan"), "mlp.up_proj"),
        (float("inf"), "self_attn.v_proj"),
        (float("inf"), "mlp.down_proj"),
    ):
        w[f"model.layers.0.{name}.weight"][3] = number
    w["model.embed_tokens.weight"][60] = float("inf")
    result = run("lineage", write(tmp_path, w, config()), models["parent"], "--json")
    assert (result.status, result.err) == (0, "")
    report = ClaimReport.from_json(result.out)
    assert report.verdict == "dependent"
    assert report.a.non_finite == 3 * 24 + 40


@pytest.mark.slow
def test_the_installed_command(models: dict[str, Path], tmp_path: Path) -> None:
    """As others run it: in its own process, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "verify", "lineage"]
    pairs = {"child": (3, ""), "absent": (2, "'absent' does not exist")}
    for a, (status, says) in pairs.items():
        arguments = [str(models.get(a, a)), str(models["parent"]), "-o", str(tmp_path / a), "--fail-on", "dependent"]
        result = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (result.returncode, result.stderr.count("\n")) == (status, int(status == 2))
        assert says in result.stderr
        assert (tmp_path / a).exists() == (status == 3)
