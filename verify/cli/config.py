"""``--config``: options of a command, from a table of a TOML file; those of the command line win.

No file is read unless it is named, and what was taken from it is printed: a run is never changed by a file that lies
somewhere. Tokens are refused, since such files are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ..base import InputError, read_regular
from .command import GivenPath, Group, option
from .output import echo, printable

__all__ = ["config_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_FILE = "verify.config"
_LARGEST = 1_000_000  # bytes
_NEVER = ("config", "help", "verbose", "version")


def config_option(command: Decorated) -> Decorated:
    """``--config``, and a line on standard error of what a run takes from it."""

    @wraps(command)
    def told(**given: Any) -> Any:
        if (line := _taken(click.get_current_context())) is not None:
            echo(printable(line), err=True)
        return command(**given)

    return option(
        "--config",
        type=GivenPath(),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="TOML file with a table of options for this command; those of the command line win.",
    )(told)  # type: ignore[return-value]


def _taken(context: click.Context) -> str | None:
    """What a run takes from a file of options, in a line; None without such a file."""
    if (file := context.meta.get(_FILE)) is None:
        return None
    used = [
        f"{key} = {context.params[param.name]!r:.120}"
        for key, param in _options(context.command).items()
        if param.name in context.params and context.get_parameter_source(param.name) is ParameterSource.DEFAULT_MAP
    ]
    return f"From {file!r:.120}: {', '.join(used) or 'nothing, since the command line gives all of it'}."


def _read(context: click.Context, _: click.Parameter, file: Path | None) -> None:
    if file is None:
        return
    content, path = _content(file), ["tool", "verify"] if file.name == "pyproject.toml" else []
    for word in path:
        content = _table(content, word, file.name)
    chain = [context]
    while (parent := chain[0].parent) is not None:
        chain.insert(0, parent)
    for group, inner in pairwise(chain):
        known = _tables(group.command)
        if unknown := sorted(content.keys() - known):
            raise InputError(_unknown(f"{file.name!r:.120}", "table", unknown[0], known))
        content = _table(content, inner.info_name or "", file.name)
        path.append(inner.info_name or "")
    context.default_map = _values(f"{file.name!r:.120} [{'.'.join(path)}]", content, _options(context.command))
    context.meta[_FILE] = file.name


def _content(file: Path) -> dict[str, Any]:

    try:
        from ..base import toml_table  # which loads a parser

        content = toml_table(read_regular(file, _LARGEST), most=_LARGEST)
        if not (reason := _unfit(content)):
            return content
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except ValueError as error:
        reason = f"it {error!s:.160}"
    raise InputError(f"--config is {file.name!r:.120}, which cannot be read ({reason}); give a TOML file.")


def _unfit(value: Any) -> str:
    """What a value holds that TOML need not allow, or no command line can: Python might not print or open it."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return next(filter(None, map(_unfit, inner)), "")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return "it has an integer of more than 64 bits"
    return "it has a text with a NUL character" if isinstance(value, str) and "\0" in value else ""


def _table(content: Mapping[str, Any], name: str, file: str) -> dict[str, Any]:
    found = content.get(name)
    if not isinstance(found, dict):
        raise InputError(f"{file!r:.120} has no table [{name}]; write the options of the command into one.")
    return found


def _tables(command: click.Command) -> set[str]:
    """Commands that take a file of options, or whose commands do."""
    commands = command.commands if isinstance(command, Group) else {}
    return {name for name, one in commands.items() if "config" in {p.name for p in one.params} or _tables(one)}


def _options(command: click.Command) -> dict[str, click.Parameter]:
    """Parameters by their key in a file: the long name without its dashes, or the name of an argument."""
    found = {}
    for param in command.params:
        names = [name for name in param.opts if name.startswith("--")] or [param.name or ""]
        key = names[0].removeprefix("--")
        if key not in _NEVER and not _is_token(key):
            found[key] = param
    return found


def _is_token(key: str) -> bool:
    return key.startswith("token") and not key.startswith("tokenizer")


def _values(where: str, content: Mapping[str, Any], known: Mapping[str, click.Parameter]) -> dict[str, Any]:
    values = {}
    for key, value in content.items():
        if key not in known:
            if _is_token(key):
                raise InputError(f"{where} holds a token; take it out, and set HF_TOKEN in the environment.")
            raise InputError(_unknown(where, "option", key, known))
        param = known[key]
        values[param.name or key] = _value(where, key, value, param)
    return values


def _value(where: str, key: str, value: Any, param: click.Parameter) -> Any:
    """A value of the kind that the parameter takes; lists of words may be TOML lists."""
    kind: tuple[type, ...]
    if isinstance(param, click.Option) and param.is_flag:
        kind, give = (bool,), "true or false"
    elif isinstance(param.type, click.types.IntParamType):
        kind, give = (int,), "a whole number"
    elif isinstance(param.type, click.types.FloatParamType):
        kind, give = (int, float), "a number"
    else:
        kind, give = (str,), "text"
    words = isinstance(param, click.Option) and (param.metavar or "").endswith(",...")
    several = param.multiple or param.nargs != 1
    if words and isinstance(value, list):
        several, give = True, "a list of texts"
    elif several:
        give = f"a list{f' of {param.nargs}' if param.nargs > 1 else ''}, each {give}"
    items = value if several and isinstance(value, list) else [value]
    sound = (not several or isinstance(value, list)) and all(type(item) in kind for item in items)
    if not sound or (param.nargs > 1 and len(items) != param.nargs):
        raise InputError(f"{where} sets {key} to {value!r:.60}; give {give}.")
    return ",".join(items) if words and several else value


def _unknown(where: str, what: str, name: str, known: Mapping[str, object] | set[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"give some of {', '.join(sorted(known))}."
    return f"{where} has the unknown {what} {name!r:.60}; {hint}"
