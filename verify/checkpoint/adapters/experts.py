"""LoRA of the experts that one tensor holds (peft's ``target_parameters``): W[e] + s B[e] A[e].

``lora_A`` [E r, in] has the experts one after the other, ``lora_B`` [out, r E] has them by turns: column k E + e is
rank k of expert e. Changes of several tensors of one module are nested, as ``experts.lora_A`` and
``experts.base_layer.lora_A``, in an order that is that of the module's code; shapes tell which is which. In a base
that holds each expert apart, transformers joins them as it loads them, and they are found under their own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, permutations

import numpy as np
from numpy.typing import NDArray

from ...base import OptionError, UnsupportedError
from ..formats.tensor import Indexer, Stacked, Tensor
from .changed import Changed
from .kind import Change
from .low_rank import scale
from .matrix import Excerpt, Matrix, Numbers, Product, Rows, Stored, places
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_NESTED = ".base_layer"
_MOST_NESTED = 4
_MOST_EXPERTS = 1 << 14
_APART = (("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2"))
"""Names of the matrices of an expert that is stored apart: those of gate and up, which are joined, and of down."""
_BLOCKS = ("", "block_sparse_moe", "feed_forward")
"""Names of the block around the experts, besides the one that the adapter gives."""


@dataclass(frozen=True)
class Parameter:
    """A tensor of experts in the base: stacked, or each apart in one or two parts."""

    name: str
    shape: tuple[int, int, int]
    apart: tuple[tuple[str, ...], ...] = ()
    """Names in the base, of each expert's parts; empty if stacked."""


@dataclass(frozen=True, eq=False)
class ByExpert:
    """``lora_B`` [out, r E], of which column k E + e is rank k of expert e."""

    tensor: Tensor
    experts: int

    def of(self, expert: int) -> NDArray[np.float32]:
        """The columns of an expert [out, r]; read once for experts that follow one another."""
        found: NDArray[np.float32] = _by_expert(self)[expert]
        return found


@lru_cache(maxsize=1)
def _by_expert(whole: ByExpert) -> NDArray[np.float32]:
    found = np.asarray(whole.tensor.read(), np.float32)
    return np.ascontiguousarray(found.reshape(len(found), -1, whole.experts).transpose(2, 0, 1))


@dataclass(frozen=True)
class OneExpert:
    """The part of ``lora_B`` that belongs to one expert [out, r]."""

    whole: ByExpert
    expert: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        outputs, columns = self.whole.tensor.shape
        return (outputs, columns // self.whole.experts)

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.whole.of(self.expert)
        found = found[slice(None) if rows is None else rows][:, slice(None) if columns is None else columns]
        return lambda which: found[which].astype(np.float64)

    def nbytes(self) -> int:
        """Its share of the whole."""
        return self.whole.tensor.nbytes() // self.whole.experts


@dataclass(frozen=True)
class Stack(Changed):
    """The matrices of all experts [E, out, in], or [E, in, out] if ``turned``, each with its change."""

    a: Tensor
    b: ByExpert
    scale: float
    turned: bool

    def entry(self, index: int) -> Sum:
        """The matrix of one expert."""
        assert isinstance(self.base, Stacked)
        left, right = self._factors(index)
        return Sum(self.base.entry(index), Product(left, right), self.scale)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored tensor and of the change."""
        return self.base.nbytes(rows, columns) + self.a.nbytes() + self.b.tensor.nbytes()

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some experts, and of them some rows."""
        chosen = places(self.shape[0])[slice(None) if rows is None else rows]
        found = [self.entry(int(e)).changed(columns, None) for e in chosen]
        return np.stack(found) if found else np.zeros((0, *self.shape[1:]))

    def _factors(self, e: int) -> tuple[Matrix, Matrix]:
        experts = self.shape[0]
        of_expert = slice(e * self.a.shape[0] // experts, (e + 1) * self.a.shape[0] // experts)
        if self.turned:
            return Excerpt(Stored(self.a, True), slice(None), of_expert), _Turned(OneExpert(self.b, e))
        return OneExpert(self.b, e), Excerpt(Stored(self.a), of_expert, slice(None))


@dataclass(frozen=True)
class _Turned:
    """A matrix transposed, which is read whole."""

    matrix: Matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.matrix.shape[::-1]

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self.matrix.part(columns, rows)(slice(None)).T
        return lambda which: found[which]

    def nbytes(self) -> int:
        """Of the matrix."""
        return self.matrix.nbytes()


def split(settings: Settings, modules: Mapping[str, Tensors], names: Names) -> tuple[dict[str, Tensors], list[str]]:
    """The modules with a matrix of their own, and those of which parameters are changed, without nesting.

    Parameters
    ----------
    settings : of the adapter.
    modules : parts of changes by module.
    names : of the base.
    """
    if not settings.config.get("target_parameters"):
        return dict(modules), []
    roots = {module: _root(module) for module in modules}
    matrices = {name: parts for name, parts in modules.items() if names.find(f"{roots[name]}.weight") is not None}
    return matrices, sorted({root for name, root in roots.items() if name not in matrices})


def changes(settings: Settings, root: str, modules: Mapping[str, Tensors], names: Names) -> dict[str, Change]:
    """Changes of the parameters of a module, by name in the base.

    Parameters
    ----------
    settings : of the adapter.
    root : name of the module.
    modules : parts of changes by module, with nesting.
    names : of the base.

    Raises
    ------
    CheckpointError
        If the base lacks them, or shapes do not tell which change is of which.
    """
    levels = [parts for name, parts in modules.items() if _root(name) == root]
    known = list(_parameters(settings, root, names))
    if any(sorted(parts) != ["lora_A", "lora_B"] for parts in levels) or settings.flag("use_dora"):
        raise settings.parts_missing(
            root, dict(chain(*(parts.items() for parts in levels))), "A and B of a parameter"
        )
    fits = _orders(settings, root, levels, known)
    if not fits:
        shapes = [list(parts[name].shape) for parts in levels for name in ("lora_A", "lora_B")]
        found = ", ".join(f"{at.name!r:.120} {list(at.shape)}" for at in known) or "none of them"
        raise OptionError(
            f"{settings.name} changes parameters of {root!r:.200} by {shapes!s:.300}, and the base has {found}; give "
            "the base that it was trained on."
        )
    turns = {turned for _, _, ways in fits[0] if len(ways) == 1 for turned in ways}
    if len(fits) > 1 or (len(turns) != 1 and any(len(ways) > 1 for _, _, ways in fits[0])):
        raise UnsupportedError(
            f"{settings.name} changes experts of {root!r:.200} whose matrices are square, so that shapes do not tell "
            f"inputs from outputs; {ELSEWHERE}."
        )
    result: dict[str, Change] = {}
    for parts, at, ways in fits[0]:
        turned = ways[0] if len(ways) == 1 else next(iter(turns))
        result |= _of(settings, root, parts, at, turned)
    return result


def _root(module: str) -> str:
    while module.endswith(_NESTED):
        module = module.removesuffix(_NESTED)
    return module


def _parameters(settings: Settings, root: str, names: Names) -> Iterator[Parameter]:
    """Parameters of the module that the settings target and the base has."""
    targets = settings.config.get("target_parameters")
    listed = [t for t in targets if isinstance(t, str)] if isinstance(targets, list) else []
    for short in sorted(
        {t.rpartition(".")[2] for t in listed if f".{root}.{t.rpartition('.')[2]}".endswith(f".{t}")}
    ):
        name = names.find(f"{root}.{short}")
        if name is not None and isinstance(names.base[name], Stacked):
            shape = names.base[name].shape
            if len(shape) == 3 and 0 < shape[0] <= _MOST_EXPERTS:
                yield Parameter(short, (shape[0], shape[1], shape[2]))
        elif short in ("gate_up_proj", "down_proj"):
            yield from _apart(short, root, names)


def _apart(short: str, root: str, names: Names) -> Iterator[Parameter]:
    """The parameter that transformers makes of experts that the base holds apart."""
    outer, block, last = f".{root}".rpartition(".")[0].rpartition(".")[0], *root.split(".")[-2:]
    for around in dict.fromkeys(one or block for one in _BLOCKS):
        for gate, up, down in _APART:
            which = (gate, up) if short == "gate_up_proj" else (down,)
            of_experts = list[tuple[str, ...]]()
            while len(of_experts) <= _MOST_EXPERTS:
                at = f"{outer}.{around}.{last}.{len(of_experts)}".lstrip(".")
                parts = [names.find(f"{at}.{one}.weight") for one in which]
                if any(part is None for part in parts):
                    break
                of_experts.append(tuple(str(part) for part in parts))
            shapes = {tuple(names.base[part].shape for part in parts) for parts in of_experts}
            if len(shapes) == 1 and len(sizes := {*next(iter(shapes))}) == 1 and len(size := next(iter(sizes))) == 2:
                yield Parameter(short, (len(of_experts), len(which) * size[0], size[1]), tuple(of_experts))
                return


def _orders(
    settings: Settings, root: str, levels: list[Tensors], known: list[Parameter]
) -> list[list[tuple[Tensors, Parameter, list[bool]]]]:
    """Every way to give each change a parameter that it fits."""
    if len(known) != len(levels) or len(levels) > _MOST_NESTED:
        return []
    found = []
    for order in permutations(known):
        pairs = list(zip(levels, order, strict=True))
        ways = [_fit(settings, root, parts, at) for parts, at in pairs]
        if all(ways):
            found.append([(*pair, way) for pair, way in zip(pairs, ways, strict=True)])
    return found


def _fit(settings: Settings, root: str, parts: Tensors, at: Parameter) -> list[bool]:
    """Whether inputs come before outputs in the base; both if shapes allow it, and neither if they do not fit."""
    a, b, rank = parts["lora_A"].shape, parts["lora_B"].shape, settings.rank(f"{root}.{at.name}")
    experts, first, second = at.shape
    if len(a) != 2 or len(b) != 2 or (a[0], b[1]) != (rank * experts, rank * experts) or rank > max(first, second):
        return []
    ways = [turned for turned in (False, True) if (b[0], a[1]) == ((second, first) if turned else (first, second))]
    return [way for way in ways if not (way and at.apart)]


def _of(settings: Settings, root: str, parts: Tensors, at: Parameter, turned: bool) -> dict[str, Change]:
    a, b = parts["lora_A"], ByExpert(parts["lora_B"], at.shape[0])
    factor = scale(settings, f"{root}.{at.name}")
    if not at.apart:
        return {f"{root}.{at.name}": partial(_stack, a=a, b=b, factor=factor, turned=turned)}
    rank = a.shape[0] // at.shape[0]
    result: dict[str, Change] = {}
    for e, names in enumerate(at.apart):
        rows = at.shape[1] // len(names)
        right = Excerpt(Stored(a), slice(e * rank, (e + 1) * rank), slice(None))
        for k, name in enumerate(names):
            left = Excerpt(OneExpert(b, e), slice(k * rows, (k + 1) * rows), slice(None))
            result[name] = partial(_sum, change=Product(left, right), factor=factor)
    return result


def _stack(base: Tensor, *, a: Tensor, b: ByExpert, factor: float, turned: bool) -> Tensor:
    return Stack(base, a, b, factor, turned)


def _sum(base: Tensor, *, change: Matrix, factor: float) -> Tensor:
    return Sum(base, change, factor)
