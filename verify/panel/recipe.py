"""What goes into a panel: a TOML or YAML file that lists models with family, stratum, source and licence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ..base import InputError, Record

_LARGEST = 10_000_000  # bytes


class Entry(Record):
    """One model to fingerprint."""

    model: str
    """Path of a folder, weight file or fingerprint (relative to the recipe), or a Hub id."""
    family: str
    name: str = ""
    """Name in the panel; the last part of ``model`` by default."""
    stratum: str = ""
    """By default derived from the model: type, depth and vocabulary."""
    source: str = ""
    """By default ``model``."""
    licence: str

    @property
    def member(self) -> str:
        """The name of the member."""
        return self.name or self.model.rstrip("/").rsplit("/", 1)[-1]


class Positive(Record):
    """A pair known to be related: never part of the null, used to measure power."""

    model: str
    reference: str


class Recipe(Record):
    """A panel to build."""

    name: str
    version: str
    description: str = ""
    members: tuple[Entry, ...] = Field(alias="member", min_length=1)
    positives: tuple[Positive, ...] = Field(alias="positive", default=())

    @staticmethod
    def read(path: Path) -> Recipe:
        """Read a ``.toml``, ``.yaml`` or ``.yml`` recipe.

        Raises
        ------
        InputError
            If it cannot be read, or is not a recipe, or two members have one name.
        """
        try:
            if path.stat().st_size > _LARGEST:
                raise InputError(f"{path.name!r:.200} has over {_LARGEST} bytes; give a panel recipe.")
            text = path.read_text("utf-8")
            content = tomllib.loads(text) if path.suffix.lower() == ".toml" else _yaml(text)
            recipe = Recipe.model_validate(content)
        except OSError as error:
            raise InputError(f"{path.name!r:.200} cannot be read ({error.strerror}); give a panel recipe.") from error
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "the document"
            raise InputError(f"{path.name!r:.200} is not a panel recipe (at {where}: {problem['msg']}).") from error
        except ValueError as error:
            raise InputError(f"{path.name!r:.200} is not valid TOML or YAML ({error!s:.200}); mend it.") from error
        names = [entry.member for entry in recipe.members]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{path.name!r:.200} names two members {twice[0]!r:.100}; give each a name of its own.")
        return recipe


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise InputError(
            'A YAML recipe needs PyYAML: `pip install "verify-lineage[yaml]"`, or write the recipe as TOML.'
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
