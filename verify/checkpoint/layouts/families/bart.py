"""BART and its kin: encoder and decoder of one embedding; layer norms after or before the sublayers, GELU or ReLU.

Whisper's encoder reads sound, and has a stream of its own.
"""

from dataclasses import replace

from ..layout import Family, Slot, with_bias

_BODY = with_bias(
    q="self_attn.q_proj",
    k="self_attn.k_proj",
    v="self_attn.v_proj",
    o="self_attn.out_proj",
    up="fc1",
    down="fc2",
)
_AFTER = with_bias(norm_mlp="self_attn_layer_norm", norm_out="final_layer_norm")
_BETWEEN = with_bias(norm_mlp="encoder_attn_layer_norm", norm_out="final_layer_norm")  # of a decoder
_BEFORE = with_bias(norm_attn="self_attn_layer_norm", norm_mlp="final_layer_norm")


def _stack(name: str, *tables: dict[str, str | Slot]) -> dict[str, str | Slot]:
    return {role: f"{name}.layers.{{i}}.{entry}" for table in tables for role, entry in table.items()}


BART = Family(
    name="bart",
    kind="encoder and decoder",
    model_types=("bart", "plbart", "mvp", "blenderbot-small", "fsmt", "marian"),
    prefixes=("model.", ""),
    globals={"embed": "shared.weight"},
    layer=_stack("encoder", _BODY, _AFTER),
    stacks=(_stack("decoder", _BODY, _BETWEEN),),
    unprefixed={"unembed": "lm_head.weight"},
    outside=(
        r"(^|\.)(encoder|decoder)\.(embed_(tokens|positions)|layernorm_embedding|layer_norm)\.\w+$",
        r"\.decoder\.layers\.[0-9]+\.(encoder_attn(_layer_norm)?|self_attn_layer_norm)\.",
        r"^(final_logits_bias$|classification_head\.|lm_head\.)",
        r"\.encoder\.conv[12]\.|\.decoder\.output_projection\.",
    ),
    required=("embed", "q", "k", "v", "o", "up", "down"),
    others={"embed": ("decoder.embed_tokens.weight",)},
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    tied=True,
    by_names=False,
    other_meaning=("num_hidden_layers", "num_layers"),  # of one stack
    switches={f"model_type={name}": {"positions": "sinusoidal"} for name in ("fsmt", "marian")},
)

TROCR = replace(
    BART,
    name="trocr",
    kind="decoder",
    model_types=("trocr",),
    globals={"embed": "decoder.embed_tokens.weight"},
    layer=_stack("decoder", _BODY, _BETWEEN),
    stacks=(),
    unprefixed={"unembed": "output_projection.weight"},
    others={},
    other_meaning=(),
    switches={"use_learned_position_embeddings=false": {"positions": "sinusoidal"}},
)

MBART = replace(
    BART,
    name="mbart",
    model_types=("mbart", "blenderbot", "pegasus", "m2m_100", "whisper"),
    layer=_stack("encoder", _BODY, _BEFORE),
    stacks=(_stack("decoder", _BODY, _BEFORE),),
    post_norm=False,
    switches={f"model_type={name}": {"positions": "sinusoidal"} for name in ("pegasus", "m2m_100")},
)
