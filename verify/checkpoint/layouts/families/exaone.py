"""EXAONE 3: Llama under names of GPT-2; c_fc_0 is the gate, c_fc_1 up."""

from ..layout import Family

_AT = "h.{i}."

EXAONE = Family(
    name="exaone",
    model_types=("exaone",),
    prefixes=("transformer.", ""),
    globals={"embed": "wte.weight", "norm_final": "ln_f.weight"},
    layer={
        **{role: f"{_AT}attn.attention.{role}_proj.weight" for role in "qkv"},
        "o": _AT + "attn.attention.out_proj.weight",
        "gate": _AT + "mlp.c_fc_0.weight",
        "up": _AT + "mlp.c_fc_1.weight",
        "down": _AT + "mlp.c_proj.weight",
        "norm_attn": _AT + "ln_1.weight",
        "norm_mlp": _AT + "ln_2.weight",
    },
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    rotary="half",
    query_key_norm="none",
)
