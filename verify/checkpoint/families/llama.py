"""Llama, Mistral, Qwen2, Qwen3 and all that copy their names."""

from ..layout import Family, Slot

ATTENTION: dict[str, str | Slot] = {
    **{role: f"layers.{{i}}.self_attn.{role}_proj.weight" for role in "qkvo"},
    **{f"{role}_bias": f"layers.{{i}}.self_attn.{role}_proj.bias" for role in "qkvo"},
    "q_norm": "layers.{i}.self_attn.q_norm.weight",
    "k_norm": "layers.{i}.self_attn.k_norm.weight",
    "norm_attn": "layers.{i}.input_layernorm.weight",
    "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
}
DENSE: dict[str, str | Slot] = {role: f"layers.{{i}}.mlp.{role}_proj.weight" for role in ("gate", "up", "down")}
GLOBALS: dict[str, str | Slot] = {"embed": "embed_tokens.weight", "norm_final": "norm.weight"}
UNEMBED: dict[str, str | Slot] = {"unembed": "lm_head.weight"}

LLAMA = Family(
    name="llama",
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
)
