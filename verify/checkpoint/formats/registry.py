"""File formats that hold weights, by suffix, in the order of preference where a folder has several.

The reader of a format is imported when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable

from ..places.place import File, Storage
from .safetensors_file import contents as safetensors
from .tensor import Contents


def _gguf(file: File, _: Storage) -> Contents:
    from .gguf_models import contents

    return contents(file)


def _onnx(file: File, place: Storage) -> Contents:
    from .onnx_models import contents

    return contents(file, place)


FORMATS: dict[str, Callable[[File, Storage], Contents]] = {
    ".safetensors": lambda file, _: safetensors(file),
    ".gguf": _gguf,
    ".onnx": _onnx,
}
"""Reads a file; its folder is where an ONNX file has further data files."""
