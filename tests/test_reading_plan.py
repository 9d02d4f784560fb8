"""A dry run says what the run reads: the same bytes for every family and effort, the same requests to a server."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType

from benchmarks.efforts import LAYER
from benchmarks.shapes import SHAPES, write_empty
from tests import commands, parts, places
from tests.checkpoints import toy, write_checkpoint
from tests.commands import Run
from tests.converted import write_shipped
from tests.encoders import bits4, float8, gptq, llm_int8
from tests.families import PUBLISHED
from tests.models import config, weights, write
from tests.server import Server
from tests.test_lineage_remote import relatives
from tests.test_quantised_models import quantise
from verify import Location, fingerprint, test_lineage
from verify.data import model
from verify.fingerprint import EFFORTS, Effort
from verify.fingerprint.plan import plans_of_pair, reading_plan

own_cache, web, hub, run = places.own_cache, places.web, places.hub, commands.run
TABLES = Path(__file__).parents[1] / "benchmarks" / "tables"
COST, EFFORTS_MEASURED = (json.loads((TABLES / f"{name}.json").read_text("utf-8")) for name in ("cost", "efforts"))


@pytest.mark.parametrize("family", PUBLISHED)
def test_every_family_is_read_as_planned(tmp_path: Path, family: str) -> None:
    """To the byte, at each effort."""
    path = write_checkpoint(tmp_path, toy(family, seed=3), dtype="BF16")
    for effort in EFFORTS:
        assert reading_plan(Location(str(path)), effort).read == fingerprint(path, effort=effort).record.bytes_read


CONVENTIONS = {
    "gptq": gptq,
    "nf4": partial(bits4, nested=True),
    "llm.int8": llm_int8,
    "float8": partial(float8, scales="rows"),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_quantised_weights_are_read_as_planned(tmp_path: Path, name: str) -> None:
    """With the tables that decode them."""
    convention = {
        "gptq": gptq,
        "nf4": lambda w: bits4(w, nested=True),
        "llm.int8": llm_int8,
        "float8": lambda w: float8(w, "rows"),
    }[name]
    path = quantise("reference", tmp_path / "q", convention)
    for effort in EFFORTS:
        assert reading_plan(Location(str(path)), effort).read == fingerprint(path, effort=effort).record.bytes_read


def test_a_model_of_parts_is_read_as_planned(tmp_path: Path) -> None:
    """Those that are understood, and at full effort those that are not."""
    path = parts.write(tmp_path, parts.language(1), parts.tower(2), parts.unknown(3), config=parts.WRAPPED)
    for effort in EFFORTS:
        assert reading_plan(Location(str(path)), effort).read == fingerprint(path, effort=effort).record.bytes_read


def test_a_gguf_file_is_read_as_planned(tmp_path: Path) -> None:
    """Whose tensors are of several kinds."""
    path = write_shipped("reference", tmp_path / "m.gguf", GGMLQuantizationType.Q8_0)
    for effort in EFFORTS:
        assert reading_plan(Location(str(path)), effort).read == fingerprint(path, effort=effort).record.bytes_read


def test_a_plan_reads_no_weights(tmp_path: Path) -> None:
    """A file whose weights cannot be read, since they are not there, has a plan all the same."""
    path = write(tmp_path, weights(0, config()), config())
    file = path / "model.safetensors"
    size, start = file.stat().st_size, 8 + int.from_bytes(file.read_bytes()[:8], "little")
    before = [reading_plan(Location(str(path)), effort) for effort in EFFORTS]
    file.write_bytes(file.read_bytes()[:start] + bytes(size - start))
    file.chmod(0o644)
    assert [reading_plan(Location(str(path)), effort) for effort in EFFORTS] == before


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("effort", EFFORTS)
def test_requests_to_a_server_are_those_planned(
    web: Server, caplog: pytest.LogCaptureFixture, effort: Effort, kept: bool
) -> None:
    """As many, for as many bytes (at full effort about): after other runs, and where no range can be kept."""
    content = relatives()["parent"]
    web.files |= {f"/wide/{name}": data for name, data in content.items()}
    web.etags |= {} if kept else {f"/wide/{name}": "" for name in content}
    files, header = f"{web.url}/wide/", 8 + int.from_bytes(content["model.safetensors"][:8], "little")
    if kept:
        fingerprint(files, effort="screen")
    plan = reading_plan(Location(files), effort)
    caplog.clear()  # another test may have asked for all messages
    with caplog.at_level(logging.DEBUG, "verify.places"):
        made = fingerprint(files, effort=effort)
    fetched = [re.search(r"bytes (\d+)-(\d+)", record.getMessage()) for record in caplog.records]
    spans = [(int(found[1]), int(found[2]) + 1) for found in fetched if found and int(found[2]) >= header]
    assert plan.read == made.record.bytes_read
    assert (plan.requests == 0) == (effort == "screen" and kept)
    total = sum(stop - start for start, stop in spans)
    if effort != "full":
        assert (plan.requests, plan.fetched) == (len(spans), total)
    else:
        assert plan.requests == pytest.approx(len(spans), rel=0.25)
        assert plan.fetched == pytest.approx(total, rel=0.05 if kept else 0.25)


@pytest.mark.usefixtures("hub")
def test_the_fingerprint_of_a_commit_that_is_kept_is_not_read_again() -> None:
    """Nor asked for."""
    place = Location("org/name")
    assert reading_plan(place).requests
    fingerprint(place)
    plan = reading_plan(place)
    assert (plan.kept, plan.read, plan.effort) == ("cache", 0, "standard")


def test_a_model_that_borrows_a_tokenizer_is_read_twice(tmp_path: Path) -> None:
    """The plan says both, as the report states the second."""
    a, b = (write(tmp_path / name, weights(seed, config()), config()) for seed, name in ((1, "a"), (2, "b")))
    (a / "vocab.json").unlink()
    for effort in EFFORTS:
        plan, other = plans_of_pair(Location(str(a)), Location(str(b)), effort)
        report = test_lineage(a, b, effort=effort)
        assert (plan.read, other.read) == (report.a.bytes_read, report.b.bytes_read)
        assert plan.before == fingerprint(a, effort=effort).record.bytes_read
        assert other.before == 0


def test_estimates_are_within_a_factor_of_what_was_measured(tmp_path: Path) -> None:
    """Three for seconds, two for memory: for the shapes and depths of the table of costs, by files of holes; at full
    effort without panels, and with what they read for one layer."""
    for row in COST["rows"]:
        if row["how"] != "warm":
            continue
        path = tmp_path / f"{row['shape']}-{row['layers']}"
        if not path.exists():
            write_empty(SHAPES[row["shape"]].at(row["layers"]), path)
        plan = reading_plan(Location(str(path)), row["effort"], panels=False)
        assert 1 / 3 < (2 * plan.seconds + 0.5) / row["cpu"] < 3, row
        assert 1 / 2 < plan.memory / row["anonymous"] < 2, row
    layer = reading_plan(Location(str(write_empty(LAYER, tmp_path / "layer"))), "full")
    row = next(one for one in EFFORTS_MEASURED["sides"] if one["work"].endswith("for panels too"))
    assert layer.read == row["bytes"]
    assert 1 / 3 < layer.seconds / min(row["now"]) < 3
    assert 1 / 2 < layer.memory / row["anonymous"]["now"] < 2


def test_commands_print_plans(run: Run, tmp_path: Path) -> None:
    """Of each model and of all; as JSON; a model that cannot be read is left out of a screen; nothing is written."""
    a, b = model("reference"), model("stranger-1")
    said = run("lineage", a, b, "--dry-run", "-o", tmp_path / "out")
    assert (said.status, said.err) == (0, "")
    assert "reference, full effort: 870656 bytes of weights (99.5% of 874664 stored)" in said.out
    assert not (tmp_path / "out").exists()
    plans = json.loads(run("screen", a, b, "nope", "--dry-run", "--json").out)
    assert plans == json.loads(json.dumps([asdict(reading_plan(Location(str(m)), "screen")) for m in (a, b)]))
    run("fingerprint", a, "-o", tmp_path / "a.safetensors")
    assert "a fingerprint; no weights are read" in run("fingerprint", tmp_path / "a.safetensors", "--dry-run").out
    assert "Nothing was read" in run("fingerprint", a, "--dry-run").out
    assert [one["read"] for one in json.loads(run("inspect", a, "--json").out)["runs"]] == [144896, 562688, 870656]
