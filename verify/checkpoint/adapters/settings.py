"""The settings of an adapter: what each changed module has, read from untrusted JSON."""

from __future__ import annotations

import re
from typing import Any

from ...base import CheckpointError, DamagedError, OptionError, UnsupportedError
from ..formats.tensor import Tensor

CONFIG = "adapter_config.json"
ELSEWHERE = "merge it with the tool that made it and give the merged model"

Tensors = dict[str, Tensor]

_LITERAL = re.compile(r"\^?[\w.-]+")
_LARGEST = 1e9


class Settings:
    """Settings of an adapter, by module.

    Parameters
    ----------
    name : of the adapter, for messages.
    config : content of its ``adapter_config.json``.
    shared : tensors that belong to no module, by name.
    """

    def __init__(self, name: str, config: dict[str, Any], shared: Tensors) -> None:
        self.name, self.config, self.shared = name, config, shared
        self._patterns: dict[str, dict[str, tuple[int, Any]]] = {}

    def flag(self, key: str) -> bool:
        """Whether a setting is true."""
        return self.config.get(key) is True

    def rank(self, module: str) -> int:
        """Rank of a module."""
        return self.count("r", module)

    def count(self, key: str, module: str, least: int = 1) -> int:
        """A whole number.

        Parameters
        ----------
        key : of the setting.
        module : name of the module.
        least : smallest value.

        Raises
        ------
        CheckpointError
            If it is no such number.
        """
        value = self._of(key, module, "rank_pattern" if key == "r" else None)
        if type(value) is not int or not least <= value < 1 << 20:
            what = "a rank" if key == "r" else "a number"
            raise self.wrong(key, module, value, f"{what} of at least {least}")
        return value

    def alpha(self, key: str, module: str) -> float:
        """What the change is multiplied by before it is divided by the rank."""
        value = self._of(key, module, "alpha_pattern")
        if type(value) not in (int, float) or not -_LARGEST <= value <= _LARGEST:
            raise self.wrong(key, module, value, "a number")
        return float(value)

    def wrong(self, key: str, module: str, value: Any, expected: str) -> CheckpointError:
        """The refusal of a setting.

        Parameters
        ----------
        key : of the setting.
        module : name of the module.
        value : what is there.
        expected : what should be.
        """
        return DamagedError(
            f"{CONFIG} of {self.name} gives {key} of {module!r:.120} as {value!r:.40}; expected {expected}; obtain "
            "it again."
        )

    def parts_missing(self, module: str, parts: Tensors, expected: str) -> CheckpointError:
        """The refusal of a module that lacks tensors.

        Parameters
        ----------
        module : its name.
        parts : what is there.
        expected : what should be.
        """
        return DamagedError(
            f"{self.name} has of {module!r:.200} only {', '.join(sorted(parts))}; expected {expected}; obtain it "
            "again."
        )

    def unfit(self, module: str, shapes: dict[str, tuple[int, ...]], base: Tensor, why: str = "") -> CheckpointError:
        """The refusal of a change that does not fit the base.

        Parameters
        ----------
        module : name of the module.
        shapes : of the change, by name of the tensor.
        base : the tensor of the base.
        why : further words.
        """
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        return OptionError(
            f"{self.name} changes {module!r:.200} by {listed}{why}, which does not fit the shape {list(base.shape)} "
            "in the base; give the base that it was trained on."
        )

    def turned(self, base: Tensor) -> bool:
        """Whether the base stores a matrix as [in, out]."""
        return self.flag("fan_in_fan_out") and not base.is_out_in

    def _of(self, key: str, module: str, patterns: str | None) -> Any:
        """The value of the first pattern equal to the module's name, or to its end after a dot; else the default."""
        known = {} if patterns is None else self._literal(patterns)
        names = [*ends(module), "^" + module]
        hits = [known[name] for name in names if name in known]
        return min(hits, key=lambda hit: hit[0])[1] if hits else self.config.get(key)

    def _literal(self, key: str) -> dict[str, tuple[int, Any]]:
        """Position and value by pattern, read once; untrusted regular expressions are never run."""
        if key in self._patterns:
            return self._patterns[key]
        patterns = self.config.get(key) or {}
        if not isinstance(patterns, dict):
            raise DamagedError(f"{CONFIG} of {self.name} gives {key} as {patterns!r:.60}; expected an object.")
        for pattern in patterns:
            if not _LITERAL.fullmatch(pattern):
                raise UnsupportedError(
                    f"{CONFIG} of {self.name} has the {key} {pattern!r:.80}; expected names of modules; {ELSEWHERE}."
                )
        self._patterns[key] = {pattern: (i, value) for i, (pattern, value) in enumerate(patterns.items())}
        return self._patterns[key]


def ends(module: str) -> list[str]:
    """A module's name and what is left of it after each dot, the longest first.

    Parameters
    ----------
    module : its name.
    """
    words = module.split(".")
    return [".".join(words[i:]) for i in range(len(words))]
