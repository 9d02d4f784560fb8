r"""A LoRA without its base, as a model of its own: the rank channels of its matrices in place of hidden units.

What can be compared. The change of a module is B A = sum over k of b_k a_k, with columns b_k of B [out, r] and rows
a_k of A [r, in]. Permuting the r channels of one module, rows of A with columns of B, changes nothing, in each module
by itself. So channels are to a module what hidden units without a gate are to an MLP, and ``unit_identity`` compares
their rows a_k. Null hypothesis: the order of the channels of each module of one adapter carries no information about
their order in the other. Group: permutations of the r channels, independently of the other modules.

Theorem (rank channels). Let one adapter be trained from A with exchangeable rows given the base, the data, all else
that is random in training and the other adapter (such as independent numbers of one distribution: PEFT draws A
uniform or Gaussian), and B = 0; by a loss of the products B A alone (with DoRA, of these and the lengths), and by an
optimiser that treats all entries of A by one rule and all of B by one rule (SGD, Adam(W), Lion; weight decay;
clipping by the norm of the whole; other rates for A and for B, as LoRA+ has; A frozen, as LoRA-FA has it). Then,
given the other adapter, the channels of its modules are exchangeable, independently of one another.

Proof. Let permutations s, one for each module, act on rows of A, columns of B, their gradients and the states of the
optimiser. The loss has L(s w) = L(w) for every batch, so grad L(s w) = s grad L(w), and one rule for all entries says
that a step U has U(s w) = s U(w); by induction training maps s w_0 to s w_n. Given the rest, s w_0 has the
distribution of w_0 (s fixes B = 0); so s w_n has that of w_n. ∎

The base need not be exchangeable in anything, and both adapters may be of one base, and trained on one text. What
depends on the two is which rows look alike, never at which index they are.

What breaks it, and is refused. *Initial factors made from the base or the data* have an order of their own, which two
strangers on one base share: PiSSA, OLoRA, CorDA, LoftQ, EVA, LoRA-GA are refused by ``init_lora_weights``, and so is
``orthogonal``, whose law under permutations is not known. A converted one (or a LoRA extracted from the difference of
two models) says nothing of it, so the numbers are looked at, too: channels in order of length, rows of A or columns
of B at right angles, or a second half that repeats the first (``_arranged``). The check looks at one adapter alone
and can only refuse, so it adds nothing to the size of the test. AdaLoRA is refused: it removes channels by rank.
*Stacked adapters* (``cat`` of PEFT's ``add_weighted_adapter``) have the channels of one text before those of another,
in the same order in all that stack the same texts; these resemble one another (``_in_classes``). In modules of fewer
than 4 channels nothing could be seen, so they are refused.

What it cannot tell: *a common seed*. The same code with the same default seed draws the same A for every adapter of a
base; these are dependent, without any relation of their texts or makers.

Only A is read, of the modules of the most frequent size; B, biases and modules trained whole are compared by no test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from ...inference import mantel
from ..architecture import Architecture
from ..formats.tensor import Tensor
from ..layouts.fit import Fit
from ..layouts.layout import Family, Slot
from .settings import Tensors

ALONE = Family(
    name="lora",
    model_types=("lora",),
    prefixes=("",),
    globals={},
    layer={"up": "{i}.lora_A.weight", "down": Slot("{i}.lora_A.weight", transposed=True)},
    outside=(".",),
    required=("up",),
    gated=False,
    odd_in_up=False,
    linear_values=False,
    attention="unknown",
    positions="none",
    by_names=False,
    kind="adapter",
    stated=True,
)
"""A LoRA without its base: ``up`` is A, and ``down`` its transpose, so that both have the width of the inputs."""

_RANDOM = (None, True, False, "gaussian")
"""Values of ``init_lora_weights`` under which the rows of A are exchangeable."""
_OTHERWISE = (
    "layer_replication",
    "monteclora_config",
    "use_bdlora",
    "use_qalora",
    "kasa_config",
    "target_parameters",
)
_PARTS = re.compile(r"(.+)\.lora_([AB])\.weight")
_LEAST = 4  # channels of a module among which an order shows
_SURE = 3.5  # standard deviations
_SURER = 4.0
_FEW = 8
_ALIKE = 0.7  # absolute cosine
_SAMPLED = 64  # modules
_COSINES = 1 << 22  # of all these
_MOST = 2048  # channels of a module
_LARGEST = 1 << 25  # numbers of a factor

Numbers = NDArray[np.float64]


def is_alone(shape: Architecture) -> bool:
    """Whether a model is an adapter without its base."""
    return shape.family == ALONE.name


def alone(name: str, config: dict[str, Any], found: Tensors) -> Fit | None:
    """The part that an adapter without its base is; None if it is no LoRA of random initial rows, as far as it says.

    Parameters
    ----------
    name : of the adapter, for messages.
    config : content of its ``adapter_config.json``.
    found : its tensors by name.

    Raises
    ------
    CheckpointError
        If its numbers have an order that the base or the data gave them.
    """
    random = config.get("init_lora_weights") in _RANDOM
    if config.get("peft_type") != "LORA" or not random or any(config.get(key) for key in _OTHERWISE):
        return None
    modules = _modules(found)
    sizes = Counter((a.shape, a.dtype) for a, _ in modules.values())
    if not sizes:
        return None
    (shape, _), _ = max(sizes.items(), key=lambda item: (item[1], item[0][0][1], -item[0][0][0]))
    if shape[0] < _LEAST:
        raise UnsupportedError(
            f"{name} is an adapter without its base of rank {shape[0]}; expected at least {_LEAST}, since the "
            "order of fewer rank channels is no evidence; give its base (--base, or --base-a and --base-b)."
        )
    kept = {module: pair for module, pair in modules.items() if pair[0].shape == shape}
    sampled = min(_SAMPLED, max(1, _COSINES // shape[0] ** 2))
    if (why := _arranged(list(kept.values())[:: max(1, len(kept) // sampled)])) is not None:
        raise UnsupportedError(
            f"{name} is an adapter without its base whose rank channels {why}, like factors computed from a base or "
            "a difference of models, or several adapters stacked, whose order is no evidence; give its base (--base, "
            "or --base-a and --base-b)."
        )
    slots = {role: entry if isinstance(entry, Slot) else Slot(entry) for role, entry in ALONE.layer.items()}
    keys = {
        pair[0].name: [((role, layer, None), slot) for role, slot in slots.items()]
        for layer, pair in enumerate(kept.values())
    }
    return Fit(ALONE, ("", ""), "", ALONE.kind, keys, {"model_type": "lora"}, True)


def modules_apart(outside: Iterable[str]) -> list[str]:
    """Modules of which no factor was compared, by names of tensors that were not; numbers of layers are left out.

    Examples
    --------
    >>> modules_apart(["m.0.q.lora_B.weight", "m.0.down.lora_A.weight", "m.1.down.lora_A.weight"])
    ['m.*.down', 'm.*.down']
    """
    matches = (_PARTS.fullmatch(name) for name in outside)
    return [re.sub(r"(?<=\.)[0-9]+(?=\.)", "*", match[1]) for match in matches if match and match[2] == "A"]


def _modules(found: Tensors) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of each module that has both, in the order of the model."""
    parts: dict[str, dict[str, Tensor]] = {}
    for stored, tensor in found.items():
        if (match := _PARTS.fullmatch(stored)) is not None:
            parts.setdefault(match[1], {})[match[2]] = tensor
    whole = {module: (two["A"], two["B"]) for module, two in parts.items() if len(two) == 2}
    fit = {
        module: (a, b)
        for module, (a, b) in whole.items()
        if len(a.shape) == len(b.shape) == 2 and a.shape[0] == b.shape[1] and 0 < a.shape[0] < min(a.shape[1], _MOST)
        if max(a.shape[0] * a.shape[1], b.shape[0] * b.shape[1]) <= _LARGEST
    }
    return {module: fit[module] for module in sorted(fit, key=_numbered)}


def _numbered(module: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name by their value."""
    return [(int(word[:9]), "") if word.isascii() and word.isdigit() else (-1, word) for word in module.split(".")]


def _arranged(pairs: Iterable[tuple[Tensor, Tensor]]) -> str | None:
    """How the channels of an adapter are arranged by more than chance, in words; None if they are not."""
    modules = [
        tuple(_factor(vectors) for vectors in (_read(a), _read(b).T)) for a, b in pairs
    ]  # one in memory at a time
    orders = (
        [a.lengths for a, _ in modules],
        [b.lengths for _, b in modules],
        [a.lengths * b.lengths for a, b in modules],
    )
    if any(_ordered(one) for one in orders):
        return "are in order of length"
    for side in (0, 1):
        if _at_right_angles([module[side] for module in modules]):
            return "are at right angles to one another"
    if _repeated([a for a, _ in modules]):
        return "repeat those of their first half"
    squares = [(np.square(a.cosines), np.square(b.cosines)) for a, b in modules]
    if _in_classes(a for a, _ in squares) or _in_classes(a + b for a, b in squares):
        return "are more alike the nearer they stand"
    return None


def _read(tensor: Tensor) -> Numbers:
    with np.errstate(all="ignore"):  # signalling NaNs
        return np.asarray(tensor.read(), np.float64)


class _Factor(NamedTuple):
    """The channels of one factor of a module."""

    lengths: Numbers
    """Shape [r]."""
    cosines: Numbers
    """Of every two, shape [r, r]; 0 with a channel of zeros."""
    size: int
    """Numbers of a channel."""


def _factor(vectors: Numbers) -> _Factor:
    """The channels of a factor; one that is not finite counts as zeros, since a NaN would pass every check."""
    vectors = np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0.0)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
        unit = vectors / np.maximum(lengths, np.finfo(np.float64).tiny)[:, None]
        return _Factor(lengths, unit @ unit.T, vectors.shape[1])


def _ordered(lengths: Iterable[Numbers]) -> bool:
    """Whether lengths rise or fall with the index, by Kendall's statistic over all modules together.

    Exchangeable lengths give each module a mean of 0 and a variance of at most n (n - 1) (2 n + 5) / 18.
    """
    total, variance = 0.0, 0.0
    for one in lengths:
        n = len(one)
        total += float(np.sign(one[None, :] - one[:, None])[np.triu_indices(n, 1)].sum())
        variance += n * (n - 1) * (2 * n + 5) / 18
    return bool(abs(total) > _SURE * sqrt(variance)) and variance > 0


def _at_right_angles(factors: Iterable[_Factor]) -> bool:
    """Whether squared cosines of channels are smaller than those of random vectors, beyond chance and by half.

    Times their size, these are nearly squares of Gaussian numbers; the sum of n is judged by the normal approximation
    to its cubic root (Wilson and Hilferty, PNAS 17, 1931), which holds for small n and small sums.
    """
    total, pairs = 0.0, 0
    for one in factors:
        live = one.lengths > 0
        cosines = one.cosines[np.ix_(live, live)][np.triu_indices(int(live.sum()), 1)]
        total += float(np.square(cosines).sum()) * one.size
        pairs += len(cosines)
    step = 2 / (9 * max(1, pairs))
    surprise = pairs > 0 and (total / pairs) ** (1 / 3) < 1 - step - _SURE * sqrt(step)
    return surprise and total < pairs / 2  # long training alone brings the columns of B to four fifths


def _repeated(factors: Iterable[_Factor]) -> bool:
    """Whether channels of the second half lie along those of the first at the same places, as in a converted adapter.

    Of exchangeable channels, the number of those that are most like their own place in the other half has a mean and
    a variance of at most 1 a module (``inference.fixed_points``). Where so few can be no surprise, it is one that at
    their own place nearly all are alike, and nearly none at others.
    """
    matched, modules = 0, 0
    own, others = list[float](), list[float]()
    for one in factors:
        half = len(one.lengths) // 2
        if half > 1 and len(one.lengths) % 2 == 0:
            alike, same = np.abs(one.cosines[:half, half:]), np.eye(half, dtype=bool)
            matched += int((alike.argmax(1) == np.arange(half)).sum())
            own, others = [*own, *alike[same]], [*others, *alike[~same]]
            modules += 1
    apart = len(own) >= _FEW and np.quantile(own, 0.1) > _ALIKE > np.quantile(others, 0.9)
    return bool(apart) or matched > modules + _SURE * sqrt(modules)


def _in_classes(likeness: Iterable[Numbers]) -> bool:
    """Whether channels are more alike the nearer they stand (``inference.mantel_test``).

    The sign of a channel is of chance, so channels that learned one text are alike up to sign alone. Columns of B lie
    in few dimensions, so sums over few modules have longer tails than normal ones.
    """
    moments = np.zeros(2)
    for one in likeness:
        places = np.arange(len(one))
        moments += mantel(one, np.abs(places[:, None] - places).astype(np.float64))
    return bool(moments[0] < -_SURER * sqrt(moments[1])) and moments[1] > 0
