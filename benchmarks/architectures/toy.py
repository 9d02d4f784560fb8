"""Models of any type that Transformers has, at toy width, with sizes that tell axes apart, and all numbers random.

The default configuration of a type is shrunk, its nested ones too; what these rules get wrong is in ``overrides``.
Norms and biases are random as well, so that a tensor that a reader ignores shows.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from . import denoisers, towers
from .overrides import CLASSES, CONFIGS, DROP, PARTS, SAVED_AS, VARIANTS

_TEXT = {
    "width": 48,
    "heads": 4,
    "kv": 2,
    "head": 16,
    "inner": 80,
    "moe": 56,
    "shared": 72,
    "experts": 6,
    "layers": 3,
}
_OTHER = {
    "width": 32,
    "heads": 4,
    "kv": 4,
    "head": 8,
    "inner": 40,
    "moe": 24,
    "shared": 28,
    "experts": 3,
    "layers": 2,
}
_OTHERS = (
    "vision",
    "audio",
    "image",
    "encoder_config",
    "acoustic",
    "semantic",
    "speech",
    "depth",
    "backbone",
    "tower",
)
"""Words in the names of nested configurations of parts other than text."""
_VOCAB, _LENGTH = 320, 12
LARGEST = 16_000_000
"""Most parameters of a model that is built."""
_LISTS = {
    "decoder": ("CAUSAL_LM",),
    "multimodal": ("IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM"),
    "encoder-decoder": ("SEQ_TO_SEQ_CAUSAL_LM",),
    "sound": ("SPEECH_SEQ_2_SEQ", "CTC", "AUDIO_CLASSIFICATION", "AUDIO_FRAME_CLASSIFICATION", "TEXT_TO_WAVEFORM"),
    "encoder": ("MASKED_LM", "PRETRAINING", "SEQUENCE_CLASSIFICATION", "QUESTION_ANSWERING"),
    "vision": (
        "IMAGE_CLASSIFICATION", "MASKED_IMAGE_MODELING", "OBJECT_DETECTION", "ZERO_SHOT_IMAGE_CLASSIFICATION",
        "ZERO_SHOT_OBJECT_DETECTION", "SEMANTIC_SEGMENTATION", "INSTANCE_SEGMENTATION", "UNIVERSAL_SEGMENTATION",
        "DEPTH_ESTIMATION", "VIDEO_CLASSIFICATION", "KEYPOINT_DETECTION", "MASK_GENERATION", "IMAGE_TO_IMAGE",
    ),
}  # fmt: skip
"""Kinds of models by the lists of classes with a head; the first that has a type tells its kind."""
_SIZES = (
    ("hidden_size d_model n_embd n_embed model_dim embed_dim emb_dim word_embed_proj_dim dim", "width"),
    ("input_embedding_size output_embedding_size decoder_hidden_size encoder_hidden_size embedding_size", "width"),
    ("num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads nhead", "heads"),
    ("num_key_value_heads num_kv_heads n_head_kv multi_query_group_num", "kv"),
    ("head_dim d_kv kv_channels attention_head_dim", "head"),
    ("intermediate_size ffn_dim d_ff n_inner ffn_hidden_size encoder_ffn_dim decoder_ffn_dim", "inner"),
    ("mlp_hidden_size dim_feedforward intermediate_size_mlp hidden_dim", "inner"),
    ("moe_intermediate_size expert_ffn_hidden_size expert_intermediate_size", "moe"),
    ("shared_expert_intermediate_size shared_intermediate_size moe_shared_expert_intermediate_size", "shared"),
    ("num_experts n_routed_experts num_local_experts moe_num_experts", "experts"),
    ("num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers depth", "layers"),
    ("num_encoder_layers num_decoder_layers pred_num_hidden_layers", "layers"),
    ("upsample_groups backbone_hidden_size pred_hidden_size codebook_dim", "width"),
    ("pred_num_attention_heads", "heads"),
)
_NUMBERS = (
    (
        "num_experts_per_tok num_experts_per_token moe_topk moe_k top_k_experts moe_top_k num_selected_experts top_k",
        2,
    ),
    ("n_group num_expert_group", 2),
    ("topk_group first_k_dense_replace num_dense_layers first_num_dense_layers", 1),
    ("vocab_size vocab_size_per_layer_input unpadded_vocab_size", _VOCAB),
    ("max_position_embeddings n_positions max_sequence_length max_seq_len n_ctx max_target_positions", 64),
    ("sliding_window attention_window_size window_size image_proj_size", 8),
    ("q_lora_rank", 28),
    ("kv_lora_rank qk_head_dim max_source_positions", 20),
    ("qk_nope_head_dim", 12),
    ("qk_rope_head_dim", 8),
    ("v_head_dim", 10),
    ("mamba_d_state mamba_state_size ssm_state_size state_size mamba_ssm_state_size", 8),
    ("mamba_n_heads mamba_num_heads n_mamba_heads mamba_dt_rank time_step_rank", 6),
    ("mamba_d_head mamba_head_dim", 16),
    ("mamba_n_groups n_groups mamba_ngroups mamba_num_groups linear_num_key_heads type_vocab_size", 2),
    ("mamba_chunk_size chunk_size linear_num_value_heads", 4),
    ("linear_key_head_dim patch_size spatial_patch_size", 8),
    ("linear_num_heads", 4),
    ("linear_value_head_dim linear_head_dim", 10),
    ("image_size num_mel_bins", 16),
    ("projection_dim", 24),
    ("vector_quantization_hidden_dimension vq_hidden_dim", 16),
    ("num_filters", 8),
    ("codebook_size n_codes", 64),
    ("crop_size", 16),
    ("frames_per_clip num_frames", 4),
    ("image_token_id image_token_index", 310),
    ("video_token_id", 311),
    ("audio_token_id audio_token_index", 312),
    ("vision_start_token_id", 313),
    ("vision_end_token_id", 314),
    ("pad_token_id", 0),
    ("bos_token_id decoder_start_token_id cls_token_id forced_bos_token_id", 1),
    ("eos_token_id sep_token_id forced_eos_token_id", 2),
    ("mask_token_id unk_token_id", 3),
)
_FILLED = ("head_dim", "num_key_value_heads", "intermediate_size", "n_inner", "vocab_size", "eos_token_id")
"""Entries that are set even where the default is none."""


_LISTED: Mapping[str, list[int]] = {
    "image_size": [],
    **{key: [16, 32, 48, 64, 80] for key in ("hidden_sizes", "embed_dims", "embed_dim")},
    **{key: [2, 2, 2, 2, 2] for key in ("num_heads", "num_attention_heads")},
    "depths": [1, 1, 2, 1, 1],
    "mlp_ratios": [2, 2, 2, 2, 2],
}
"""Sizes of stages, where there are several."""


def types() -> list[str]:
    """All model types, by kind, and variants of some; those that are only parts of others last."""
    kinds = [*_LISTS, "denoiser", "tower", "part"]
    every = [*CONFIG_MAPPING, *VARIANTS, *denoisers.TYPES, *towers.TYPES]
    return sorted(every, key=lambda name: (kinds.index(kind_of(name)), name))


def kind_of(model_type: str) -> str:
    """Kind of a type, by the classes that Transformers lists for it; ``part`` if none has a head."""
    if model_type in denoisers.TYPES:
        return "denoiser"
    if model_type in towers.TYPES:
        return "tower"
    model_type = VARIANTS.get(model_type, (model_type, {}))[0]
    wrapper = any(model_type in _listed(name) for name in _LISTS["multimodal"] + _LISTS["encoder-decoder"])
    for kind, names in _LISTS.items():
        if any(model_type in _listed(name) for name in names) and not (kind == "decoder" and wrapper):
            return kind
    return "part"


def build(model_type: str, seed: int) -> nn.Module:
    """A model of a type with random numbers throughout.

    Parameters
    ----------
    model_type : a type, or a variant.
    seed : of its numbers.

    Raises
    ------
    ValueError
        If it would have more than ``LARGEST`` parameters.
    """
    torch.manual_seed(seed)
    if model_type in (*denoisers.TYPES, *towers.TYPES):
        model = (denoisers if model_type in denoisers.TYPES else towers).build(model_type)
        _randomise(model, seed)
        return model
    config, kind = _config_of(model_type), None
    kind = _class_of(VARIANTS.get(model_type, (model_type, {}))[0], type(config))
    with torch.device("meta"):
        size = sum(p.numel() for p in kind(copy.deepcopy(config)).parameters())
    if size > LARGEST:
        raise ValueError(f"{size} parameters are more than {LARGEST}; shrink it in overrides.py.")
    model = kind(config).to(torch.float32).eval()
    _randomise(model, seed)
    model.saved_as = SAVED_AS.get(model_type, {})
    return model


def save(model: nn.Module, folder: Path, *, original: bool) -> None:
    """Write a model as people upload it.

    Parameters
    ----------
    model : to write.
    folder : where to.
    original : with the names of the Hub; else with those of the live model.
    """
    if type(model).__name__ in denoisers.TYPES:
        denoisers.save(model, folder)
        return
    if hasattr(model, "census"):
        towers.save(model, folder)
        return
    takes = inspect.signature(model.save_pretrained).parameters
    more = {"save_original_format": False} if "save_original_format" in takes and not original else {}
    model.save_pretrained(folder, max_shard_size="1GB", **more)
    file = folder / "config.json"
    config = json.loads(file.read_text("utf-8"))
    _merge(config, model.saved_as)
    file.write_text(json.dumps(config, indent=2), "utf-8")


def load(kind: type, folder: Path) -> nn.Module:
    """The model in a folder."""
    if kind.__name__ in denoisers.TYPES:
        return denoisers.load(kind, folder)
    if kind.__module__.startswith("timm."):
        return towers.load(folder)
    model: nn.Module = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)  # type: ignore[attr-defined]
    return model.eval()


def outputs(model: nn.Module, given: Mapping[str, Any]) -> list[Tensor]:
    """All floating tensors that a model answers with, in order."""
    part = PARTS.get(getattr(getattr(model, "config", None), "model_type", ""))
    with torch.no_grad():
        torch.manual_seed(0)
        answer = (getattr(model, part) if part else model)(**given)
    return list(_tensors(answer))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.numel() > 1:
            yield value.float()
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key not in ("past_key_values", "cache_params", "state", "rnn_state"):
                yield from _tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)


def inputs(model: nn.Module) -> dict[str, Any]:
    """Random inputs that the model runs on: its main input, else what it requires, else all that is known.

    Raises
    ------
    Exception
        That of the try with what it requires, if it runs on none.
    """
    if type(model).__name__ in denoisers.TYPES:
        return denoisers.inputs(model)
    if hasattr(model, "census"):
        return towers.inputs(model)
    failed: list[Exception] = []
    for given in _candidates(model):
        try:
            if outputs(model, given):
                return given
        except Exception as error:
            failed.append(error)
    raise failed[min(1, len(failed) - 1)] if failed else ValueError("The model answers with no tensor.")


def _candidates(model: nn.Module) -> Iterator[dict[str, Any]]:
    takes = inspect.signature(model.forward).parameters
    main = getattr(model, "main_input_name", "input_ids")
    made = {name: value for name, value in _known(model).items() if name in takes}
    plain = {name: made[name] for name in ("use_cache", "decoder_input_ids") if name in made}
    first = "input_ids" if main == "inputs_embeds" and "input_ids" in made else main
    wanted = {first, *(("input_ids", "pixel_values") if type(model).__name__.startswith(_TWO_TOWERS) else ())}
    required = {name for name, one in takes.items() if one.default is inspect.Parameter.empty}
    images = {"pixel_values", "input_ids", "bbox", "attention_mask", "image_attention_mask"}
    sounds = {"input_features", "input_values", "input_ids", "attention_mask"}
    masked = {"input_features_mask", "input_ids", "input_features", "attention_mask"}
    chosen = (wanted, wanted | required, images | required, sounds | required, masked | required, set(made))
    given = [{name: value for name, value in made.items() if name in names} | plain for names in chosen]
    yield from given
    yield from _reshaped(given, "pixel_values", lambda x: x.unsqueeze(1).repeat(1, _FRAMES, 1, 1, 1))
    yield from _reshaped(given, "input_features", lambda x: x.transpose(1, 2))
    yield from _reshaped(given, "input_features", lambda x: x.transpose(1, 2).unsqueeze(1))
    yield from _reshaped(given, "input_values", lambda x: x.unsqueeze(1))
    yield from _patches(model, required | wanted, given)


def _reshaped(given: list[dict[str, Any]], name: str, change: Callable[[Tensor], Tensor]) -> Iterator[dict[str, Any]]:
    """The same inputs with one of another shape, and a mask that fits it."""
    for one in given:
        if name in one:
            value = change(one[name])
            masks = {key: torch.ones(value.shape[:2]) for key in one if key == f"{name}_mask"}
            yield one | {name: value} | masks


def _patches(model: nn.Module, names: set[str], given: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Inputs of a tower that takes the patches of an image in a row, or hidden states."""
    g, config = torch.Generator().manual_seed(1), model.config
    patch, channels = _number(config, "patch_size", 8), _number(config, "num_channels", 0)
    image = channels or _number(config, "in_channels", 3), patch, patch
    flat = prod(image) * _number(config, "temporal_patch_size", 1)
    width = _number(config, "input_dim", _number(config, "hidden_size", _number(config, "d_model", _TEXT["width"])))
    between = torch.randn(2, _LENGTH, _number(config, "encoder_hidden_size", width), generator=g)
    for shape in ((16, flat), (2, _LENGTH, width), (16, *image), (1, 16, *image)):
        states = torch.randn(*shape, generator=g)
        made = {
            **dict.fromkeys(("hidden_states", "pixel_values", "inputs_embeds", "query_embeds", "latents"), states),
            **dict.fromkeys(("context", "noise_embeds", "context_hidden_states", "spectrogram"), states),
            "grid_thw": torch.tensor([[1, 4, 4]]),
            "merge_sizes": torch.tensor([2]),
            "encoder_hidden_states": between,
        }
        more = {"grid_thw", "encoder_hidden_states"} & set(inspect.signature(model.forward).parameters)
        for one in given[:2]:
            yield one | {name: value for name, value in made.items() if name in names}
            yield one | {name: value for name, value in made.items() if name in names | more}


_TWO_TOWERS = ("CLIPModel", "SiglipModel", "ChineseCLIPModel", "MetaClip2Model", "Siglip2Model", "AltCLIPModel")
_FRAMES = 2


def _known(model: nn.Module) -> dict[str, Any]:
    """Values of every input that is known."""
    g, config = torch.Generator().manual_seed(0), model.config
    vision, audio = (getattr(config, name, None) or config for name in ("vision_config", "audio_config"))
    frames = getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", None)
    size, patch = (_number(vision, name, 16) for name in ("image_size", "patch_size"))
    size = _number(vision, "crop_size", size)
    channels = (
        _number(vision, "num_channels", 0) or _number(vision, "in_channels", 0) or _number(vision, "in_chans", 3)
    )
    bins = _number(audio, "feature_projection_input_dim", 0) or _number(audio, "num_mel_bins", 16)
    bins = _number(audio, "input_feat_per_channel", bins)

    def ids(length: int = _LENGTH) -> Tensor:
        return torch.randint(4, 300, (2, length), generator=g)

    image = torch.randn(2, channels, size, size, generator=g)
    waves = torch.randn(2, 1200, generator=g)
    if "spectrogram" in config.model_type:
        waves = torch.randn(2, _number(config, "max_length", 40), bins, generator=g)
    made = {
        "input_ids": ids(),
        "attention_mask": torch.ones(2, _LENGTH, dtype=torch.long),
        "decoder_input_ids": ids(10),
        "pixel_values": image,
        "input_features": torch.randn(2, bins, 40, generator=g),
        "input_values": waves,
        "bbox": torch.zeros(2, _LENGTH, 4, dtype=torch.long),
        "qformer_input_ids": ids(),
        "image_attention_mask": torch.ones(2, _LENGTH, _FRAMES, dtype=torch.long),
        "input_features_mask": torch.ones(2, 40, dtype=torch.long),
        "use_cache": False,
    }
    if isinstance(frames, int):
        made["pixel_values"] = torch.randn(2, frames, channels, size, size, generator=g)
        made["pixel_values_videos"] = made["pixel_values"]
    if hasattr(config, "codebook_size"):
        made["input_values"] = waves.unsqueeze(1)
    if config.model_type in ("wav2vec2-bert", "speech_to_text") or "conformer" in config.model_type:
        made["input_features"] = torch.randn(2, 40, bins, generator=g)
    if config.model_type.startswith("siglip2"):
        made["pixel_values"] = torch.randn(2, 4, 3 * patch**2, generator=g)
        made["pixel_attention_mask"] = torch.ones(2, 4, dtype=torch.long)
        made["spatial_shapes"] = torch.tensor([[2, 2], [2, 2]])
    if config.model_type.startswith("pix2struct"):
        made["flattened_patches"] = torch.rand(2, 6, 2 + 3 * patch**2, generator=g)
    if config.model_type == "splinter":
        made["question_positions"] = torch.tensor([[1], [1]])
    if config.model_type == "videomae":
        patches = (size // patch) ** 2 * _number(config, "num_frames", 16) // _number(config, "tubelet_size", 2)
        made["bool_masked_pos"] = torch.arange(patches).repeat(2, 1) % 2 == 0
    return made


def _number(config: Any, name: str, otherwise: int) -> int:
    value = getattr(config, name, None)
    value = value[0] if isinstance(value, list | tuple) and value else value
    return value if isinstance(value, int) else otherwise


def _listed(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING_NAMES", {})
    return found


def _class_of(model_type: str, config: type) -> type:
    """The class that people upload: with a head for generation, else another head, else the bare model."""
    if model_type in CLASSES:
        return getattr(transformers, CLASSES[model_type])  # type: ignore[no-any-return]
    kind = kind_of(model_type)
    lists = [_listed(name) for name in _LISTS.get(kind, ())]
    lists += [modeling_auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES, modeling_auto.MODEL_MAPPING_NAMES]
    for one in lists:
        if (name := one.get(model_type)) is not None:
            return getattr(transformers, name if isinstance(name, str) else name[0])  # type: ignore[no-any-return]
    module = importlib.import_module(config.__module__.replace(".configuration_", ".modeling_"))
    for one in vars(module).values():
        if (
            isinstance(one, type)
            and getattr(one, "config_class", None) is config
            and "PreTrained" not in one.__name__
        ):
            return one
    raise LookupError(f"No class of {model_type} was found.")


def _config_of(model_type: str) -> Any:
    model_type, changes = VARIANTS.get(model_type, (model_type, {}))
    kind = CONFIG_MAPPING[model_type]
    made = _shrunk(kind().to_dict(), _TEXT)
    made.pop("transformers_version", None)
    _overridden(made, model_type)
    _merge(made, changes)
    made = _without_dropped(made)
    config = kind(**{k: v for k, v in made.items() if k not in ("model_type", "architectures", "_name_or_path")})
    for one in (config, *(v for v in vars(config).values() if hasattr(v, "to_dict"))):
        for field in ("_attn_implementation", "_experts_implementation"):
            setattr(one, field, "eager")
    return config


def _shrunk(config: Mapping[str, Any], table: Mapping[str, int]) -> dict[str, Any]:
    """A configuration with every known size made small, nested ones with sizes of their own."""
    said = {key: table[size] for keys, size in _SIZES for key in keys.split()}
    said |= {key: value for keys, value in _NUMBERS for key in keys.split()}
    made: dict[str, Any] = {}
    depths = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
    old = next((config[key] for key in depths if key in config), None)
    for key, value in config.items():
        if key.strip("_") in ("out_features", "out_indices", "stage_names"):
            continue
        if key == "per_layer_config" and isinstance(value, dict):
            made[key] = {layer: one for layer, one in value.items() if int(layer) < table["layers"]}
        elif isinstance(value, dict) and (key.endswith("_config") or key in ("encoder", "decoder")):
            other = any(word in key for word in _OTHERS)
            made[key] = _shrunk(value, _OTHER if other else table)
            if other and "out_hidden_size" in made[key]:
                made[key]["out_hidden_size"] = _TEXT["width"]
        elif key in said and isinstance(value, int | None) and not isinstance(value, bool):
            made[key] = said[key] if value is not None or key in _FILLED else value
        elif isinstance(value, list | tuple) and value and key in _LISTED:
            made[key] = [said[key]] * len(value) if key == "image_size" else _LISTED[key][: len(value)]
        elif key == "eos_token_id" and isinstance(value, list):
            made[key] = 2
        elif isinstance(value, list) and old and len(value) == old and key != "sizes":
            made[key] = _of_each_kind(value, table["layers"])
        elif type(value) is int and key.endswith("_token_id") and value >= _VOCAB:
            made[key] = 315
        elif isinstance(value, float) and "dropout" in key:
            made[key] = 0.0
        else:
            made[key] = value
    if "depths" in made and made.get("image_size") == said["image_size"]:
        made["image_size"] = 64
    rope = made.get("rope_parameters")
    if isinstance(rope, dict) and rope.get("mrope_section"):
        size = made.get("head_dim") or table["width"] // table["heads"]
        third, rest = divmod(int(size * rope.get("partial_rotary_factor", 1)) // 2, 3)
        made["rope_parameters"] = rope | {"mrope_section": [third + rest, third, third]}
    return made


def _of_each_kind(values: list[Any], count: int) -> list[Any]:
    """So many of them, with as many kinds as there are."""
    kinds: list[Any] = []
    for value in values:
        if value not in kinds:
            kinds.append(value)
    return (kinds + values)[:count] if len(kinds) <= count else kinds[:count]


def _overridden(made: dict[str, Any], model_type: str) -> None:
    """Override entries of a type, after those of the types of its nested configurations."""
    for key, value in made.items():
        if key.endswith("_config") and isinstance(value, dict) and "model_type" in value:
            _overridden(value, value["model_type"])
    _merge(made, CONFIGS.get(model_type, {}))


def _merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        nested = key.endswith("_config") and key != "per_layer_config"
        if nested and isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def _without_dropped(config: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_dropped(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if not (isinstance(value, str) and value == DROP)
    }


_STEADY = ("A_log", "dt_bias", "time_decay", "lambda", "recurrent_param")
_NEAR = (*_STEADY, "time_", "conv_1d", "per_dim")
"""Words in the names of parameters that must stay near what they are, for a bounded answer."""


def _randomise(model: nn.Module, seed: int) -> None:
    """Matrices by their inputs; vectors about what they are."""
    biases = ("correction", "expert_bias")
    named = list(model.named_parameters())
    named += [(n, b) for n, b in model.named_buffers() if b.is_floating_point() and any(word in n for word in biases)]
    seen: set[int] = set()
    with torch.no_grad():
        for name, value in named:
            if value.data_ptr() in seen:
                continue
            seen.add(value.data_ptr())
            g = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
            noise = torch.randn(value.shape, generator=g)
            if value.ndim >= 2 and not any(word in name for word in _NEAR):
                value.copy_(noise / (1.0 if "embed" in name else value.shape[-1] ** 0.5))
            elif any(word in name for word in _STEADY):
                value.add_(0.1 * noise)
            else:
                value.copy_(torch.nan_to_num(value) + 0.3 * noise)
