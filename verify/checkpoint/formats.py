"""File formats that hold weights, by suffix, in the order of preference where a folder has several."""

from __future__ import annotations

from collections.abc import Callable

from .place import File
from .safetensors_file import contents as safetensors
from .tensor import Contents

FORMATS: dict[str, Callable[[File], Contents]] = {".safetensors": safetensors}
