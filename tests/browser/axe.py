"""axe-core, which finds what keeps people from reading a page; installed by npm into a cache of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from platformdirs import user_cache_path

VERSION = "4.14.1"


def source() -> str:
    """The script of axe-core, installed where it is not."""
    folder = user_cache_path("verify-lineage") / f"axe-core-{VERSION}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        if shutil.which("npm") is None:
            raise SystemExit("npm is not installed, and axe-core is installed by it; install Node.js.")
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-save", "--ignore-scripts", "--no-audit"]
        subprocess.run([*command, f"axe-core@{VERSION}"], check=True, stdout=subprocess.DEVNULL)
    return Path(script).read_text("utf-8")
