"""One model type: built, saved under both sets of names, read, moved by every symmetry, and compared with others."""

from __future__ import annotations

import json
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import verify
from verify.base import CheckpointError, InputError
from verify.checkpoint import Architecture, Checkpoint, open_checkpoint
from verify.checkpoint.layouts.describe import describe

from . import toy
from .declared import SYMMETRIES, declared, outcome
from .groups import GROUPS, Roles, unit_order_of_all
from .numbers import Element, Numbers
from .stream import move_stream

SAME, MOVED = 2e-3, 1e-2
"""The largest change of an answer under a symmetry, and the least of a broken one, over the spread of answers."""
NOISE = 0.01
"""Of a child, over the root mean square of each tensor."""
_NO_TOKENS = ("no_embedding", "few_rows")
"""Reasons why a symmetry that holds is no loss: nothing could be compared."""
NAMINGS = {"hub": True, "own": False}
"""Names of the Hub, and those of the live model; whether ``save_pretrained`` restores the original format."""


def census(model_type: str, work: Path) -> dict[str, Any]:
    """All that is found out about a type.

    Parameters
    ----------
    model_type : a type, or a variant.
    work : a folder for its files.

    Returns
    -------
    dict
        ``error`` if it was not built; else ``class``, ``parameters`` and, by naming, what :func:`_reading` says, or
        ``same`` where both namings are one.
    """
    row: dict[str, Any] = {"type": model_type, "kind": toy.kind_of(model_type)}
    shutil.rmtree(work, ignore_errors=True)
    try:
        model = toy.build(model_type, seed=0)
        row |= {"class": type(model).__name__, "parameters": sum(p.numel() for p in model.parameters())}
        given = toy.inputs(model)
        for naming, original in NAMINGS.items():
            toy.save(model, work / naming, original=original)
        namings = list(NAMINGS)
        if _same_names(*(work / naming for naming in namings)):
            row["own"], namings = "same", ["hub"]
    except Exception as error:
        return row | {"error": _told(error)}
    for naming in namings:
        try:
            row[naming] = _reading(model_type, type(model), work / naming, given, original=NAMINGS[naming])
        except Exception as error:
            row[naming] = {"error": _told(error)}
    return row


def _told(error: Exception) -> str:
    at = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.200} ({Path(at.filename).name}, line {at.lineno})"


def _same_names(*folders: Path) -> bool:
    first, second = (Numbers(folder).at for folder in folders)
    return {name: x.shape for name, x in first.items()} == {name: x.shape for name, x in second.items()}


def _reading(
    model_type: str, kind: type, folder: Path, given: Mapping[str, Any], *, original: bool
) -> dict[str, Any]:
    """How a saved model is read, and whether what is declared of it is true."""
    network = Network(kind, folder, given)
    row: dict[str, Any] = {
        "tensors": _shapes(folder),
        "config": json.loads((folder / "config.json").read_text("utf-8")),
    }
    try:
        main = open_checkpoint(folder)
        row |= outcome(main)
    except (CheckpointError, InputError) as error:
        return row | {"refused": str(error)}
    places = open_checkpoint(network.places)
    for part in (places, *places.further()):
        row["parts"][part.part.name] |= network.checked(part)
    return row | _pairs(model_type, network, folder, original=original)


def _shapes(folder: Path) -> dict[str, list[int]]:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "numpy") as file:
        return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _pairs(model_type: str, network: Network, folder: Path, *, original: bool) -> dict[str, Any]:
    """Verdicts on a child and on a stranger."""
    mother = verify.fingerprint(folder, effort="full")
    rng = np.random.default_rng(5)
    numbers = network.numbers
    sizes = np.zeros_like(numbers.values)
    for places in numbers.at.values():
        sizes[places] = float(np.sqrt(np.mean(np.square(numbers.values[places], dtype=np.float64)))) or 1.0
    noise = NOISE * sizes * rng.standard_normal(len(sizes)).astype(np.float32)
    child = numbers.write(numbers.values + noise, folder.with_name("child"))
    stranger = folder.with_name("stranger")
    toy.save(toy.build(model_type, seed=1), stranger, original=original)
    found = {}
    for name, other in (("child", child), ("stranger", stranger)):
        report = verify.test_lineage(verify.fingerprint(other, effort="full"), mother)
        applied = [test for test, result in report.tests.items() if result.applicable]
        found[name] = {"verdict": report.verdict, "log10_p": round(report.log10_p, 2), "tests": applied}
        shutil.rmtree(other)
    return found


class Network:
    """A stored model that answers after its numbers are moved.

    It is loaded twice: as it is, and from a file whose numbers are their places, which shows where each number of
    the file goes in the live model. Where loading computes with numbers, each moved file is loaded instead.

    Parameters
    ----------
    kind : its class.
    folder : where it is stored.
    given : inputs.
    """

    def __init__(self, kind: type, folder: Path, given: Mapping[str, Any]) -> None:
        self._kind, self._given, self._folder = kind, given, folder
        self.numbers = Numbers(folder)
        self.places = self.numbers.write_places(folder.with_name(f"{folder.name}-places"))
        self._live = toy.load(kind, folder)
        self._goes = self._where(toy.load(kind, self.places))
        self._before = self._answers(self.numbers.values)
        if _difference(self._before, self._answers(self.numbers.values), None) > SAME:
            raise RuntimeError("its answers change from one loading to the next, so that nothing can be compared")
        self._changes: dict[bytes, float] = {}

    def _where(self, placed: nn.Module) -> dict[str, NDArray[np.intp]] | None:
        """Places of the numbers of each live tensor that is filled from the file; None if loading computes."""
        found = {}
        live = self._live.state_dict(keep_vars=True)
        for name, x in placed.state_dict().items():
            if not x.is_floating_point() or torch.equal(x, live[name].detach()):
                continue
            places = x.numpy().astype(np.intp)
            inside = (places >= 0) & (places < len(self.numbers.values))
            if not inside.all() or not np.array_equal(self.numbers.values[places], live[name].detach().numpy()):
                return None
            found[name] = places
        return found

    def _answers(self, values: NDArray[Any]) -> list[Tensor]:
        if self._goes is None:
            moved = self.numbers.write(values, self._folder.with_name("moved"))
            return toy.outputs(toy.load(self._kind, moved), self._given)
        live = self._live.state_dict(keep_vars=True)
        with torch.no_grad():
            for name, places in self._goes.items():
                live[name].copy_(torch.as_tensor(values[places]))
        return toy.outputs(self._live, self._given)

    def checked(self, part: Checkpoint) -> dict[str, Any]:
        """What happens to the answers under each symmetry of a part.

        Parameters
        ----------
        part : opened on the file of places.

        Returns
        -------
        dict
            Names of symmetries: ``false`` declared though the answer changes; ``unseen`` whose broken form changes no
            answer either, so that nothing is shown; ``lost`` that hold and are not declared, with the code of the
            reason; ``change``, the largest change under a declared one.
        """
        reasons, supposed = declared(part), list(_supposed(part))
        found: dict[str, Any] = {"false": [], "unseen": [], "lost": {}}
        worst, read = 0.0, dict[tuple[str, int | None, int | None], NDArray[np.intp]]()
        for symmetry in SYMMETRIES:
            if reasons[symmetry]:
                roles = (Roles(part, shape, self.numbers.at, read) for shape in supposed)
                if reasons[symmetry] not in _NO_TOKENS and any(self._holds(symmetry, one) for one in roles):
                    found["lost"][symmetry] = reasons[symmetry]
                continue
            roles = Roles(part, part.architecture, self.numbers.at, read)
            change, control = (self._change(symmetry, roles, broken=broken) for broken in (False, True))
            if change > SAME and symmetry == "unit order":
                change = self._change("unit order of all", roles, broken=False)
            if change > SAME:
                found["false"].append(symmetry)
            elif control < MOVED:
                found["unseen"].append(symmetry)
            worst = max(worst, change)
        if not reasons["key order"] or "key order" in found["lost"]:
            found["lost"].pop("phases", None)  # quarter turns are among the signed permutations of channels
        return {key: value for key, value in found.items() if value} | {"change": float(f"{worst:.1e}")}

    def _holds(self, symmetry: str, roles: Roles) -> bool:
        """Whether a symmetry that is not declared holds, and the answers show it."""
        try:
            return 0 <= self._change(symmetry, roles, broken=False) <= SAME and (
                self._change(symmetry, roles, broken=True) > MOVED
            )
        except (ValueError, IndexError, KeyError, ZeroDivisionError, verify.VerifyError):
            return False  # supposed sizes do not fit the tensors

    def _change(self, symmetry: str, roles: Roles, *, broken: bool) -> float:
        """Change of the answers under a random element; -1 if it moves nothing, since there is no such group."""
        rng, element = np.random.default_rng(11), Element(len(self.numbers.values), broken=broken)
        moved = None
        if symmetry.startswith("stream"):
            width = roles.architecture.width
            order = rng.permutation(width)
            sign = rng.choice([-1, 1], width) if symmetry == "stream signs" else None
            move_stream(roles, element, order, sign)
            moved = order, np.ones(width) if sign is None else sign
        else:
            (GROUPS | {"unit order of all": unit_order_of_all})[symmetry](roles, element, rng)
        if not element.moves:
            return -1.0
        if element.key not in self._changes:
            answers = self._answers(element(self.numbers.values))
            self._changes[element.key] = _difference(self._before, answers, moved)
        return self._changes[element.key]


def _difference(
    before: Sequence[Tensor], after: Sequence[Tensor], moved: tuple[NDArray[Any], NDArray[Any]] | None
) -> float:
    """The largest change of an answer over its spread; where the stream is an answer, of it moved."""
    if [x.shape for x in before] != [x.shape for x in after]:
        return float("inf")
    worst = 0.0
    for x, y in zip((x.numpy() for x in before), (y.numpy() for y in after), strict=True):
        spread = float(np.nanstd(x)) or 1.0
        changes = [np.nanmax(np.abs(x - y)) / spread]
        if moved is not None and x.shape[-1] == len(moved[0]):
            changes.append(np.nanmax(np.abs(x[..., moved[0]] * moved[1] - y)) / spread)
        worst = max(worst, float(min(changes)))
    return worst


def _supposed(part: Checkpoint) -> Iterator[Architecture]:
    """What a part might be if its table, or its guess, said more."""
    family, config = part._family, part._source.config  # what a table would say is not asked elsewhere
    shapes = {key: part.shape(*key) for layer in (None, *range(part.architecture.layers)) for key in part.keys(layer)}
    heads = dict.fromkeys(("num_attention_heads",), 4)
    stated = replace(family, stated=True)
    generous: dict[str, Any] = {"odd_in_up": True, "linear_values": True, "heads_alike": True}
    free = replace(stated, **generous, query_key_norm="none", expert_groups=family.expert_groups or 1)
    tables = [stated]
    if family.attention != "latent":
        tables += [
            replace(free, positions="rotary", rotary="half"),
            replace(free, positions="rotary", rotary="interleaved"),
            replace(free, positions="learned", rotary=""),
        ]
    for table in tables:
        for said in (config, heads | config)[: 1 if config.get("num_attention_heads") else 2]:
            try:
                yield describe(table, shapes, said)[0]
            except CheckpointError:
                continue
