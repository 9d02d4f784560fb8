"""Falcon: attention and MLP in parallel; layer norm, GELU, rotary positions, tied.

7B: query heads, then one k, one v, behind one norm. 40B and 180B: by kv group, behind a norm for each sublayer.
11B: by kv group, behind one norm. RW: q, k and v of each head in turn, one sublayer after the other, ALiBi.
"""

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv, with_bias

GLOBALS: dict[str, str | Slot] = {"embed": "word_embeddings.weight", **with_bias(norm_final="ln_f")}
BLOCK = with_bias(
    o="h.{i}.self_attention.dense",
    up="h.{i}.mlp.dense_h_to_4h",
    down="h.{i}.mlp.dense_4h_to_h",
    norm_attn="h.{i}.input_layernorm",
)
_GROUPED = fused_qkv("h.{i}.self_attention.query_key_value", "groups")
_KV_HEADS = ("num_kv_heads", "n_head_kv")
_ALIBI = {"alibi": {"positions": "none", "rotary": ""}}

FALCON = Family(
    name="falcon",
    model_types=("falcon", "RefinedWebModel"),
    prefixes=("transformer.", ""),
    globals=GLOBALS,
    layer=fused_qkv("h.{i}.self_attention.query_key_value", "heads") | BLOCK,
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "up", "down", "norm_attn"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    shared_norm=True,
    tied=True,
    kv_heads=1,
    by_names=False,
    rotary="half",
    query_key_norm="none",
    switches=_ALIBI | {"new_decoder_architecture": {"layer": _GROUPED | BLOCK, "kv_heads": _KV_HEADS}},
)

FALCON_RW = replace(
    FALCON,
    name="falcon_rw",
    layer=_GROUPED | BLOCK | with_bias(norm_mlp="h.{i}.post_attention_layernorm"),
    required=(*FALCON.required, "norm_mlp"),
    shared_norm=False,
    kv_heads=("num_attention_heads", "n_head"),
    switches=_ALIBI,
)

FALCON_GROUPED = replace(
    FALCON,
    name="falcon_grouped",
    model_types=("falcon", "RefinedWeb"),
    layer=_GROUPED
    | {role: name for role, name in BLOCK.items() if not role.startswith("norm_")}
    | with_bias(norm_attn="h.{i}.ln_attn", norm_mlp="h.{i}.ln_mlp"),
    required=(*FALCON.required, "norm_mlp"),
    shared_norm=False,
    kv_heads=_KV_HEADS,
    by_names=True,
    switches=_ALIBI,
)
