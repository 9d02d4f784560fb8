"""InternLM2: of each kv head its query heads, its k and its v; w1 is the gate, w3 up and w2 down."""

from ..layout import Family, fused_qkv

INTERNLM2 = Family(
    name="internlm2",
    model_types=("internlm2",),
    prefixes=("model.", ""),
    globals={"embed": "tok_embeddings.weight", "norm_final": "norm.weight"},
    layer={
        **fused_qkv("layers.{i}.attention.wqkv", "groups"),
        "o": "layers.{i}.attention.wo.weight",
        "o_bias": "layers.{i}.attention.wo.bias",
        "norm_attn": "layers.{i}.attention_norm.weight",
        "norm_mlp": "layers.{i}.ffn_norm.weight",
        "gate": "layers.{i}.feed_forward.w1.weight",
        "up": "layers.{i}.feed_forward.w3.weight",
        "down": "layers.{i}.feed_forward.w2.weight",
    },
    unprefixed={"unembed": "output.weight"},
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    others={role: (f"layers.{{i}}.self_attn.{role}_proj.weight",) for role in "qkv"},
    rotary="half",
    query_key_norm="none",
)
