"""Nomic and GTE embedders: BERT with rotary positions and gated MLPs, norms after sublayers; Jina 3 has no gate."""

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv, with_bias

_GLOBALS: dict[str, str | Slot] = {
    "embed": "embeddings.word_embeddings.weight",
    **with_bias(norm_embed="emb_ln"),
}
_AT = "encoder.layers.{i}."
_NORMS = with_bias(norm_mlp=_AT + "norm1", norm_out=_AT + "norm2")

NOMIC_BERT = Family(
    name="nomic_bert",
    kind="text encoder",
    model_types=("nomic_bert",),
    prefixes=("", "nomic_bert.", "bert."),
    globals=_GLOBALS,
    layer=fused_qkv(_AT + "attn.Wqkv", "equal")
    | with_bias(o=_AT + "attn.out_proj", up=_AT + "mlp.fc11", gate=_AT + "mlp.fc12", down=_AT + "mlp.fc2")
    | _NORMS,
    outside=(r"embeddings\.token_type_embeddings\.weight$", r"^cls\."),
    required=("embed", "q", "o", "norm_mlp", "norm_out", "gate", "up", "down"),
    norm="layer",
    post_norm=True,
    tied=True,
    rotary="half",
    query_key_norm="none",
)

JINA3 = replace(
    NOMIC_BERT,
    name="jina3",
    model_types=("jina_embeddings_v3",),
    prefixes=("", "roberta."),
    layer=fused_qkv(_AT + "mixer.Wqkv", "equal")
    | with_bias(o=_AT + "mixer.out_proj", up=_AT + "mlp.fc1", down=_AT + "mlp.fc2")
    | _NORMS,
    outside=(r"embeddings\.token_type_embeddings\.weight$", r"^lm_head\."),
    required=("embed", "q", "o", "norm_mlp", "norm_out", "up", "down"),
    gated=False,
    odd_in_up=False,
)

_LAYER = "encoder.layer.{i}."

GTE = replace(
    NOMIC_BERT,
    name="gte",
    model_types=("gte",),
    prefixes=("", "gte.", "new."),
    globals={"embed": "embeddings.word_embeddings.weight", **with_bias(norm_embed="embeddings.LayerNorm")},
    layer={
        **fused_qkv(_LAYER + "attention.qkv_proj", "equal"),
        **with_bias(o=_LAYER + "attention.o_proj", down=_LAYER + "mlp.down_proj"),
        **with_bias(norm_mlp=_LAYER + "attn_ln", norm_out=_LAYER + "mlp_ln"),
        "up": Slot(_LAYER + "mlp.up_gate_proj.weight", part=(0, 2)),
        "gate": Slot(_LAYER + "mlp.up_gate_proj.weight", part=(1, 2)),
    },
    outside=(r"embeddings\.token_type_embeddings\.weight$", r"^(lm_head|classifier)\.|^(\w+\.)?pooler\."),
)
