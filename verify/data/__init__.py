"""Models that ship with the library: real, small, trained from scratch, of known lineage."""

from __future__ import annotations

from pathlib import Path

_MODELS = Path(__file__).parent / "models"


def model(name: str) -> Path:
    """Folder of a shipped model.

    Raises
    ------
    KeyError
        If there is no such model; :func:`models` lists them.
    """
    if name not in models():
        raise KeyError(f"No shipped model is named {name!r}; give one of {', '.join(models())}.")
    return _MODELS / name


def models() -> list[str]:
    """Names of the shipped models; each folder's ``lineage.json`` states its true lineage."""
    return sorted(path.parent.name for path in _MODELS.glob("*/config.json"))
