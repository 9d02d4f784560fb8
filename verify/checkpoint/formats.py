"""File formats that hold weights, by suffix, in the order of preference where a folder has several."""

from __future__ import annotations

from collections.abc import Callable

from .gguf_models import contents as gguf
from .onnx_models import contents as onnx
from .place import File, Place
from .safetensors_file import contents as safetensors
from .tensor import Contents

FORMATS: dict[str, Callable[[File, Place], Contents]] = {
    ".safetensors": lambda file, _: safetensors(file),
    ".gguf": lambda file, _: gguf(file),
    ".onnx": onnx,
}
"""What a file holds; its place is where an ONNX file keeps data beside itself."""
