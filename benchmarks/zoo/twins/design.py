"""The recipes of twins: Latin hypercubes over the factors that ``twins.toml`` declares."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats.qmc import LatinHypercube

from ..texts import TEXTS
from .network import Network

Optimiser = Literal["adamw", "lion", "sgd", "muon", "adafactor"]
DESIGN = Path(__file__).parents[1] / "twins.toml"
STUDENT = "s"


@dataclass(frozen=True)
class Recipe:
    """How to train the models of one recipe, which differ by their seeds alone."""

    name: str
    group: str
    """The set that it is of."""
    members: tuple[str, ...]
    """Endings of the names of its models; ``s`` learns the logits of the first."""
    network: Network
    corpora: tuple[str, ...]
    """One corpus, or two that are mixed."""
    share: float
    """Of the second corpus among rows; 0 if there is one."""
    optimiser: Optimiser
    rate: float
    """Largest learning rate."""
    rows: int
    """Rows of a batch, each as long as the context."""
    steps: int
    sd: float | None
    """Of initial weights; None for 1 / sqrt(inputs)."""
    decay: float
    """Weight decay, for each unit of the learning rate."""
    dropout: float
    precision: Literal["F32", "BF16", "F16"]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of its models."""
        return tuple(f"{self.name}-{member}" for member in self.members)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def recipes(group: str, path: Path = DESIGN) -> list[Recipe]:
    """The recipes of a set, in order.

    Parameters
    ----------
    group : name of the set.
    path : the declared design.

    Raises
    ------
    KeyError
        If the design has no such set.
    """
    declared = tomllib.loads(path.read_text("utf-8"))
    if group not in declared["sets"]:
        raise KeyError(f"The design has no set {group!r}; give one of {', '.join(declared['sets'])}.")
    one = declared["sets"][group]
    factors = declared["factors"] | one["factors"]
    points = hypercube(one["recipes"], len(factors), one["seed"])
    drawn = [
        {name: value_at(factor, u) for (name, factor), u in zip(factors.items(), row, strict=True)} for row in points
    ]
    members = tuple("abcdefgh"[: one["models"]]) + ((STUDENT,) if one.get("student") else ())
    return [_recipe(f"{group}-{i:03}", group, members, values, declared["rates"]) for i, values in enumerate(drawn)]


def hypercube(count: int, factors: int, seed: int) -> NDArray[np.float64]:
    """A Latin hypercube in [0, 1), shape [count, factors]: each equal stratum of a factor has one point."""
    points: NDArray[np.float64] = LatinHypercube(factors, rng=np.random.default_rng(seed)).random(count)
    return points


def value_at(factor: Any, u: float) -> Any:
    """The value of a factor at a point of [0, 1).

    Levels are cells as large as their weights, so a level has its share of the strata, up to those that a boundary
    divides.
    """
    if factor == "texts":
        factor = list(TEXTS)
    if isinstance(factor, list):
        return factor[int(u * len(factor))]
    if "uniform" in factor or "log" in factor:
        ((kind, (low, high)),) = factor.items()
        return low + u * (high - low) if kind == "uniform" else low * (high / low) ** u
    levels, weights = list(factor), np.array(list(factor.values()))
    return levels[int(np.searchsorted(np.cumsum(weights), u * weights.sum(), side="right"))]


def _recipe(
    name: str, group: str, members: tuple[str, ...], drawn: dict[str, Any], rates: dict[str, float]
) -> Recipe:
    """A recipe from the values of all factors, of which some do not apply: the second corpus, experts, ``sd``."""
    first = TEXTS.index(drawn["corpus"])
    second = (first + 1 + int(drawn["second"] * (len(TEXTS) - 1))) % len(TEXTS)
    mixed = drawn["mixed"] == "yes"
    heads = -(-drawn["width"] // drawn["head_size"])
    group_size = max(size for size in (1, 2, 4) if size <= drawn["group"] and heads % size == 0)
    experts = int(drawn["experts"]) if drawn["gated"] else 0
    network = Network(
        gated=drawn["gated"],
        activation=drawn["activation"],
        norm=drawn["norm"],
        post=drawn["post"],
        width=drawn["width"],
        layers=drawn["layers"],
        head_size=drawn["head_size"],
        heads=heads,
        kv_heads=heads // group_size,
        hidden=round(drawn["width"] * drawn["hidden"]) // (2 if experts else 1),
        experts=experts,
        positions=drawn["positions"],
        biases=drawn["biases"],
        tied=drawn["tied"],
        query_key_norm=drawn["query_key_norm"],
        context=drawn["context"],
    )
    return Recipe(
        name=name,
        group=group,
        members=members,
        network=network,
        corpora=(TEXTS[first], TEXTS[second]) if mixed else (TEXTS[first],),
        share=drawn["share"] if mixed else 0.0,
        optimiser=drawn["optimiser"],
        rate=drawn["rate"] * rates[drawn["optimiser"]],
        rows=round(drawn["tokens"] / drawn["context"]),
        steps=round(drawn["steps"]),
        sd=drawn["sd"] if drawn["initial"] == "normal" else None,
        decay=drawn["decay"],
        dropout=float(drawn["dropout"]),
        precision=drawn["precision"],
    )
