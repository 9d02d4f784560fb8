"""Run the ``verify`` command with a clock on its parts: ``python -P parts_of_a_run.py RESULT.json lineage A B ...``.

CPU seconds of the process, each counted once, in the innermost part. Runs in an environment that holds the library
alone, so nothing but the standard library is imported here, and of that as little as possible: what this script
imports the command finds loaded. The clocks themselves cost some milliseconds.
"""

from __future__ import annotations

import importlib._bootstrap
import importlib._bootstrap_external
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

LIBRARIES = {
    "annotated_types": "pydantic",
    "click": "click",
    "numpy": "numpy",
    "pydantic": "pydantic",
    "pydantic_core": "pydantic",
    "safetensors": "safetensors and threadpoolctl",
    "threadpoolctl": "safetensors and threadpoolctl",
    "typing_extensions": "pydantic",
    "typing_inspection": "pydantic",
    "verify": "verify",
}
BYTECODE, BODIES = "finding and unmarshalling", "running modules"
CLASSES, RECORDS = "verify: dataclasses and named tuples", "verify: classes of records"
STEPS = {
    "verify.fingerprint.given": {"made": "reading both models"},
    "verify.lineage": {"exact_results": "tests"},
    "verify.claim.conclude": {"conclude": "the report"},
    "verify.cli.output": {"give_report": "the report"},
    "pydantic._internal._model_construction": {"complete_model_class": "validators of records"},
    "dataclasses": {"_process_class": CLASSES},
    "collections": {"namedtuple": CLASSES},
}
"""Functions by module, and the part that they are; classes of other libraries are part of their import."""


class Clock:
    """CPU seconds by part; a part that begins inside another stops the clock of that one."""

    def __init__(self) -> None:
        self.last = time.process_time()
        self.seconds = {"Python itself": self.last}
        self.modules: dict[str, int] = {}
        self.open = ["arguments and options"]

    def turn(self) -> None:
        """Give the time since the last turn to the innermost part."""
        now = time.process_time()
        self.seconds[self.open[-1]] = self.seconds.get(self.open[-1], 0.0) + now - self.last
        self.last = now

    def on(self, function: Callable[..., Any], part: Callable[..., str]) -> Callable[..., Any]:
        """The function, whose time is that of the part named by a function of its arguments."""

        def timed(*arguments: Any, **options: Any) -> Any:
            self.turn()
            self.open.append(part(*arguments))
            try:
                return function(*arguments, **options)
            finally:
                self.turn()
                self.open.pop()

        return timed


CLOCK = Clock()


def library(name: str) -> str:
    """The library that a module is of."""
    return LIBRARIES.get(name.partition(".")[0], "standard library")


def of_modules(name: str, what: str) -> str:
    """The part that something about a module is: of other libraries than this one, all is one part."""
    return f"verify: {what}" if library(name) == "verify" else f"importing {library(name)}"


def inside(part: str) -> str:
    """A part of the import of our modules, if that is open; else what is open."""
    return part if CLOCK.open[-1].startswith("verify: ") else CLOCK.open[-1]


def executed(_: Any, module: ModuleType) -> str:
    """The part that running a module's code is; counts the module."""
    CLOCK.modules[library(module.__name__)] = CLOCK.modules.get(library(module.__name__), 0) + 1
    return of_modules(module.__name__, BODIES)


def put_on(place: Any, name: str, part: Callable[..., str]) -> None:
    """Put a clock on a function of a module or class."""
    setattr(place, name, CLOCK.on(getattr(place, name), part))


def watch(module: ModuleType) -> None:
    """Put clocks on the functions of a module that are steps."""
    for name, part in STEPS.get(module.__name__, {}).items():
        put_on(module, name, lambda *_, part=part: inside(part) if part == CLASSES else part)
    if module.__name__ == "pydantic._internal._model_construction":
        put_on(module.ModelMetaclass, "__new__", lambda *_: inside(RECORDS))


def main() -> None:
    """Put the clocks on, run the command, and write what they say."""
    result, sys.argv = sys.argv[1], ["verify", *sys.argv[2:]]
    source: Any = importlib._bootstrap_external.SourceFileLoader
    compiled = importlib._bootstrap_external.ExtensionFileLoader
    execute = source.exec_module

    def run(loader: Any, module: ModuleType) -> None:
        execute(loader, module)
        watch(module)

    source.exec_module = run
    for place in (source, compiled):
        put_on(place, "exec_module", executed)
    put_on(compiled, "create_module", lambda _, spec: of_modules(spec.name, BODIES))
    put_on(source, "get_code", lambda _, name: of_modules(name, BYTECODE))
    put_on(importlib._bootstrap, "_find_spec", lambda name, *_: of_modules(name, BYTECODE))
    for name in STEPS.keys() & sys.modules.keys():
        watch(sys.modules[name])
    from verify.__main__ import main as command

    try:
        command()
    finally:
        CLOCK.turn()
        import json

        with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is among what is measured
            json.dump({"seconds": CLOCK.seconds, "modules": CLOCK.modules}, file)


if __name__ == "__main__":
    main()
