"""What ``import verify`` offers, and how little it loads."""

from __future__ import annotations

import inspect
import json
import pickle
import pkgutil
import pydoc
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints
from unittest.mock import patch

import pytest

import verify
from verify.base.callable_module import CallableModule
from verify.base.display import Displayed, Tabular
from verify.data import model
from verify.statistics import Results

ROOT = Path(__file__).parents[1]
HEAVY = (
    "scipy",
    "statsmodels",
    "matplotlib",
    "jinja2",
    "rich",
    "pandas",
    "click",
    "torch",
    "dask",
    "fsspec",
    "IPython",
)


MODULES = [name for _, name, _ in pkgutil.walk_packages(verify.__path__, "verify.") if not name.endswith("__main__")]
CALLED = ("calibrate", "fingerprint", "replay", "screen")


def test_all_is_sorted_and_complete() -> None:
    """Each public name can be had, is loaded when it is asked for, and what is no public name cannot."""
    assert verify.__all__ == sorted(verify.__all__) == dir(verify)
    for name in verify.__all__:
        assert type(getattr(verify, name)) is not ModuleType
    public = {
        name
        for name, value in vars(verify).items()
        if not name.startswith("_") and name != "lazily" and type(value) is not ModuleType
    }
    assert public == set(verify.__all__)
    with pytest.raises(AttributeError, match="module 'verify' has no attribute 'lineages'"):
        verify.lineages  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_where_its_name_says(name: str) -> None:
    """No function hides a module: what is imported by a name is what the name leads to."""
    module, (package, _, last) = import_module(name), name.rpartition(".")
    assert getattr(import_module(package), last) is module is pkgutil.resolve_name(name)


@pytest.mark.parametrize("name", CALLED)
def test_a_package_that_can_be_called_is_like_its_function(name: str) -> None:
    """In signature, types, help and pickle; and its modules can be imported and patched."""
    package = getattr(verify, name)
    function = vars(import_module(f"verify.{name}"))[name]
    assert isinstance(package, CallableModule)
    assert callable(package)
    assert package.__wrapped__ is function
    assert inspect.signature(package) == inspect.signature(function)
    assert get_type_hints(package) == get_type_hints(function) != {}
    assert function.__doc__ in package.__doc__
    assert "Returns" in pydoc.render_doc(package)
    assert repr(package) == f"<package and function 'verify.{name}'>"
    cloudpickle = pytest.importorskip("cloudpickle")
    for made in (pickle.dumps(package), cloudpickle.dumps(package)):
        assert pickle.loads(made) is package


def test_modules_of_a_package_that_can_be_called_can_be_patched() -> None:
    """By their dotted names, as `mock.patch` finds them."""
    import verify.screen.result as result

    with patch("verify.screen.result.chosen_form") as patched:
        assert result.chosen_form is patched


def test_a_package_can_be_called_in_another_process() -> None:
    """As any function can be."""
    path = str(model("reference"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        made = pool.submit(verify.fingerprint, path).result()
    assert made.record == verify.fingerprint(path).record


def test_a_test_runs_in_another_process_and_its_report_comes_back() -> None:
    """Equal to the one made here, to the byte; and the function is what its pickle gives."""
    a, b = str(model("fine-tuned")), str(model("reference"))
    run = partial(verify.test_lineage, effort="screen", created="2026-01-31T12:00:00+00:00")
    assert pickle.loads(pickle.dumps(verify.test_lineage)) is verify.test_lineage
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        made = pool.submit(run, a, b).result()
    here = run(a, b)
    assert (made, hash(made), made.digest) == (here, hash(here), here.digest)
    assert made.to_json() == here.to_json()


def test_a_package_can_be_called_by_a_dask_worker(tmp_path: Path) -> None:
    """Whose pickles are made by cloudpickle."""
    distributed = pytest.importorskip("distributed")
    path = str(model("reference"))
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client:
        assert client.submit(verify.fingerprint, path).result().record == verify.fingerprint(path).record


def _classes(hint: Any) -> Iterator[type]:
    """The classes of ours in a type."""
    if isinstance(hint, type) and hint.__module__.startswith("verify."):
        yield hint
    for part in get_args(hint):
        yield from _classes(part)


def _functions(name: str) -> Iterator[Callable[..., Any]]:
    """What a user calls by a public name: the function, or the methods of the class."""
    value = getattr(verify, name)
    if inspect.isfunction(value) or isinstance(value, CallableModule):
        yield value
    elif inspect.isclass(value):
        members = [member for key, member in vars(value).items() if not key.startswith("_")]
        members = [getattr(member, "fget", None) or getattr(member, "__func__", member) for member in members]
        yield from (one for one in members if inspect.isfunction(one) and one.__module__.startswith("verify"))


def _exported(kind: type) -> bool:
    """From the top, or from the room that it is of."""
    room = import_module(".".join(kind.__module__.split(".")[:2]))
    return kind.__name__ in verify.__all__ or kind.__name__ in room.__all__


@pytest.mark.parametrize("name", verify.__all__)
def test_types_of_public_signatures_can_be_named(name: str) -> None:
    """Whatever a user must name to annotate what is given or returned is exported, and annotations resolve."""
    for function in _functions(name):
        for kind in (kind for hint in get_type_hints(function).values() for kind in _classes(hint)):
            assert _exported(kind), (function, kind)


def test_types_of_record_fields_can_be_named() -> None:
    """All that is reached from a public class through its fields."""
    todo, seen = [kind for name in verify.__all__ for kind in _classes(getattr(verify, name))], set[type]()
    while todo:
        if (kind := todo.pop()) not in seen:
            seen.add(kind)
            assert _exported(kind), kind
            todo += [found for hint in get_type_hints(kind).values() for found in _classes(hint)]
    assert len(seen) > 40


@pytest.mark.parametrize("name", verify.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    """A docstring that is its own."""
    value = getattr(verify, name)
    if not get_args(value):  # Python keeps no docstring of an alias
        assert value.__doc__
        assert len(value.__doc__) > 20


def test_errors_are_one_tree() -> None:
    """Whoever wants to catch everything raised on purpose catches one class."""
    errors = [getattr(verify, name) for name in verify.__all__ if name.endswith("Error")]
    assert len(errors) == 14
    assert all(issubclass(error, verify.VerifyError) for error in errors)
    for error in (verify.CheckpointError, verify.FingerprintError, verify.ReportError):
        assert issubclass(error, verify.InputError)


def test_import_is_light() -> None:
    """Each name loads what it needs, and heavy packages are loaded where they are used."""
    before, after = loaded("import verify"), loaded("from verify import *")
    assert not {"numpy", "pydantic", "verify.lineage"} & set(before)
    assert "verify.lineage" in after
    assert "verify.inference" in loaded("import verify; verify.inference")
    assert [name for name in after if name.split(".")[0] in HEAVY] == []


def loaded(code: str) -> list[str]:
    """Names of the modules that are loaded after a line."""
    code = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(result.stdout)
    return names


def test_the_version_is_that_of_the_distribution() -> None:
    """One place says it."""
    from importlib.metadata import version

    assert version("verify-lineage") == verify.__version__


def test_the_extras_are_listed_and_no_other_is_named() -> None:
    """docs/install.md has a line for each, in order, and messages name only those that there are."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    extras = [name for name in declared if name not in ("test", "dev")]
    assert extras == sorted(extras)
    listed = (ROOT / "docs" / "install.md").read_text("utf-8").partition("## Extras")[2]
    assert re.findall(r"(?m)^\| `(\w+)` \|", listed) == extras
    texts = [path.read_text("utf-8") for path in (*ROOT.glob("verify/**/*.py"), *ROOT.glob("docs/*.md"))]
    named = {name for text in texts for name in re.findall(r"verify-lineage\[(\w+)\]", text)}
    assert named <= set(extras)
    assert len(named) > 5


RESULTS = [
    verify.CalibrationReport, verify.Checkpoint, verify.ClaimReport, verify.EstimateResult, verify.EvidenceLine,
    verify.ExactResult, verify.Fingerprint, verify.Panel, verify.PanelResult, verify.Replay, verify.ScoreResult,
    verify.ScreenResult, verify.Subject,
]  # fmt: skip


@pytest.mark.parametrize("kind", RESULTS)
def test_every_result_shows_itself_in_one_way(kind: type) -> None:
    """A summary that ``print`` shows, and the same for a notebook: no class has a way of its own."""
    assert issubclass(kind, Displayed)
    for name in ("summary", "__str__", "_repr_html_"):
        assert getattr(kind, name) is getattr(Displayed, name), (kind, name)


@pytest.mark.parametrize("kind", [kind for kind in RESULTS if kind not in (verify.Checkpoint, verify.Subject)])
def test_every_result_with_rows_gives_them(kind: type) -> None:
    """As dicts and as a frame."""
    assert issubclass(kind, Tabular)
    assert get_type_hints(kind.to_dicts)["return"] == list[dict[str, Any]]


def test_results_of_a_report_can_be_completed_by_name() -> None:
    """What ``tests`` returns is typed, and IPython may ask it for its keys."""
    kind = get_type_hints(verify.ClaimReport.tests.fget)["return"]
    assert kind is Results
    assert issubclass(kind, Mapping)
    assert callable(kind._ipython_key_completions_)
