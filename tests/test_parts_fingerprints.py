"""Parts in fingerprints, replay and screens; files of more parts than anybody publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.checkpoints import raw_safetensors
from tests.parts import CONFIG, VISION, WRAPPED, by_names, language, tower, unknown, write
from verify import ClaimReport, ReportError, replay, screen, test_lineage
from verify.base import CheckpointError, FingerprintError, InputError
from verify.checkpoint import MOST_GROUPS, MOST_PARTS, Location, open_checkpoint
from verify.fingerprint import Fingerprint, PartRecord, fingerprint, with_file_digests
from verify.replay.recompute import recompute

# ---- fingerprints and replay


@pytest.mark.slow
def test_parts_stand_in_the_fingerprint_file(tmp_path: Path) -> None:
    """Saved and read back, at every effort, and the same with workers."""
    path = write(tmp_path / "m", language(0), tower(0), unknown(0, "other_net."), config=WRAPPED)
    made = fingerprint(path)
    assert [part.record.part for part in made.parts] == ["vision_tower.vision_model"]
    made.save(tmp_path / "f.safetensors")
    for other in (Fingerprint.load(tmp_path / "f.safetensors"), fingerprint(path, workers=2)):
        assert other.to_bytes() == made.to_bytes()
    for effort in ("standard", "screen"):
        lesser = fingerprint(path, effort=effort)
        assert all(part.sha256 is None for part in lesser.record.parts)
        assert all(tensor.sha256 is None for tensor in lesser.record.rest)
        for one, other in zip((lesser, *lesser.parts), (made.at(effort), *made.at(effort).parts), strict=True):
            assert one.arrays.keys() == other.arrays.keys()
            for name, array in one.arrays.items():
                np.testing.assert_array_equal(array, other.arrays[name])
    report = test_lineage(tmp_path / "f.safetensors", path, effort="standard")
    assert replay(report).agrees


def test_a_part_alone_can_be_read(tmp_path: Path) -> None:
    """By its name; another name is an error that lists those there are."""
    path = write(tmp_path, language(0), tower(0), config=WRAPPED)
    part = fingerprint(Location(str(path), part="vision_tower.vision_model"))
    assert part.record.architecture.family == "clip_vision"
    whole_file = fingerprint(path)
    for name, array in whole_file.parts[0].arrays.items():
        np.testing.assert_array_equal(part.arrays[name], array)
    with pytest.raises(CheckpointError, match=r"no part 'nose'.*'language_model.model'"):
        open_checkpoint(Location(str(path), part="nose"))


TOWER = "vision_tower.vision_model"


@pytest.mark.parametrize("effort", ["full", "standard", "screen"])
@pytest.mark.parametrize("name", [TOWER, "language_model.model"])
def test_a_fingerprint_of_a_part_alone_is_used_like_any_other(tmp_path: Path, name: str, effort: Any) -> None:
    """Written, read back, compared, replayed with the record, with itself and with the weights, and screened."""
    path = write(tmp_path / "m", language(0), tower(0), unknown(0, "other_net."), config=WRAPPED)
    other = write(tmp_path / "n", language(1), tower(1), unknown(1, "other_net."), config=WRAPPED)
    where, file = Location(str(path), part=name), tmp_path / "f.safetensors"
    made = fingerprint(where, effort=effort)
    made.save(file)
    assert Fingerprint.load(file).to_bytes() == made.to_bytes()
    assert [part.name for part in made.record.parts if part.family] == [name] == [made.record.parts[0].name]
    assert {part.name for part in made.record.parts} == {TOWER, "language_model.model", "other_net"}
    report = test_lineage(file, other, effort=effort)
    assert (report.verdict, report.a.part, report.b.part) == ("no_evidence", name, name)
    (part,) = [part for part in report.parts if part.results or part is report.parts[0]]
    assert (part.a, part.b) == (name, name)
    assert replay(report).agrees
    assert replay(report, a=file, b=other).agrees
    assert replay(report, a=where, b=other).agrees
    with pytest.raises(InputError, match="--part-a"):
        replay(report, a=path, b=other)
    cousin = write(tmp_path / "cousin", language(0), tower(0), unknown(2, "other_net."), config=WRAPPED)
    found = screen([file, other, cousin], effort=effort).pairs  # of the others, the language model is compared
    assert [pair.verdict for pair in found] == ([] if name == TOWER else ["dependent"])
    (found,) = screen([file, Location(str(other), part=name), Location(str(cousin), part=name)], effort=effort).pairs
    assert (found.verdict, {found.a, found.b}) == ("dependent", {"m", "cousin"})
    with pytest.raises(InputError, match="a part is given"):
        fingerprint(Location(str(file), part=name))


def test_an_equal_part_alone_does_not_make_two_models_the_same(tmp_path: Path) -> None:
    """A tower that both makers took over, read alone of both, is the same in part; nor is it a model of its own."""
    paths = [write(tmp_path / n, language(s), tower(9), config=WRAPPED) for n, s in (("x", 0), ("y", 1))]
    alone = [fingerprint(Location(str(path), part=TOWER)) for path in paths]
    for pair in (alone, [alone[0], paths[1]], [paths[0], alone[1]]):
        report = test_lineage(*pair)
        assert (report.verdict == "identical", by_names(report)[TOWER, TOWER]) == (False, "identical")
        assert replay(report).agrees
    own = write(tmp_path / "z", tower(9, "vision_model."), config=VISION)
    for pair in ([alone[0], own], [own, alone[0]]):
        report = test_lineage(*pair)
        assert (report.verdict == "identical", replay(report).agrees) == (False, True)


@pytest.mark.parametrize("effort", ["full", "standard"])
def test_two_parts_of_one_file_are_not_the_same(tmp_path: Path, effort: Any) -> None:
    """Equal digests of files say that the files are the same, not that each part of them is equal to each."""
    names = ("vision_tower.vision_model", "second_tower.vision_model")
    path = write(tmp_path / "m", language(0), *(tower(n, f"{name}.") for n, name in enumerate(names)), config=WRAPPED)
    one, other = (fingerprint(Location(str(path), part=name), effort=effort) for name in names)
    assert one.record.architecture == other.record.architecture
    told = [with_file_digests(part, Location(str(path))) for part in (one, other)]
    for x, y in ((one, other), told):
        assert test_lineage(x, y, effort=effort).verdict == "no_evidence"
    assert test_lineage(one, one, effort=effort).verdict == ("identical" if effort == "full" else "dependent")


def test_weights_equal_under_other_prefixes_are_the_same(tmp_path: Path) -> None:
    """The digest of a part does not depend on what its names begin with."""
    x = write(tmp_path / "x", language(0), tower(9), unknown(9, "a_unet."), config=WRAPPED)
    y = write(tmp_path / "y", language(1), tower(9, "visual.vision_model."), unknown(9, "unet."), config=WRAPPED)
    report = test_lineage(x, y)
    assert by_names(report)["vision_tower.vision_model", "visual.vision_model"] == "identical"
    assert by_names(report)["a_unet", "unet"] == "identical"


STRANGE = {"name": "x", "part": "x", "dtype": "F32", "telling": True}
FIRST = "part.0.units.0.mlp.up"
NINE = np.full((1, 24, 32), 9, np.float16)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("main", lambda main: main.pop("further")),
        ("main", lambda main: main.update(further=3)),
        ("main", lambda main: main.update(further=[[[]]])),
        ("arrays", lambda arrays: arrays.pop(FIRST)),
        ("arrays", lambda arrays: arrays.update({"part.1.units.0.mlp.up": arrays[FIRST]})),
        ("arrays", lambda arrays: arrays.update({FIRST: NINE})),
        ("further", lambda parts: parts[0].update(name="another")),
        ("further", lambda parts: parts[0].update(part="language_model.model")),
        ("further", lambda parts: parts.append(parts[0])),
        ("main", lambda main: main["parts"].append(main["parts"][0])),
        ("main", lambda main: main["parts"][0].update(numbers=-1)),
        ("main", lambda main: main["parts"][0].update(family="gpt2")),
        ("main", lambda main: main.update(part="nose")),
        ("main", lambda main: main["parts"].reverse()),
        ("main", lambda main: main["parts"][1].update(family="gpt2")),
        ("main", lambda main: main["parts"][1].update(kind="copy of B, as its maker admits")),
        ("main", lambda main: main["parts"][1].update(numbers=(1 << 53) - 1)),
        ("main", lambda main: main.update(rest=[STRANGE | {"shape": [1 << 52] * 100}])),
        ("main", lambda main: main["parts"].extend(_many_parts(200))),
    ],
)
def test_a_fingerprint_whose_parts_do_not_agree_is_refused(tmp_path: Path, what: str, change: Any) -> None:
    """Records, arrays and inventory describe one another."""
    fingerprint(write(tmp_path / "m", language(0), tower(0), config=WRAPPED)).save(tmp_path / "f.safetensors")
    content = (tmp_path / "f.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])["__metadata__"]
    arrays = load_file(tmp_path / "f.safetensors")
    record = json.loads(head["verify.fingerprint"])
    change({"main": record, "further": record["further"], "arrays": arrays}[what])
    head["verify.fingerprint"] = json.dumps(record)
    save_file(arrays, tmp_path / "g.safetensors", metadata=head)
    with pytest.raises(FingerprintError, match=r"g\.safetensors"):
        Fingerprint.load(tmp_path / "g.safetensors")


def _many_parts(number: int) -> list[dict[str, Any]]:
    return [PartRecord(name=f"p{n}", kind="other", numbers=1, tensors=1).model_dump() for n in range(number)]


def noticed(report: ClaimReport) -> bool:
    """Whether a report is refused, or does not follow from its record."""
    try:
        return not replay(report).agrees
    except ReportError:
        return True


def test_a_report_whose_parts_do_not_follow_is_noticed(tmp_path: Path) -> None:
    """Counts, p-values, verdicts, pairs and subjects of further parts are made again from the record."""
    paths = [write(tmp_path / n, language(s), tower(s), config=WRAPPED) for n, s in (("x", 0), ("y", 1))]
    report = test_lineage(*paths)
    first, second = report.parts
    unit = second.tests["unit_identity"]
    few = unit.model_copy(update={"counts": tuple(c.model_copy(update={"count": c.n}) for c in unit.counts)})
    named = report.a.parts[0].model_copy(update={"kind": "copy of B"})
    forged: list[dict[str, Any]] = [
        {"parts": (first, second.model_copy(update={"verdict": "dependent"}))},
        {"parts": (first, second.model_copy(update={"log10_p": -9.0}))},
        {
            "parts": (
                first,
                second.model_copy(update={"results": tuple(few if one is unit else one for one in second.results)}),
            )
        },
        {"parts": (first, second.model_copy(update={"subject_a": None}))},
        {"parts": (first,)},
        {"parts": ()},
        {"a": report.a.model_copy(update={"part": "vision_tower.vision_model"})},
        {"a": report.a.model_copy(update={"parts": ()})},
        {"a": report.a.model_copy(update={"parts": (named, *report.a.parts[1:])})},
        {"a": report.a.model_copy(update={"parts": report.a.parts[::-1] * 2})},
        {"a": report.a.model_copy(update={"parts": (report.a.parts[1], report.a.parts[1])})},
        {"evidence": tuple(line.model_copy(update={"log10_p": -9.0}) for line in report.evidence)},
    ]
    for change in forged:
        assert noticed(report.model_copy(update=change).sealed()), change
    shrunk = report.a.parts[0].model_copy(update={"numbers": 1})
    made, _ = recompute(
        report.model_copy(update={"a": report.a.model_copy(update={"parts": (shrunk, *report.a.parts[1:])})})
    )
    assert made.finding != report.finding


def test_a_screen_says_that_it_compares_main_parts(tmp_path: Path) -> None:
    """And which models have others."""
    x = write(tmp_path / "x", language(0), tower(9), config=WRAPPED)
    y = write(tmp_path / "y", language(1, ""), config=CONFIG)
    (line,) = [s for s in screen([x, y]).record.statements if "several parts" in s]
    assert line.endswith(": x.")


# ---- hostile files


def header(shapes: dict[str, tuple[int, ...]]) -> bytes:
    at, entries = 0, {}
    for name, shape in shapes.items():
        size = 4 * int(np.prod(shape))
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return raw_safetensors(entries, bytes(at))


def test_more_models_in_one_file_than_anybody_publishes(tmp_path: Path) -> None:
    """One sentence, before anything is read or compared."""
    shapes = {f"m{n}.{name}": (1,) * x.ndim for n in range(300) for name, x in language(0, "").items()}
    (tmp_path / "model.safetensors").write_bytes(header(shapes))
    with pytest.raises(CheckpointError, match=f"more than {MOST_PARTS}"):
        open_checkpoint(tmp_path)


def test_thousands_of_parts_that_nothing_understands(tmp_path: Path) -> None:
    """The largest are named, the others counted together, and no number is lost."""
    shapes = {name: x.shape for name, x in language(0, "").items()}
    shapes |= {f"thing{n}.block.0.weight": (1 + n % 7,) for n in range(3000)}
    shapes |= {".".join(["vision"] * n) + ".0.weight": (3,) for n in range(1, 60)}
    (tmp_path / "model.safetensors").write_bytes(header(shapes))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    checkpoint = open_checkpoint(tmp_path)
    assert len(checkpoint.parts) == 1 + MOST_GROUPS + 1
    assert sum(part.numbers for part in checkpoint.parts) == sum(int(np.prod(shape)) for shape in shapes.values())
    assert sum(part.tensors for part in checkpoint.parts) == len(shapes)
