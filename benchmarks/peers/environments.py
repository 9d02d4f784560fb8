"""Virtual environments that peers run in, made once and kept."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "modeldna": ("modeldna==0.1.0",),
    "provenance-kit": ("cisco-ai-provenance-kit==1.0.0", "torch==2.13.0"),
    "torch": (
        "torch==2.13.0",
        "transformers==5.24.0",
        "accelerate",
        "datasets",
        "knowlyr-modelaudit==0.4.1",
        "matplotlib",
        "numpy",
        "pandas",
        "safetensors",
        "scikit-learn",
        "scipy",
        "seaborn",
        "tabulate",
        "tqdm",
        "weightscope==0.4.3",
    ),
}
"""What each holds; those of one environment run beside one another."""
CALM = {
    "HF_HUB_OFFLINE": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""One thread, and no network."""


def made(name: str, folder: Path) -> Path:
    """Folder of the programs of an environment, which is made first if it is not there.

    Raises
    ------
    subprocess.CalledProcessError
        If its packages cannot be installed.
    """
    place = folder / name
    done = place / "complete"
    if not done.exists():
        venv.create(place, with_pip=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", *REQUIREMENTS[name]], check=True)
        done.touch()
    return place / "bin"


def environment(home: Path, *, path: Path | None = None) -> dict[str, str]:
    """Variables that a peer runs under: its caches in a folder of its own, and a folder that is searched for code."""
    return os.environ | CALM | {"HOME": str(home)} | ({"PYTHONPATH": str(path)} if path else {})
