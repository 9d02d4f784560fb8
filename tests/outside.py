"""``python -m tests.outside action|hook``: what installs the library as users do, and so needs PyPI.

``action`` runs both steps of the GitHub Action on two models that ship; ``hook`` runs a pre-commit hook on them, in
an environment that pre-commit makes. Not part of the test run, which needs no network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tests.workflow import ROOT, STEPS, run_step
from verify.data import model

PAIR = ("continued-3x", "reference")


def main() -> int:
    """Run it in a new folder; the status of what was run, which finds two related models that do not declare it."""
    names = {"action": action, "hook": hook}
    if len(sys.argv) != 2 or sys.argv[1] not in names:
        sys.exit(f"usage: python -m tests.outside {'|'.join(names)}")
    with tempfile.TemporaryDirectory() as root:
        here = Path(root, "repository")
        for name in PAIR:
            shutil.copytree(model(name), here / name)
        return names[sys.argv[1]](here, Path(root))


def action(here: Path, scratch: Path) -> int:
    """Both steps; 0 if the second ends with 3, as it was told to."""
    installed = run_step(STEPS[0], here, scratch, {"github.action_path": str(ROOT)})
    sys.stdout.write(installed.log)
    if installed.status:
        return installed.status
    values = {"steps.install.outputs.bin": installed.outputs["bin"], "inputs.models": "\n".join(PAIR)}
    ran = run_step(STEPS[1], here, scratch, values | {"inputs.fail-on": "undeclared"})
    sys.stdout.write(f"{ran.log}{ran.outputs}\n")
    return 0 if ran.status == 3 else 1


def hook(here: Path, scratch: Path) -> int:
    """The hook, from the last commit of this repository; 0 if it fails, as it was told to."""
    revision = _git(ROOT, "rev-parse", "HEAD")
    hooks = [{"id": "verify-lineage", "args": [*PAIR, "--fail-on", "undeclared"], "verbose": True}]
    repositories = {"repos": [{"repo": str(ROOT), "rev": revision, "hooks": hooks}]}
    _git(here, "init", "--quiet")
    (here / "config.yaml").write_text(yaml.safe_dump(repositories))
    _git(here, "add", ".")
    command = [sys.executable, "-m", "pre_commit", "run", "--config", "config.yaml", "--all-files"]
    environment = os.environ | {"PRE_COMMIT_HOME": str(scratch / "home")}
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout + done.stderr)
    return 0 if done.returncode == 1 and "RELATED" in done.stdout else 1


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
