"""T5, mT5, UMT5: encoder and decoder, or the encoder alone; RMS norm, positions in the attention; 1.1 on is gated.

LongT5 names the attention of its encoder otherwise. In Switch some layers have experts, which are left out.
"""

from dataclasses import replace

from ..layout import Family, Slot


def _stack(block: str, mlp: int, module: str = "DenseReluDense", **roles: str) -> dict[str, str | Slot]:
    """One stack whose MLP is sublayer ``mlp``; roles of the MLP by the names of their tensors."""
    at = f"{block}.{{i}}.layer."
    table: dict[str, str | Slot] = {role: f"{at}0.SelfAttention.{role}.weight" for role in "qkvo"}
    table |= {"norm_attn": f"{at}0.layer_norm.weight", "norm_mlp": f"{at}{mlp}.layer_norm.weight"}
    return table | {role: f"{at}{mlp}.{module}.{name}.weight" for role, name in roles.items()}


_REQUIRED = ("embed", "q", "k", "v", "o", "up", "down", "norm_attn")

T5 = Family(
    name="t5",
    kind="encoder and decoder",
    model_types=("t5", "udop"),
    prefixes=("", "transformer."),
    globals={"embed": "shared.weight", "norm_final": "decoder.final_layer_norm.weight"},
    layer=_stack("encoder.block", 1, up="wi", down="wo"),
    stacks=(_stack("decoder.block", 2, up="wi", down="wo"),),
    unprefixed={"unembed": "lm_head.weight"},
    outside=(
        r"(^|\.)(encoder|decoder)\.embed_tokens\.weight$",
        r"\.relative_attention_bias\.weight$",
        r"(^|\.)encoder\.final_layer_norm\.weight$",
        r"(^|\.)decoder\.block\.[0-9]+\.layer\.1\.(EncDecAttention\.[qkvo]|layer_norm)\.weight$",
    ),
    required=_REQUIRED,
    gated=False,
    odd_in_up=False,
    positions="none",
    query_key_norm="none",
    tied=True,
    other_meaning=("num_hidden_layers", "num_layers"),  # of one stack
)

T5_GATED = replace(
    T5,
    name="t5_gated",
    model_types=("t5", "mt5", "umt5", "pop2piano"),
    layer=_stack("encoder.block", 1, gate="wi_0", up="wi_1", down="wo"),
    stacks=(_stack("decoder.block", 2, gate="wi_0", up="wi_1", down="wo"),),
    required=(*_REQUIRED, "gate"),
    gated=True,
    odd_in_up=True,
)

SWITCH = replace(
    T5,
    name="switch",
    model_types=("switch_transformers",),
    layer=_stack("encoder.block", 1, "mlp", up="wi", down="wo"),
    stacks=(_stack("decoder.block", 2, "mlp", up="wi", down="wo"),),
    outside=(*T5.outside, r"\.mlp\.(experts|router)\."),
    uneven=True,
)


def _long(family: Family) -> Family:
    """The same with LongT5's attention."""
    local, whole = (
        {
            role: name.replace(".SelfAttention.", f".{kind}SelfAttention.")
            for role, name in family.layer.items()
            if isinstance(name, str)
        }
        for kind in ("Local", "TransientGlobal")
    )
    return replace(
        family,
        name=f"long{family.name}",
        model_types=("longt5",),
        layer=dict(local),
        others={role: (whole[role],) for role in "qkvo"},
        outside=(*family.outside, r"\.global_(input_layer_norm|relative_attention_bias)\.weight$"),
    )


LONGT5, LONGT5_GATED = _long(T5), _long(T5_GATED)
