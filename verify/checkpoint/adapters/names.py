"""Names of a base's tensors, as an adapter names them."""

from __future__ import annotations

from .settings import Tensors

_RENAMED = (
    ("model.language_model.", "language_model.model."),
    ("model.language_model.", "model."),
    ("language_model.model.", "model.language_model."),
    ("lm_head.", "language_model.lm_head."),
    ("language_model.lm_head.", "lm_head."),
)
"""Beginnings of names that transformers changed for models of text and images: files keep the older ones, adapters
have those in memory."""


class Names:
    """Names matched with or without their first part, which only a model with a head has, or as they were renamed."""

    def __init__(self, base: Tensors) -> None:
        self.base, self._shorter = base, dict[str, list[str]]()
        for name in base:
            self._shorter.setdefault(name.partition(".")[2], []).append(name)

    def find(self, name: str) -> str | None:
        """The tensor for a name; None if there is none or more than one."""
        if name in self.base:
            return name
        shorter = name.partition(".")[2]
        found = [*([shorter] if shorter in self.base else ()), *self._shorter.get(name, ())]
        if not found:
            found = [
                renamed
                for before, after in _RENAMED
                if name.startswith(before) and (renamed := after + name.removeprefix(before)) in self.base
            ]
        return found[0] if len(found) == 1 else None
