"""BERTs with norms before the sublayers: ESM 2, Megatron-BERT, XLM-R XL and XXL, RoBERTa-PreLayerNorm."""

from dataclasses import replace

from ..layout import Slot, with_bias
from .bert import BERT

_AT = "encoder.layer.{i}."


def _also(role: str, *names: str) -> dict[str, tuple[str | Slot, ...]]:
    """Other places of a norm and its bias."""
    weights = tuple(name if name.endswith(".gamma") else f"{name}.weight" for name in names)
    biases = tuple(name.replace(".gamma", ".beta") if ".gamma" in name else f"{name}.bias" for name in names)
    return {role: weights, role + "_bias": biases}


PRE_BERT = replace(
    BERT,
    name="pre_bert",
    model_types=("esm", "megatron-bert", "xlm-roberta-xl", "roberta-prelayernorm"),
    prefixes=("", "esm.", "bert.", "roberta.", "roberta_prelayernorm."),
    globals=BERT.globals | with_bias(norm_final="encoder.LayerNorm"),
    layer={role: name for role, name in BERT.layer.items() if not role.startswith("norm_")}
    | with_bias(norm_attn=_AT + "attention.LayerNorm", norm_mlp=_AT + "LayerNorm"),
    others={
        **_also(
            "norm_attn",
            _AT + "attention.LayerNorm.gamma",
            _AT + "attention.ln",
            _AT + "attention.self_attn_layer_norm",
        ),
        **_also("norm_mlp", _AT + "LayerNorm.gamma", _AT + "ln", _AT + "intermediate.LayerNorm"),
        **_also("norm_final", "encoder.emb_layer_norm_after", "encoder.ln", "LayerNorm"),
    },
    constants=(*BERT.constants, r"\.rotary_embeddings\.inv_freq$"),
    outside=(*BERT.outside, r"(^|\.)contact_head\."),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    post_norm=False,
    by_names=False,
    switches={"position_embedding_type=rotary": {"positions": "rotary", "rotary": "half"}},
)
