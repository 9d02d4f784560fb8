"""The command line: arguments in, a report out, one clear sentence on any bad input.

Exit statuses are in each command's help and in ``docs/command-line.md``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from pathlib import Path

import click

from ..base import VerifyError, details, unexpected
from .command import OWN_ERROR, Group
from .output import echo, printable

_LONG_WORD = re.compile(r"(\S{200})\S{50,}")  # what was typed may be repeated in a message
_MODULES = {
    "lineage": "lineage",
    "screen": "screen",
    "identify": "identify",
    "share": "share",
    "beyond": "beyond",
    "derivation": "derivation",
    "calibrate": "calibrate",
    "demo": "demo",
    "replay": "replay",
    "check-signature": "sign",
    "sign": "sign",
    "keygen": "sign",
    "panel": "panel",
    "inspect": "inspect",
    "fingerprint": "fingerprint",
    "library": "library",
    "render": "replay",
    "cache": "cache",
    "completion": "completion",
}
"""The module of each command, in the order of the help."""


class _Commands(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is asked for: with it come the packages that it works with."""

    def __init__(self) -> None:
        self._known: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._known:
            module = import_module(f".{_MODULES[name]}", __package__)
            self._known[name] = getattr(module, name.replace("-", "_"))
        return self._known[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._known[name] = command

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


@click.group(
    cls=Group,
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        "verify demo",
        "verify lineage path/to/model org/base-model",
        "verify screen models/* -o screened",
        "verify replay report.json",
    ),
    statuses={
        0: "finished, whatever the verdict",
        1: "replay or check-signature: something does not agree",
        3: "a verdict that --fail-on names",
        4: "replay --require-models: the weights were not compared",
    },
)
@click.version_option(package_name="verify-lineage", prog_name="verify")
@click.pass_context
def cli(context: click.Context) -> None:
    """Decide whether two neural-network checkpoints are related, with a p-value."""
    if os.environ.get("NO_COLOR"):
        context.color = False
    if context.invoked_subcommand is None:
        echo(context.get_help())


def main() -> None:
    """Entry point: errors on one line, no traceback unless it is asked for."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        cli(prog_name="verify", standalone_mode=False)
    except VerifyError as error:
        _fail(str(error))
    except click.UsageError as error:
        where = "verify" if error.ctx is None else error.ctx.command_path
        _fail(f"{error.format_message().rstrip()} See `{where} --help`.")
    except click.ClickException as error:
        _fail(error.format_message())
    except OSError as error:
        path = error.filename2 or error.filename  # of a file that was to be renamed, the name that it was to have
        name = Path(str(path)).name if path else "a file"
        _fail(f"{name}: {error.strerror or error}; check the path, its permissions and free space.")
    except (click.Abort, KeyboardInterrupt):
        echo("Interrupted.", err=True)
        sys.exit(130)
    except Exception as error:
        said = unexpected(error, "This run")
        _fail(f"{said} Details: {details(error) or 'could not be kept'}", OWN_ERROR)


def _fail(message: str, status: int = 2) -> None:
    line = _LONG_WORD.sub(r"\1...", " ".join(message.split()))
    echo(printable(line), err=True)
    sys.exit(status)
