"""Names of a base's tensors, as an adapter names them."""

from __future__ import annotations

from .settings import Tensors


class Names:
    """Names matched with or without their first part, which only a model with a head has."""

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
        return found[0] if len(found) == 1 else None
