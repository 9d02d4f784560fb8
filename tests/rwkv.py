"""Toys of RWKV 5 to 7 under each set of names, and what their layers compute, in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.checkpoints import Array, Toy
from tests.hybrids import VOCAB, WIDTH, drawn

Numbers = NDArray[np.float64]
LAYERS, HIDDEN, HEADS = 3, 20, 3
SIZE = WIDTH // HEADS
_TIME = ("receptance", "key", "value", "gate", "output")


def hub(version: int = 5, seed: int = 0) -> Toy:
    """As converted for the Hub, RWKV 5 or 6."""
    share = "time_mix_key" if version == 5 else "time_maa_k"
    shapes = _outside("rwkv.embeddings", "rwkv.ln_out", "head")
    for i in range(LAYERS):
        at = f"rwkv.blocks.{i}."
        shapes |= _norms(at, "ln1", "ln2", *(["pre_ln"] if i == 0 else [])) | _norms(at, "attention.ln_x")
        shapes |= {f"{at}attention.{name}.weight": (WIDTH, WIDTH) for name in _TIME}
        shapes |= {f"{at}attention.{name}": (HEADS, SIZE) for name in ("time_decay", "time_faaaa")}
        shapes |= {f"{at}feed_forward.{share}": (1, 1, WIDTH)} | _mlp(f"{at}feed_forward.", receptance=True)
    return Toy(drawn(shapes, seed), {"model_type": f"rwkv{version}", "hidden_size": WIDTH}, {})


def original(version: int = 7, seed: int = 0) -> Toy:
    """As its authors save it, without settings."""
    shapes = _outside("emb", "ln_out", "head")
    for i in range(LAYERS):
        at = f"blocks.{i}."
        shapes |= _norms(at, "ln1", "ln2", *(["ln0"] if i == 0 else [])) | _norms(at, "att.ln_x")
        shapes |= {f"{at}att.{name}.weight": (WIDTH, WIDTH) for name in _TIME[:3]} | {f"{at}att.r_k": (HEADS, SIZE)}
        shapes |= {f"{at}ffn.{'x_k' if version == 7 else 'time_maa_k'}": (1, 1, WIDTH)}
        shapes |= _mlp(f"{at}ffn.", receptance=version < 7)
    return Toy(drawn(shapes, seed), {}, {})


def fla(version: int = 7, seed: int = 0) -> Toy:
    """As flash-linear-attention saves it, RWKV 6 or 7."""
    shapes = _outside("model.embeddings", "model.norm", "lm_head")
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        shapes |= _norms(at, "attn_norm", "ffn_norm", *(["pre_norm"] if i == 0 else []))
        shapes |= {f"{at}attn.{role}_proj.weight": (WIDTH, WIDTH) for role in "rkvo"}
        mlp = _mlp(f"{at}ffn.", receptance=version == 6)
        if version == 6:
            mlp = {name.replace("key.", "key.linear.").replace("nce.", "nce.linear."): x for name, x in mlp.items()}
            mlp |= {f"{at}ffn.{name}.mu": (WIDTH,) for name in ("key", "receptance")}
        shapes |= mlp if version == 6 else mlp | {f"{at}ffn.x_k": (WIDTH,)}
    return Toy(drawn(shapes, seed), {"model_type": f"rwkv{version}", "hidden_size": WIDTH}, {})


def mlp_outputs(tensors: Mapping[str, Array], at: str, x: Numbers) -> Numbers:
    """What an MLP writes, of any version and names, shape [context, width]."""
    w = {n.removeprefix(at).replace(".linear", ""): y.astype(np.float64) for n, y in tensors.items() if at in n}
    delta = np.concatenate([np.zeros((1, x.shape[1])), x[:-1]]) - x
    share = next(y for name, y in w.items() if "time_m" in name or name in ("x_k", "key.mu")).reshape(-1)
    written = np.maximum((x + delta * share) @ w["key.weight"].T, 0) ** 2 @ w["value.weight"].T
    if "receptance.weight" in w:
        written = written / (1 + np.exp(-x @ w["receptance.weight"].T))
    done: Numbers = written
    return done


def time_mixing(tensors: Mapping[str, Array], at: str, x: Numbers) -> Numbers:
    """What the time mixing of RWKV 5 writes of its inputs, each mixed with none before it, shape [context, width]."""
    w = {name.removeprefix(at): value.astype(np.float64) for name, value in tensors.items() if name.startswith(at)}
    r, k, v = ((x @ w[f"{name}.weight"].T).reshape(len(x), HEADS, SIZE) for name in _TIME[:3])
    decay, state, out = np.exp(-np.exp(w["time_decay"])), np.zeros((HEADS, SIZE, SIZE)), []
    for t in range(len(x)):
        new = k[t][:, :, None] * v[t][:, None]
        out.append(np.einsum("hk,hkv->hv", r[t], state + w["time_faaaa"][:, :, None] * new))
        state = state * decay[:, :, None] + new
    mixed = np.array(out)
    mixed = (mixed - mixed.mean(-1, keepdims=True)) / np.sqrt(mixed.var(-1, keepdims=True) + 1e-5)
    normed = mixed.reshape(len(x), -1) * w["ln_x.weight"] + w["ln_x.bias"]
    gate = x @ w["gate.weight"].T
    written: Numbers = (normed * gate / (1 + np.exp(-gate))) @ w["output.weight"].T
    return written


def _outside(embed: str, norm: str, head: str) -> dict[str, Any]:
    return {f"{embed}.weight": (VOCAB, WIDTH), f"{head}.weight": (VOCAB, WIDTH)} | _norms("", norm)


def _norms(at: str, *names: str) -> dict[str, tuple[int, ...]]:
    return {f"{at}{name}.{kind}": (WIDTH,) for name in names for kind in ("weight", "bias")}


def _mlp(at: str, *, receptance: bool) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {f"{at}key.weight": (HIDDEN, WIDTH), f"{at}value.weight": (WIDTH, HIDDEN)}
    return found | ({f"{at}receptance.weight": (WIDTH, WIDTH)} if receptance else {})
