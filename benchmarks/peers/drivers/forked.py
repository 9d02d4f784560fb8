"""Runs commands of Python programs, each forked from this process, which has imported what is slow to import.

Run in a peer's environment with the names of modules to import. Reads a JSON object a line: the ``command``, as it
would be typed, the folder it runs in (``cwd``), a folder searched for code (``path``, or null), and a file for what
it prints (``output``) and for what it says beside (``errors``). Answers a line with the exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import sys
import traceback
from typing import Any


def main() -> None:
    """Import, then serve."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        task = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = run(task)
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(task: dict[str, Any]) -> int:
    """Be the program of a command; its exit status."""
    os.chdir(task["cwd"])
    for stream, name in ((1, "output"), (2, "errors")):
        file = os.open(task[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
    program, *arguments = task["command"]
    if program == sys.executable:
        program, *arguments = arguments
    module = program == "-m"
    if module:
        program, *arguments = arguments
        sys.path.insert(0, task["cwd"])
    sys.argv = [program, *arguments]
    if task["path"]:
        sys.path.insert(0, task["path"])
    status = 0
    try:
        if module:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(program))  # noqa: PTH120
            runpy.run_path(program, run_name="__main__")
    except SystemExit as ended:
        code = ended.code
        status = code if isinstance(code, int) else 0 if code is None else 1
        if isinstance(code, str):
            sys.stderr.write(code)
    except BaseException:
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return status


if __name__ == "__main__":
    main()
