"""Llama, Mistral, Qwen2, Qwen3 and all that copy their names.

Hunyuan norms q and k under names of its own, HyperCLOVA X norms what the sublayers add, Granite SWA has a learned
sink for each head; positions turn each channel with the next one in Helium and ERNIE.
"""

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv

ATTENTION: dict[str, str | Slot] = {
    **{role: f"layers.{{i}}.self_attn.{role}_proj.weight" for role in "qkvo"},
    **{f"{role}_bias": f"layers.{{i}}.self_attn.{role}_proj.bias" for role in "qkvo"},
    "q_norm": "layers.{i}.self_attn.q_norm.weight",
    "k_norm": "layers.{i}.self_attn.k_norm.weight",
    "norm_attn": "layers.{i}.input_layernorm.weight",
    "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
}
PLAIN = {role: name for role, name in ATTENTION.items() if role not in ("q_norm", "k_norm")}
BODY = {role: name for role, name in PLAIN.items() if not role.startswith("norm_")}
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
_OTHER_NAMES: dict[str, tuple[str | Slot, ...]] = {
    "q_norm": ("layers.{i}.self_attn.query_layernorm.weight",),
    "k_norm": ("layers.{i}.self_attn.key_layernorm.weight",),
}
FUSED: dict[str, tuple[str | Slot, ...]] = {role: (slot,) for role, slot in _FUSED.items()}
"""Fused names in inference servers."""

LLAMA = Family(
    name="llama",
    model_types=(
        *("llama", "mistral", "qwen2", "qwen3", "ministral", "ministral3", "smollm3", "seed_oss", "cwm", "helium"),
        *("granite", "granite_swa", "hunyuan_v1_dense", "ernie4_5", "paddleocr_vl_text", "eurobert", "internlm3"),
        *("iquestcoder", "hyperclovax", "qwen2_vl", "qwen2_vl_text", "qwen2_5_vl", "qwen2_5_vl_text"),
        *("qwen3_vl_text", "csm_depth_decoder_model", "emu3_text_model", "granite4_vision_text", "higgs_audio_v2"),
    ),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | {
        "sinks": "layers.{i}.self_attn.sinks",
        "norm_attn_out": "layers.{i}.post_norm1.weight",
        "norm_mlp_out": "layers.{i}.post_norm2.weight",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    others=FUSED | _OTHER_NAMES,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    rotary="half",
    query_key_norm="none",
    switches={f"model_type={name}": {"rotary": "interleaved"} for name in ("helium", "ernie4_5")},
)

MLLAMA = replace(
    LLAMA,
    name="mllama",
    model_types=("mllama_text_model",),
    unprefixed={},
    outside=(r"\.cross_attn(\.|_)", r"(^|\.)lm_head\.weight$"),
    by_names=False,
)
