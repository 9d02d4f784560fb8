"""Models as arguments of a command that takes many: paths, addresses, folders of fingerprints, and lists of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base import InputError, exists, read_regular

_MOST_LISTED = 1_000_000  # lines of a list
_LARGEST_LIST = 200_000_000  # bytes
_SHIPPED = Path(__file__).parents[1] / "data" / "lists"


def listed_models(arguments: Sequence[str]) -> list[str]:
    """The models that arguments stand for, each once: weights, fingerprints of a folder, or ``@FILE``.

    Parameters
    ----------
    arguments : as they were typed; ``@bases`` is a list that ships, unless there is such a file.

    Raises
    ------
    InputError
        If a list cannot be read.
    """
    return list(dict.fromkeys(path for text in arguments for path in _models(text)))


def _models(text: str) -> Iterator[str]:
    """The models that one argument stands for."""
    if text.startswith("@"):
        file, shipped = Path(text[1:]), _SHIPPED / f"{text[1:]}.txt"
        yield from _listed(shipped if not file.exists() and shipped.parent == _SHIPPED and exists(shipped) else file)
        return
    yield from (text and _fingerprints(Path(text))) or [text]


def _fingerprints(folder: Path) -> list[str]:
    """The fingerprints in a folder, damaged ones too; none if the folder is a model."""
    from ..fingerprint import is_fingerprint, may_be_fingerprint

    try:
        inside = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    except OSError:
        return []
    if not any(map(is_fingerprint, inside)):
        return []
    return [str(file) for file in inside if may_be_fingerprint(file)]


def _listed(file: Path) -> Iterator[str]:
    """Models of a list, relative to its file; empty lines and lines that begin with # are skipped."""
    try:
        lines = read_regular(file, _LARGEST_LIST).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(
            f"The list {str(file)!r:.120} cannot be read ({reason}); give @FILE with a model a line."
        ) from error
    if len(lines) > _MOST_LISTED:
        raise InputError(f"The list {file.name!r:.120} has {len(lines)} lines; expected at most {_MOST_LISTED}.")
    for line in lines:
        if (entry := line.strip()) and not entry.startswith("#"):
            path = file.parent / entry
            yield from _fingerprints(path) or [str(path) if exists(path) else entry]
