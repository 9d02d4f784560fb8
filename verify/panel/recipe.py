"""The recipe of a panel: a TOML or YAML file that lists models with family, stratum, source and licence.

A recipe *of a panel* lists models; the recipe *of a model* is all of its training but the seed.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, ValidationError, field_validator, model_validator

from ..base import InputError, Record, first_problem, read_regular, toml_table, yaml_value
from .members import NAME, check_strangers, check_twins
from .pattern import Pattern, expand

_LARGEST = 1 << 21  # bytes; 10,000 members in TOML have about half
LONGEST_LABEL = 200
"""Characters of a label that models are grouped by."""
SHIPPED = Path(__file__).parents[1] / "data" / "recipes"
"""Folder of the recipes that ship with the library."""


class Entry(Pattern):
    """One model to fingerprint, or by ``each`` many."""

    model: str
    """Path of a folder, weight file or fingerprint (relative to the recipe); if none exists, an address."""
    family: str
    name: str = ""
    """Name in the panel; the last part of ``model`` by default."""
    stratum: str = ""
    """By default type, depth and vocabulary of the model."""
    corpus: str = ""
    """Name of the training text, equal for models trained on the same text; empty if unknown."""
    recipe: str = ""
    """Recipe that the model was trained by, equal for twins: models of one recipe from different seeds; empty for a
    reference."""
    initial: str = ""
    """Name of the initial weights, equal for models that start from the same ones; empty if they are its own."""
    source: str = ""
    """By default ``model``."""
    licence: str

    @property
    def member(self) -> str:
        """The name of the member."""
        return self.name or self.model.rstrip("/").rsplit("/", 1)[-1]


class Positive(Pattern):
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

    @field_validator("members", "positives")
    @classmethod
    def _expand(cls, tables: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
        return expand(tables)

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        """Check names, which become file names, before anything is written."""
        names = set[str]()
        for entry in self.members:
            name = entry.member
            if not re.fullmatch(NAME, name):
                raise ValueError(
                    f"member {name!r:.100} needs a `name` of at most 100 letters, digits and . _ + -, a letter or "
                    "digit first"
                )
            if name in names:
                raise ValueError(f"two members are named {name!r}; give each a name of its own")
            names.add(name)
            self._check_labels(entry)
        check_twins((entry.member, entry.recipe, entry.initial) for entry in self.members)
        check_strangers(*([one for one in self.members if bool(one.recipe) is twin] for twin in (False, True)))
        return self

    @staticmethod
    def _check_labels(entry: Entry) -> None:
        """Check what models are grouped by: an empty family would be one, and no two may differ in unseen signs."""
        if not entry.family:
            raise ValueError(f"member {entry.member!r:.40} has an empty `family`; give its own name if it has none")
        for key in ("family", "stratum", "corpus", "recipe", "initial"):
            label = getattr(entry, key)
            if len(label) > LONGEST_LABEL or label != label.strip() or not label.isprintable():
                raise ValueError(
                    f"`{key}` of member {entry.member!r:.40} is {label!r:.30}; give at most {LONGEST_LABEL} "
                    "printable characters without spaces around them"
                )

    @staticmethod
    def find(path: Path) -> tuple[Recipe, Path]:
        """Read a recipe from a file, or one that ships by its name.

        Parameters
        ----------
        path : path of the file, or a name such as ``hub-twins``; of a file and a name the file is meant.

        Returns
        -------
        tuple
            The recipe, and the folder that its relative paths start from: the file's, or the working directory.

        Raises
        ------
        InputError
            As :meth:`read` does.
        """
        named = SHIPPED / f"{path.name}.toml"
        if not path.is_file() and path == Path(path.name) and named.is_file():
            return Recipe.read(named), Path()
        return Recipe.read(path), path.parent

    @staticmethod
    def read(path: Path) -> Recipe:
        """Read a ``.toml``, ``.yaml`` or ``.yml`` recipe.

        Raises
        ------
        InputError
            If it cannot be read, or is not a recipe, or two members have one name.
        """
        try:
            text = read_regular(path, _LARGEST)
            read = toml_table if path.suffix.lower() == ".toml" else yaml_value
            return Recipe.model_validate(read(text, most=_LARGEST))
        except ImportError as error:
            raise InputError(
                'A YAML recipe needs PyYAML: `pip install "verify-lineage[yaml]"`, or write the recipe as TOML.'
            ) from error
        except OSError as error:
            raise InputError(
                f"{path.name!r:.200} cannot be read ({error.strerror}); give a panel recipe, or the name of one of "
                f"{', '.join(sorted(file.stem for file in SHIPPED.glob('*.toml')))}."
            ) from error
        except ValidationError as error:
            raise InputError(f"{path.name!r:.200} is not a panel recipe ({first_problem(error)}).") from error
        except ValueError as error:
            raise InputError(f"{path.name!r:.200} {error!s:.200}; mend the recipe.") from error
