"""Phi 1 to 2: attention and MLP in parallel behind one layer norm; a part of a head's channels turned."""

from ..layout import Family, with_bias

_AT = "layers.{i}."

PHI = Family(
    name="phi",
    model_types=("phi",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", **with_bias(norm_final="final_layernorm")},
    layer=with_bias(
        q=_AT + "self_attn.q_proj",
        k=_AT + "self_attn.k_proj",
        v=_AT + "self_attn.v_proj",
        o=_AT + "self_attn.dense",
        up=_AT + "mlp.fc1",
        down=_AT + "mlp.fc2",
        norm_attn=_AT + "input_layernorm",
    ),
    unprefixed=with_bias(unembed="lm_head"),
    constants=(r"\.rotary_emb\.inv_freq$",),
    outside=(r"\.self_attn\.[qk]_layernorm\.",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "up", "down"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    shared_norm=True,
    rotary="half",
    query_key_norm="none",
    config={"partial_rotary_factor": 0.5},
    switches={"qk_layernorm": {"query_key_norm": "layer"}},
)
