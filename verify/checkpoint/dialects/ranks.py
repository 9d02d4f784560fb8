"""Ranks of tensor parallelism as vLLM and SGLang save them, put together.

Files are named ``model-rank-0-part-0.safetensors`` and so on. Each rank keeps its share of the heads and hidden
units: rows of the matrices that compute them, columns of those that use them. In a rank q, k and v are one tensor,
and so are gate and up; a key-value head that several ranks use is in each of them. The rows of the vocabulary are
shared out after padding, which is left out here. What belongs to the residual stream is whole in every rank. A tensor
is joined only if the sizes in ``config.json`` confirm its share.

Of two names for one tensor the engines keep the one that sorts first, so tied embeddings are ``lm_head.weight``.

Sources: ``ShardedStateLoader.save_model``, ``layers/linear.py`` and ``layers/vocab_parallel_embedding.py`` of vLLM
0.33; the same of SGLang 0.5.23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...base import DamagedError, UnsupportedError
from ..formats.tensor import Tensor
from ..formats.weight_sets import rank_of
from ..hostile import count
from ..layouts.describe import HEAD_SIZES, HEADS
from ..layouts.families import FAMILIES
from ..layouts.layout import slot_of
from ..views import Window
from .slices import Joined

_PLAIN = ("F64", "F32", "F16", "BF16")
"""Types of numbers that have no scale beside them."""
_PADDED = 64
"""Rows of the vocabulary are padded to a multiple of this, and perhaps once more in each rank."""
_OUT = re.compile(r"(?:^|\.)(?P<module>(q|k|v|qkv|gate|up|gate_up)_proj)\.(?:weight|bias)$")
_IN = re.compile(r"(?:^|\.)(?P<module>o|down)_proj\.weight$")
_STREAM = re.compile(r"(?:^|\.)(?:(?:o|down)_proj\.bias|(?P<norm>\w*norm\w*)\.(?:weight|bias))$")
_TABLE = re.compile(r"(?:^|\.)(?:embed_tokens|lm_head)\.weight$")
_SCALE = re.compile(r"\.attn\._(?:q|k|v|prob)_scale$")
"""Of queries, keys, values and attention in float8: numbers that no weight is multiplied by."""
_FUSED = {"qkv_proj": ("q", "k", "v"), "gate_up_proj": ("gate", "up")}
_HEAD, _EMBED = "lm_head.weight", "embed_tokens.weight"


@dataclass(frozen=True)
class _Share:
    """What a rank holds of one role."""

    size: int
    """Heads times their size, or hidden units."""
    copies: int = 1
    """Ranks one after the other that hold the same."""


@dataclass(frozen=True)
class _Model:
    """The sizes that ``config.json`` gives, by which shares are known; each is 0 where it does not."""

    ranks: int
    width: int
    vocab: int
    head_size: int
    shares: Mapping[str, _Share]
    """By role; a role that the ranks cannot share is left out."""
    fused: frozenset[str]
    """Modules that are one tensor on the Hub too."""

    @staticmethod
    def of(config: Mapping[str, Any], ranks: int) -> _Model:
        """The sizes for a number of ranks."""
        text = config.get("text_config")
        own = text if isinstance(text, dict) else dict(config)
        width, hidden = count(own, "hidden_size") or 0, count(own, "intermediate_size") or 0
        heads = count(own, *HEADS) or 0
        kv_heads = count(own, "num_key_value_heads", default=heads) or 0
        size = count(own, *HEAD_SIZES) or (width // heads if heads else 0)
        shares = dict[str, _Share]()
        if heads and heads % ranks == 0:
            shares |= {"q": _Share(heads // ranks * size), "o": _Share(heads // ranks * size)}
        if kv_heads and kv_heads % ranks == 0:
            shares |= dict.fromkeys("kv", _Share(kv_heads // ranks * size))
        elif kv_heads and ranks % kv_heads == 0:
            shares |= dict.fromkeys("kv", _Share(size, ranks // kv_heads))
        if hidden and hidden % ranks == 0:
            shares |= dict.fromkeys(("gate", "up", "down"), _Share(hidden // ranks))
        return _Model(
            ranks, width, count(own, "vocab_size") or 0, size, shares, frozenset(_fused(own.get("model_type")))
        )


def put_together(name: str, files: Sequence[Mapping[str, Tensor]], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a model of which every rank saved its share.

    Parameters
    ----------
    name : of the checkpoint, for messages.
    files : the tensors of each file by name.
    config : content of ``config.json``.

    Returns
    -------
    dict
        Whole tensors by their names on the Hub.

    Raises
    ------
    CheckpointError
        If a rank is missing, or it is not certain how a tensor was shared out.
    """
    ranks = _by_rank(name, files)
    model = _Model.of(config, len(ranks))
    if any(_OUT.search(stored) and tensor.dtype not in _PLAIN for stored, tensor in ranks[0].items()):
        model = replace(model, fused=frozenset(_FUSED))  # quantised ones stay in one tensor, so all do
    found: dict[str, Tensor] = {}
    for stored in dict.fromkeys(stored for rank in ranks for stored in rank):
        if _SCALE.search(stored):
            continue
        parts = [rank[stored] for rank in ranks if stored in rank]
        if len(parts) < len(ranks) or len({(part.dtype, part.shape) for part in parts}) > 1:
            raise DamagedError(
                f"The {len(ranks)} ranks of {name} do not all have {stored!r:.200} as {parts[0].dtype} "
                f"{parts[0].shape}; expected slices of one model; obtain them again."
            )
        plain = parts[0].dtype in _PLAIN
        whole = dict(_whole(stored, parts, model)) if plain else {}
        if not whole and (len(ranks) > 1 or (plain and _is_a_share(stored, parts[0], model))):
            many = f"{len(ranks)} ranks" if len(ranks) > 1 else "one rank"
            raise UnsupportedError(
                f"{name} holds {many} of tensor parallelism, and the sizes in config.json do not make it certain how "
                f"{stored!r:.200} of shape {parts[0].shape} was shared out; put all ranks and the model's own "
                "config.json there, or give the whole model."
            )
        found |= whole or {stored: parts[0]}
    if _HEAD in (one.removeprefix("language_model.") for one in found) and not any(_EMBED in one for one in found):
        found = {one.replace(_HEAD, f"model.{_EMBED}"): tensor for one, tensor in found.items()}
    return found


def _by_rank(name: str, files: Iterable[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
    """The tensors of each rank, of all its files."""
    ranks: dict[int, dict[str, Tensor]] = {}
    for stored, tensor in (entry for file in files for entry in file.items()):
        rank = ranks.setdefault(rank_of(tensor.file) or 0, {})
        if stored in rank:
            raise DamagedError(
                f"Tensor {stored!r:.200} is in both {rank[stored].file} and {tensor.file}; expected it once."
            )
        rank[stored] = tensor
    if (missing := next((n for n in range(len(ranks)) if n not in ranks), None)) is not None or not ranks:
        raise DamagedError(
            f"{name} holds {len(ranks)} ranks of one model, and none of them is number {missing or 0}; obtain it too."
        )
    return [ranks[n] for n in sorted(ranks)]


def _is_a_share(name: str, tensor: Tensor, model: _Model) -> bool:
    """Whether the only rank there is holds another number of heads or hidden units than ``config.json`` gives."""
    match = _OUT.search(name)
    roles = () if match is None else _FUSED.get(match["module"], (match["module"].removesuffix("_proj"),))
    return {*roles} & {*model.shares} != set() and tensor.shape[1:] == (model.width,)


def _whole(name: str, parts: Sequence[Tensor], model: _Model) -> Iterator[tuple[str, Tensor]]:
    """The whole tensors that the parts of one name make; none if the sizes do not confirm how it was shared out."""
    shape = parts[0].shape
    if (match := _OUT.search(name)) is not None:
        module = match["module"]
        roles = _FUSED.get(module, (module.removesuffix("_proj"),))
        shares = [model.shares[role] for role in roles if role in model.shares]
        if len(shares) < len(roles) or shape != (sum(share.size for share in shares), model.width)[: len(shape)]:
            return
        pieces, start = list[list[Tensor]](), 0
        for share in shares:
            pieces.append([Window(part, 0, start, share.size) for part in parts[:: share.copies]])
            start += share.size
        if len(roles) == 1 or module in model.fused:
            yield name, Joined(tuple(piece for of_role in pieces for piece in of_role), 0)
        else:
            for role, of_role in zip(roles, pieces, strict=True):
                yield name.replace(f"{module}.", f"{role}_proj."), Joined(tuple(of_role), 0)
    elif (match := _IN.search(name)) is not None:
        role = match["module"]
        if role in model.shares and shape == (model.width, model.shares[role].size):
            yield name, Joined(tuple(parts), 1)
    elif (match := _STREAM.search(name)) is not None:
        of_heads = match["norm"] in ("q_norm", "k_norm")
        # where a rank has one head, its share of a norm of all channels has the shape of a norm of one head
        single = of_heads and model.ranks > 1 and model.shares.get("q", _Share(0)).size == model.head_size
        if shape == (model.head_size if of_heads else model.width,) and not single:
            yield name, parts[0]
    elif _TABLE.search(name) is not None and shape[1:] == (model.width,):
        padding = shape[0] * model.ranks - model.vocab
        if model.vocab and 0 <= padding < _PADDED * model.ranks:
            yield name, Window(Joined(tuple(parts), 0), 0, 0, model.vocab)


def _fused(model_type: object) -> Iterator[str]:
    """The modules that the table of a model type itself keeps in one tensor."""
    for family in FAMILIES.of_types([model_type]):
        for entry in family.layer.values():
            module = slot_of(entry).name.removesuffix(".weight").rpartition(".")[2]
            if module in _FUSED:
                yield module
