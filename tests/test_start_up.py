"""What a comparison of two small models loads: the cost of a process that compares one pair is mostly that."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from verify.base import canonical
from verify.base.arrays import distinct, median
from verify.base.lazy import lazily
from verify.base.versions import version_of
from verify.checkpoint.formats.safetensors_file import _widened
from verify.checkpoint.layouts import families
from verify.checkpoint.layouts.families import FAMILIES, Family
from verify.checkpoint.layouts.families.index import INDEX
from verify.checkpoint.layouts.mixtures import with_stacked_experts
from verify.data import model

MODULES = {"verify": 196, "numpy": 90, "all": 525}
"""Most modules that the shipped pair may load, some five in a hundred above what it does load."""
ELSEWHERE = {
    "ml_dtypes", "scipy", "scipy.optimize", "matplotlib", "jinja2", "rich", "pandas", "huggingface_hub", "fsspec",
    "http.client", "ssl", "urllib.request", "multiprocessing", "tomllib", "pickletools", "numpy.ma", "sqlite3",
    "asyncio", "html", "difflib", "verify.checkpoint.formats.conventions.gptq", "verify.checkpoint.formats.gguf_file",
    "verify.checkpoint.formats.pickle_machine", "verify.checkpoint.adapters.kinds", "verify.checkpoint.layouts.infer",
    "verify.checkpoint.layouts.families.gpt2", "verify.checkpoint.places.web", "verify.panel.evidence",
    "verify.panel.record", "verify.statistics.similarity", "verify.statistics.response_match",
    "verify.statistics.panel_statistics", "verify.wording.v1.catalogue", "verify.base.pool", "verify.replay",
    "verify.screen", "verify.calibrate", "verify.render.html",
}  # fmt: skip
"""What other commands, formats and families need."""


def compared(name: str, before: str, after: str) -> list[str]:
    """What a process prints after its report that compares a model that ships with the reference."""
    arguments = ["lineage", str(model(name)), str(model("reference")), "--panel", "none", "--quiet", "--json"]
    code = f"""
import sys
{before}
from verify.__main__ import main
sys.argv = ["verify", *{arguments!r}]
main()
{after}
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    report, *lines = run.stdout.splitlines()
    assert json.loads(report)["verdict"] in ("dependent", "no_evidence")
    return lines


@pytest.fixture(scope="module", params=["fine-tuned", "stranger-1"])
def loaded(request: pytest.FixtureRequest) -> set[str]:
    """Names of the modules of a process that compared a model that ships with the reference."""
    return set(compared(request.param, "before = {*sys.modules}", "print(*{*sys.modules} - before, sep='\\n')"))


@pytest.mark.parametrize("package", MODULES)
def test_a_pair_loads_few_modules(loaded: set[str], package: str) -> None:
    """A count does not depend on the machine; a module more is loaded by a name that is asked for too early."""
    found = [name for name in loaded if package in ("all", name.partition(".")[0])]
    assert len(found) <= MODULES[package]
    assert len(found) > MODULES[package] * 0.85, "lower the number: what was won should not be lost unseen"


def test_a_pair_loads_nothing_of_other_commands_and_formats(loaded: set[str]) -> None:
    assert loaded & ELSEWHERE == set()
    ours = [name for name in ELSEWHERE if name.startswith("verify.")]
    assert all(importlib.util.find_spec(name) for name in ours), "each name is that of a module"


def test_a_pair_is_compared_without_a_search_for_cycles() -> None:
    """Neither while modules are loaded, whose objects stay, nor when the process ends and gives back all memory."""
    searches = "[one['collections'] for one in gc.get_stats()]"
    before = f"""
import atexit, gc, verify.__main__
atexit.register(lambda: print(gc.get_freeze_count()))
was = {searches}
"""
    same, frozen = compared("fine-tuned", before, f"print(was == {searches})")
    assert same == "True"
    assert int(frozen) > 10_000


def test_the_index_says_what_the_tables_of_families_say() -> None:
    """A line too many, too few, or with another name or type is seen; the order is that of the index."""
    inside = [module.name for module in pkgutil.iter_modules(families.__path__) if module.name != "index"]
    assert {place.partition(".")[0] for place in INDEX} <= set(inside)
    tables = {
        f"{module}.{name}": table
        for module in inside
        for name, table in vars(importlib.import_module(f"{families.__name__}.{module}")).items()
        if isinstance(table, Family) and not name.startswith("_")
    }
    assert all(INDEX[place] == (tables[place].name, tables[place].model_types) for place in INDEX)
    held = {id(tables[place]) for place in INDEX}
    assert [place for place, table in tables.items() if id(table) not in held] == [], "add a line for each"
    assert list(FAMILIES) == [with_stacked_experts(tables[place]) for place in INDEX]
    assert len({name for name, _ in INDEX.values()}) == len(INDEX) == len(FAMILIES)


def test_tables_are_found_by_type_and_name() -> None:
    assert [table.name for table in FAMILIES.of_types(["falcon", None, 3, ["llama"]])] == [
        table.name for table in FAMILIES if "falcon" in table.model_types
    ]
    assert FAMILIES.of_types([None, "no such type"]) == []
    assert FAMILIES.of_name("gpt2") is FAMILIES[list(INDEX).index("gpt2.GPT2")]
    assert FAMILIES.of_name("gpt2.GPT2") is None
    assert FAMILIES.know("mistral")
    assert not FAMILIES.know("")
    assert [table.name for table in FAMILIES[:2]] == ["llama", "qwen2_moe"]


def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, init: str) -> ModuleType:
    """A package with two modules of its own."""
    folder = tmp_path / "lazy_pack"
    folder.mkdir()
    (folder / "__init__.py").write_text(init)
    (folder / "first.py").write_text("ONE = 1\nTWO = 2\n")
    (folder / "second.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("lazy_pack", "lazy_pack.first"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("lazy_pack")


def test_names_are_imported_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Under the name that they are given; other imports, and those of other modules, are as ever."""
    init = (
        "from verify.base.lazy import lazily\nwith lazily(__name__):\n    import json.tool\n    from os import sep\n"
        "    from .first import ONE, TWO as BOTH\n    from .second import NEVER\n"
    )
    made = package(monkeypatch, tmp_path, init)
    assert "lazy_pack.first" not in sys.modules
    assert (made.json.tool.__name__, made.sep) == ("json.tool", __import__("os").sep)
    assert {"ONE", "BOTH", "NEVER", "sep"} <= set(dir(made))
    assert (made.ONE, made.BOTH, made.first.TWO) == (1, 2, 2)
    assert vars(made)["ONE"] == 1
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        made.NEVER  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        made.second  # noqa: B018
    with pytest.raises(AttributeError, match="module 'lazy_pack' has no attribute 'third'"):
        made.third  # noqa: B018
    assert not hasattr(made, "TWO")
    assert lazily.__module__ == "verify.base.lazy"


NUMBERS = arrays(np.float64, array_shapes(min_dims=1, max_dims=2, max_side=9), elements=st.floats(width=32))


@given(NUMBERS)
def test_medians_are_those_of_numpy(values: np.ndarray) -> None:
    """To the bit, with infinities, NaN and zeros of both signs."""
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(median(values), float(np.median(values)))


@given(NUMBERS)
def test_distinct_values_are_those_of_numpy(values: np.ndarray) -> None:
    np.testing.assert_array_equal(distinct(values), np.unique(values, equal_nan=False))
    whole = np.sign(np.nan_to_num(values)).astype(np.int64)
    np.testing.assert_array_equal(distinct(whole), np.unique(whole))


SCALARS = (
    st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
    | st.integers(-9, 9).map(float) | st.floats(-1, 1)
    | st.sampled_from([1e16, 1e15, 1e-4, 9e-5, -0.0, 2.0**53, 2.0**53 - 1, 1e21])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner)
)


@given(VALUES)
def test_canonical_json_is_that_of_rfc_8785(value: object) -> None:
    """Whichever of the two ways writes it."""
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            canonical(value)
    else:
        assert canonical(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {1: 2}, {"a": {3}}, "\ud800", {"\ud800": 1}])
def test_what_readers_of_json_differ_on_is_refused(value: object) -> None:
    for content in (value, [value]):
        with pytest.raises(ValueError):  # noqa: PT011
            canonical(content)


def test_versions_are_those_of_the_metadata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of every distribution that reports name; where folders leave a doubt, the metadata are read."""
    from importlib.metadata import PackageNotFoundError, version

    for name in ("verify-lineage", "numpy", "scipy", "pydantic", "safetensors"):
        assert version_of(name) == version(name)
    for one in ("1.0", "2.0"):
        folder = tmp_path / f"twice_there-{one}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: twice-there\nVersion: {one}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert version_of("twice-there") == version("twice-there")
    with pytest.raises(PackageNotFoundError):
        version_of("no-such-distribution")


CODES = arrays(np.uint16, array_shapes(min_dims=0, max_dims=2, max_side=9))


@given(CODES)
def test_bfloat16_is_widened_to_the_bit(codes: np.ndarray) -> None:
    """As the package of the type does it, NaN with their payloads included."""
    import ml_dtypes

    expected = codes.view(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(_widened(codes)).view(np.uint32), expected.view(np.uint32))
