"""How a result shows itself: printed, in a notebook, and as rows of a data frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from .card import Card
from .errors import VerifyError


class Displayed:
    """Whatever a user holds: ``print`` gives its summary, and a notebook the same as a small table."""

    __slots__ = ()

    @abstractmethod
    def _card(self) -> Card:
        """What it shows."""

    def summary(self) -> str:
        """What it says, in a few lines."""
        return self._card().text()

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return self._card().html()


class Drawn(Displayed):
    """A result with pictures."""

    __slots__ = ()

    def plot(self, picture: str | None = None, *, ax: Any = None) -> Any:
        """Draw one of its pictures with matplotlib (extra ``report``).

        Parameters
        ----------
        picture : its name; by default the one that says most.
        ax : axes of matplotlib to draw on; by default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            With the picture.

        Raises
        ------
        InputError
            If there is no such picture, or matplotlib is not installed.
        """
        from ..render.plots import plot

        return plot(self, picture, ax)

    def _pictures(self) -> Mapping[str, Any]:
        """Pictures by name, of a class that ``verify.render`` does not know."""
        return {}


class Tabular(Displayed):
    """A result with rows."""

    __slots__ = ()

    @abstractmethod
    def to_dicts(self) -> list[dict[str, Any]]:
        """Its rows: one value in each field, and the same fields in each."""

    def to_frame(self) -> Any:
        """Its rows as a pandas DataFrame, one value in each cell.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        return frame(self.to_dicts())


def frame(rows: list[dict[str, Any]], index: str | None = None) -> Any:
    """A pandas DataFrame of rows, indexed by one of their fields if that is named.

    Raises
    ------
    VerifyError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise VerifyError('A data frame needs pandas: `pip install "verify-lineage[frame]"`.') from error
    made = pd.DataFrame(rows)
    return made.set_index(index) if index is not None and rows else made
