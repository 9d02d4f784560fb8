"""``python -m benchmarks.transformer_lens_symmetries``: what is declared of models of TransformerLens.

Needs ``pip install "transformer-lens<4"``, the last with ``HookedTransformer``. Models of toy width with random
numbers are saved under their own names and read; a random element of every group that a test rests on is applied to
the stored numbers, and answers are compared, as in the census (:mod:`benchmarks.architectures`). Ends
with an error if a symmetry that is declared changes them, or its broken form does not.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

from verify.checkpoint import open_checkpoint

from .architectures.declared import SYMMETRIES, declared
from .architectures.groups import GROUPS, Roles, unit_order_of_all
from .architectures.numbers import WEIGHTS, Element, Numbers
from .architectures.stream import move_stream

SAME, MOVED = 1e-4, 1e-2
"""The largest change of an answer under a symmetry, and the least of a broken one, over the spread of answers."""
SIZES: dict[str, Any] = {"n_layers": 2, "d_model": 32, "n_ctx": 24, "d_head": 8, "n_heads": 4, "d_mlp": 48}
SIZES |= {"d_vocab": 60, "act_fn": "gelu_new", "normalization_type": "LN", "seed": 0, "device": "cpu"}
_ROTARY: dict[str, Any] = {"positional_embedding_type": "rotary", "rotary_dim": 8}
_GATED: dict[str, Any] = {"normalization_type": "RMS", "gated_mlp": True, "act_fn": "silu", **_ROTARY}
MODELS: dict[str, dict[str, Any]] = {
    "standard": {},
    "shortformer": {"positional_embedding_type": "shortformer"},
    "alibi": {"positional_embedding_type": "alibi"},
    "rotary": _ROTARY | {"rotary_dim": 4},
    "rotary, adjacent": _ROTARY | {"rotary_adjacent_pairs": True},
    "in parallel": _ROTARY | {"rotary_dim": 4, "parallel_attn_mlp": True},
    "gated": _GATED | {"n_key_value_heads": 2},
    "gated, norms of q and k": _GATED | {"use_qk_norm": True},
    "norm of units": {"act_fn": "solu_ln"},
    "layer norms folded": {"normalization_type": "LNPre"},
    "RMS norms folded": {"normalization_type": "RMSPre", **_ROTARY},
}


def main() -> None:
    """Apply every declared symmetry to every model, and print by how much answers change."""
    wrong = []
    for name, changes in MODELS.items():
        for symmetry, change, control in _tried(changes):
            print(f"{name:26s}{symmetry:16s}{change:9.0e}{control:9.1g}", flush=True)
            if change > SAME or control < MOVED:
                wrong.append(f"{symmetry} of {name}")
    if wrong:
        raise SystemExit(f"Not as declared: {', '.join(wrong)}.")


def _tried(changes: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Each declared symmetry, and the change of answers under it and under its broken form."""
    config = HookedTransformerConfig(**(SIZES | changes))
    model = HookedTransformer(config).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for value in model.parameters():
            noise = torch.randn_like(value)
            value.copy_(noise / value.shape[-1] ** 0.5 if value.ndim > 1 else value + 0.3 * noise)
        ids = torch.randint(0, SIZES["d_vocab"], (2, 12))
        before = model(ids)
    stored = {name: value.clone() for name, value in model.state_dict().items() if not name.endswith("IGNORE")}
    with tempfile.TemporaryDirectory() as at:
        folder = Path(at) / "model"
        folder.mkdir()
        save_file({name: value.contiguous() for name, value in stored.items()}, folder / WEIGHTS)
        said = {key: value for key, value in config.to_dict().items() if isinstance(value, int | float | str | None)}
        (folder / "config.json").write_text(json.dumps(said), "utf-8")
        numbers = Numbers(folder)
        places = open_checkpoint(numbers.write_places(Path(at) / "places"))
        roles = Roles(places, places.architecture, numbers.at)

        def change(symmetry: str, *, broken: bool) -> float:
            element = _element(symmetry, roles, len(numbers.values), broken=broken)
            moved = numbers.cut(element(numbers.values))
            model.load_state_dict({name: torch.tensor(np.array(x)) for name, x in moved.items()}, strict=False)
            with torch.no_grad():
                return float((model(ids) - before).abs().max() / before.std())

        used = [symmetry for symmetry, reason in declared(places).items() if not reason]
        return [(name, change(name, broken=False), change(name, broken=True)) for name in used]


def _element(symmetry: str, roles: Roles, count: int, *, broken: bool) -> Element:
    element, rng = Element(count, broken=broken), np.random.default_rng(3)
    if symmetry in GROUPS:
        group = GROUPS[symmetry] if symmetry != "unit order" else unit_order_of_all  # with the norm of units
        group(roles, element, rng)
    else:
        assert symmetry in SYMMETRIES
        order = rng.permutation(roles.architecture.width)
        sign = rng.choice([-1, 1], len(order)) if symmetry == "stream signs" else None
        move_stream(roles, element, order, sign)
    return element


if __name__ == "__main__":
    main()
