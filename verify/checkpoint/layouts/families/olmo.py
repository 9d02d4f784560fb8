"""OLMo 1 and 2: names of Llama; 1 has layer norms without weights, 2 norms what the sublayers add to the stream.

Hybrids of 3 have linear attention in most layers.

Some of 1 clip q, k and v: each channel by itself and alike on both sides, so channels keep their symmetries.

Its own code (``hf_olmo``, as of DataDecide) has names of its own: q, k and v lie in one tensor, all q heads first; up
and gate in another, up first, ``up, gate = chunk(x, 2); silu(gate) * up`` (allenai/OLMo, ``olmo/model.py``). Norm,
activation and positions are as ``config.json`` says, and where it is silent the defaults of that code.
"""

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv, with_bias
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS

_ATTENTION = {role: name for role, name in ATTENTION.items() if not role.startswith("norm_")}
_PLAIN = {role: name for role, name in _ATTENTION.items() if role not in ("q_norm", "k_norm")}
_OUTPUTS: dict[str, str | Slot] = {
    "norm_attn_out": "layers.{i}.post_attention_layernorm.weight",
    "norm_mlp_out": "layers.{i}.post_feedforward_layernorm.weight",
}
_REQUIRED = ("embed", "q", "k", "v", "o", "gate", "up", "down")

OLMO = Family(
    name="olmo",
    model_types=("olmo",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight"},
    layer=_PLAIN | DENSE,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=_REQUIRED,
    norm="layer",
    by_names=False,
    rotary="half",
    query_key_norm="none",
)

OLMO2 = Family(
    name="olmo2",
    model_types=("olmo2", "olmo3", "exaone4"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=_ATTENTION | DENSE | _OUTPUTS,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=(*_REQUIRED, "q_norm", "k_norm", "norm_attn_out", "norm_mlp_out"),
    post_norm=True,
    rotary="half",
    query_key_norm="gain",
)

OLMO_HYBRID = replace(
    OLMO2,
    name="olmo_hybrid",
    model_types=("olmo_hybrid",),
    outside=(r"\.linear_attn\.", r"\.(attention|feedforward)_layer_norm\.weight$"),
    required=("embed", "gate", "up", "down"),
    by_names=False,
)

FLEX_OLMO = replace(
    OLMO2,
    name="flex_olmo",
    model_types=("flex_olmo",),
    layer=_ATTENTION | _OUTPUTS | EXPERTS | {"router": "layers.{i}.mlp.gate.weight"},
    required=(*_REQUIRED[:-3], "q_norm", "norm_attn_out", "expert_gate"),
    expert_groups=1,
)

_NAMED: dict[str, str | Slot] = fused_qkv("blocks.{i}.att_proj", "heads") | with_bias(
    o="blocks.{i}.attn_out", down="blocks.{i}.ff_out", q_norm="blocks.{i}.q_norm", k_norm="blocks.{i}.k_norm"
)
_BEFORE = with_bias(norm_attn="blocks.{i}.attn_norm", norm_mlp="blocks.{i}.ff_norm")
_AFTER = with_bias(norm_attn_out="blocks.{i}.attn_norm", norm_mlp_out="blocks.{i}.ff_norm")
_UP_GATE: dict[str, str | Slot] = {
    role + suffix: Slot(f"blocks.{{i}}.ff_proj.{kind}", part=(n, 2))
    for n, role in enumerate(("up", "gate"))
    for suffix, kind in (("", "weight"), ("_bias", "bias"))
}
_PLAIN_MLP = {
    "gated": False,
    "odd_in_up": False,
    "layer": _NAMED | _BEFORE | with_bias(up="blocks.{i}.ff_proj"),
}

HF_OLMO = Family(
    name="hf_olmo",
    model_types=("hf_olmo",),
    prefixes=("model.transformer.", "transformer.", ""),
    globals={
        "embed": "wte.weight",
        "position": "wpe.weight",
        "unembed": "ff_out.weight",
        **with_bias(norm_final="ln_f", norm_embed="emb_norm"),
    },
    layer=_NAMED | _BEFORE | _UP_GATE,
    required=("embed", "q", "o", "up", "down"),
    norm="layer",
    by_names=False,
    positions="learned",
    kv_heads=("n_kv_heads", "n_heads"),
    query_key_norm="none",
    other_meaning=("vocab_size",),  # of the tokenizer; the embedding has embedding_size rows
    switches={
        "layer_norm_type=rms": {"norm": "rms"},
        "activation_type=gelu": _PLAIN_MLP,
        "activation_type=relu": _PLAIN_MLP,
        "rope": {"positions": "rotary", "rotary": "half"},
        "alibi": {"positions": "none"},
        "multi_query_attention": {"kv_heads": 1},
        "attention_layer_norm": {"query_key_norm": "unknown"},
        "norm_after": {"post_norm": True, "layer": _NAMED | _AFTER | _UP_GATE},
        "weight_tying": {"tied": True},
    },
)
