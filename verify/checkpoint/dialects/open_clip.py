"""open_clip: q, k and v in one tensor as PyTorch's attention keeps them, and the last projections [in, out].

Sources: ``open_clip/model.py``, ``open_clip/transformer.py``; settings in ``open_clip_config.json``.
"""

from __future__ import annotations

from typing import Any

from ..layouts.layout import Slot
from .dialect import Dialect, Names, Settings, modules, renamed

_TEXT, _IMAGE = "text_model.encoder.layers.{i}.", "vision_model.encoder.layers.{i}."
_BLOCK = {
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
}
_SIZES = {"num_hidden_layers": "layers", "hidden_size": "width"}
_COUNTS = {
    "vision": _SIZES | {"head_dim": "head_width"},
    "text": _SIZES | {"num_attention_heads": "heads", "vocab_size": "vocab_size"},
}
_WITHOUT_EFFECT = {
    *("image_size", "patch_size", "mlp_ratio", "patch_dropout", "no_ln_pre", "pool_type", "final_ln_after_pool"),
    *("context_length", "hf_tokenizer_name", "tokenizer_kwargs", "no_causal_mask", "proj_bias", "proj_type"),
    *("output_tokens", "act_kwargs", "norm_kwargs", "pad_id", "eos_id", "head_width"),
}
"""Settings of a tower that change neither names nor what the tables say of it."""
_OF_BOTH = {"embed_dim", "vision_cfg", "text_cfg", "custom_text", "quick_gelu", "init_logit_scale", "init_logit_bias"}


def _block(hub: str, place: str) -> Names:
    qkv: Names = {
        f"{hub}self_attn.{role}_proj.{kind}": Slot(f"{place}attn.in_proj_{kind}", part=(n, 3))
        for n, role in enumerate("qkv")
        for kind in ("weight", "bias")
    }
    return qkv | modules({f"{hub}{name}": f"{place}{own}" for name, own in _BLOCK.items()})


def _said(settings: Settings) -> dict[str, Any] | None:
    model = settings.get("model_cfg")
    if not isinstance(model, dict) or not model.keys() <= _OF_BOTH:
        return None
    image, text = (_tower(model.get(f"{kind}_cfg"), kind) for kind in _COUNTS)
    return (
        None if image is None or text is None else {"model_type": "clip", "vision_config": image, "text_config": text}
    )


def _tower(settings: Any, kind: str) -> dict[str, Any] | None:
    """Settings of one tower in the terms of ``config.json``; None if it is of another architecture."""
    if not isinstance(settings, dict):
        return None
    said = {"head_width": 64} | {key: value for key, value in settings.items() if value not in (None, False)}
    counts = renamed(said, _COUNTS[kind])
    if (
        counts is None
        or len(counts) != len(_COUNTS[kind])
        or not said.keys() <= {*_COUNTS[kind].values(), *_WITHOUT_EFFECT}
    ):
        return None
    if kind == "vision":
        counts["num_attention_heads"], rest = divmod(counts["hidden_size"], counts.pop("head_dim"))
        if rest:
            return None
    return {"model_type": f"clip_{kind}_model", **counts}


_WORDS: Names = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_projection.weight": Slot("text_projection", transposed=True),
    **modules({"text_model.final_layer_norm": "ln_final"}),
    **_block(_TEXT, "transformer.resblocks.{i}."),
}
_CUSTOM: Names = {
    **{name: f"text.{place}" for name, place in _WORDS.items() if isinstance(place, str)},
    **_block(_TEXT, "text.transformer.resblocks.{i}."),
}
"""Where the text tower is a module of its own."""

OPEN_CLIP = Dialect(
    name="open_clip",
    model_types=("clip",),
    names={
        "logit_scale": "logit_scale",
        **_WORDS,
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "visual_projection.weight": Slot("visual.proj", transposed=True),
        **modules(
            {
                "vision_model.embeddings.patch_embedding": "visual.conv1",
                "vision_model.pre_layrnorm": "visual.ln_pre",  # spelt so
                "vision_model.post_layernorm": "visual.ln_post",
            }
        ),
        **_block(_IMAGE, "visual.transformer.resblocks.{i}."),
    },
    telling=(
        f"{_IMAGE}self_attn.q_proj.weight",
        f"{_IMAGE}mlp.fc1.weight",
        f"{_TEXT}self_attn.q_proj.weight",
        f"{_TEXT}mlp.fc1.weight",
        "text_model.embeddings.token_embedding.weight",
    ),
    others={
        "text_projection.weight": (Slot("text.text_projection", transposed=True), "text.text_projection.weight"),
        **{name: (place,) for name, place in _CUSTOM.items()},
    },
    settings=("open_clip_config.json",),
    said=_said,
)
