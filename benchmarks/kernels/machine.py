"""What a timing was taken on, in one sentence."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def machine() -> str:
    """Processor, cores and versions."""
    info = Path("/proc/cpuinfo")
    names = [x for x in info.read_text("utf-8").splitlines() if x.startswith("model name")] if info.exists() else []
    name = names[0].split(":", 1)[1].strip() if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}."
