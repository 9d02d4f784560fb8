"""The code blocks of a page: run in order, or only checked where a comment before one says why it is not run.

Python blocks of a page share their names, and shell blocks their variables. A block ``text`` is what the block before
it prints, where ``...`` stands for anything. ``<!-- not run: REASON -->`` before a block leaves it to
:func:`check`: syntax, and of a command line its options.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml
from markdown_it import MarkdownIt

from verify.cli.app import cli

_NOT_RUN = re.compile(r"<!-- not run: (\S.*) -->")


class Block(NamedTuple):
    """A fenced block; ``not_run`` is the reason why it is only checked."""

    language: str
    text: str
    line: int
    not_run: str | None


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page of Markdown."""
    before = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            reason = _NOT_RUN.search(before)
            yield Block(token.info.strip(), token.content, token.map[0] + 1, reason and reason[1])
        before = token.content if token.type == "html_block" else ""


def run(text: str, folder: Path) -> None:
    """Run the blocks of a page in a folder, which is the working directory; AssertionError names what is wrong."""
    names: dict[str, Any] = {"__name__": "__main__"}
    state, printed = folder / ".variables", None
    for block in blocks(text):
        where = f"line {block.line}"
        if block.not_run:
            check(block)
            printed = None
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, where, "exec"), names)
            printed = out.getvalue()
        elif block.language == "sh":
            printed = _shell(block.text, folder, state, where)
        elif block.language == "pycon":
            _doctest(block.text, names, where)
        elif block.language == "text":
            assert printed is not None, f"{where}: no block before this one was run, so nothing printed this"
            assert prints(block.text, printed), f"{where}: expected\n{block.text}\nbut printed was\n{printed}"
        else:
            check(block)


def prints(expected: str, printed: str) -> bool:
    """Whether a text is printed, where ``...`` stands for anything and white space for any other."""
    rules = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, printed, rules)


def check(block: Block) -> None:
    """Check a block that is not run; AssertionError for what is not of its language."""
    assert block.language in _CHECKS, (
        f"line {block.line}: blocks of {block.language or 'no language'!r} are neither run nor checked; "
        f"give one of {', '.join(('python', 'sh', 'text', *_CHECKS))}"
    )
    try:
        _CHECKS[block.language](block.text)
    except (SyntaxError, ValueError, yaml.YAMLError, click.ClickException) as problem:
        raise AssertionError(f"line {block.line}: {problem}") from problem


def _shell(text: str, folder: Path, state: Path, where: str) -> str:
    """What a block prints; variables are kept for the next one."""
    script = f"set -eu\n[ ! -f {state} ] || . {state}\nset -a\n{text}\nexport -p > {state}\n"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "VERIFY_CACHE": str(folder / ".cache"),
    }
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{where}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _doctest(text: str, names: dict[str, Any], where: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, where, None, None)
    report = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.write)
    assert not report.getvalue(), f"{where}: {report.getvalue()}"


def _check_python(text: str) -> None:
    compile(text, "block", "exec")


def _check_shell(text: str) -> None:
    """Syntax, by bash itself; and the commands and options of each line that calls ``verify``."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[;|]", line.partition(" #")[0]):
            words = shlex.split(part)
            if words and Path(words[0]).name == "verify":
                _check_command(words[1:])


def _check_command(words: list[str]) -> None:
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        if name not in command.commands:
            raise ValueError(f"verify has no command {name!r}")
        command = command.commands[name]
    known = {"--help", "-h"} | {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    if unknown := [word for word in words if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]:
        raise ValueError(f"`{command.name}` has no option {', '.join(unknown)}")


def _check_doctest(text: str) -> None:
    doctest.DocTestParser().get_examples(text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "python": _check_python,
    "sh": _check_shell,
    "pycon": _check_doctest,
    "text": str,
    "toml": tomllib.loads,
    "json": json.loads,
    "yaml": yaml.safe_load,
}
