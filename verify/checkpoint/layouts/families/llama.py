"""Llama, Mistral, Qwen2, Qwen3 and all that copy their names."""

from ..layout import Family, Slot, fused_qkv

ATTENTION: dict[str, str | Slot] = {
    **{role: f"layers.{{i}}.self_attn.{role}_proj.weight" for role in "qkvo"},
    **{f"{role}_bias": f"layers.{{i}}.self_attn.{role}_proj.bias" for role in "qkvo"},
    "q_norm": "layers.{i}.self_attn.q_norm.weight",
    "k_norm": "layers.{i}.self_attn.k_norm.weight",
    "norm_attn": "layers.{i}.input_layernorm.weight",
    "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
}
DENSE: dict[str, str | Slot] = {
    role + suffix: f"layers.{{i}}.mlp.{role}_proj.{kind}"
    for role in ("gate", "up", "down")
    for suffix, kind in (("", "weight"), ("_bias", "bias"))
}
GLOBALS: dict[str, str | Slot] = {"embed": "embed_tokens.weight", "norm_final": "norm.weight"}
UNEMBED: dict[str, str | Slot] = {"unembed": "lm_head.weight"}
_FUSED = fused_qkv("layers.{i}.self_attn.qkv_proj", "heads") | {
    role + suffix: Slot(f"layers.{{i}}.mlp.gate_up_proj.{kind}", part=(n, 2))
    for n, role in enumerate(("gate", "up"))
    for suffix, kind in (("", "weight"), ("_bias", "bias"))
}
FUSED: dict[str, tuple[str | Slot, ...]] = {role: (slot,) for role, slot in _FUSED.items()}
"""Fused names in inference servers."""

LLAMA = Family(
    name="llama",
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    others=FUSED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    rotary="half",
    query_key_norm="none",
)
