# /// script
# dependencies = [
#   "open_clip_torch==3.3.0",
#   "safetensors",
#   "timm==1.0.31",
#   "torch==2.14.1",
#   "torchvision==0.29.1",
#   "transformers==5.24.0",
# ]
# ///
"""Towers of toy width as open_clip and timm keep them, each with the outputs of its twin in transformers."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import open_clip
import timm
import torch
import transformers
from open_clip.push_to_hf_hub import save_config_for_hf
from safetensors.torch import load_file, save_file
from timm.models import save_for_hf

TOWERS = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 20, "vocab_size": 320, "width": 48, "heads": 4, "layers": 2},
}
COMMON = {"hidden_act": "gelu", "projection_dim": 24, "layer_norm_eps": 1e-5}


def disturbed(model):
    """The model with every parameter, norms and biases too, moved a little."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def saved(model):
    """Its tensors by the names of the Hub."""
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(Path(folder) / "model.safetensors")


def loaded(model, weights):
    """A model of transformers with these tensors by the names of the Hub."""
    with TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        save_file({name: value.contiguous() for name, value in weights.items()}, Path(folder) / "model.safetensors")
        found, said = type(model).from_pretrained(folder, output_loading_info=True)
    assert not said["missing_keys"], said
    assert not said["unexpected_keys"], said
    return found.eval()


def clip():
    """A model of open_clip, its twin, and how far their outputs are apart."""
    model = disturbed(open_clip.model.CLIP(**TOWERS))
    model.visual.image_mean = model.visual.image_std = (0.5, 0.5, 0.5)  # what its factory notes for preprocessing
    weights, found = dict(model.state_dict()), {}
    for tower, own in (("vision", "visual."), ("text", "")):
        for i in range({"vision": 3, "text": 2}[tower]):
            at, hub = f"{own}transformer.resblocks.{i}.", f"{tower}_model.encoder.layers.{i}."
            for kind in ("weight", "bias"):
                for role, part in zip("qkv", weights.pop(f"{at}attn.in_proj_{kind}").chunk(3), strict=True):
                    found[f"{hub}self_attn.{role}_proj.{kind}"] = part.clone()
                for theirs, ours in (
                    ("attn.out_proj", "self_attn.out_proj"),
                    ("ln_1", "layer_norm1"),
                    ("ln_2", "layer_norm2"),
                    ("mlp.c_fc", "mlp.fc1"),
                    ("mlp.c_proj", "mlp.fc2"),
                ):
                    found[f"{hub}{ours}.{kind}"] = weights.pop(f"{at}{theirs}.{kind}")
    for theirs, ours in (
        ("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
        ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        ("ln_final.weight", "text_model.final_layer_norm.weight"),
        ("ln_final.bias", "text_model.final_layer_norm.bias"),
        ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
        ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
        ("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
        ("visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"),
        ("visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"),
        ("visual.ln_post.weight", "vision_model.post_layernorm.weight"),
        ("visual.ln_post.bias", "vision_model.post_layernorm.bias"),
        ("logit_scale", "logit_scale"),
    ):
        found[ours] = weights.pop(theirs)
    found["visual_projection.weight"] = weights.pop("visual.proj").T
    found["text_projection.weight"] = weights.pop("text_projection").T
    assert set(weights) <= {"attn_mask"}, list(weights)
    config = transformers.CLIPConfig(
        projection_dim=24,
        vision_config={
            **COMMON,
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": 32,
            "patch_size": 8,
        },
        text_config={
            **COMMON,
            "hidden_size": 48,
            "intermediate_size": 192,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "vocab_size": 320,
            "max_position_embeddings": 20,
            "eos_token_id": 319,
        },
    )
    twin = loaded(transformers.CLIPModel(config), found)
    pixels, tokens = torch.randn(2, 3, 32, 32), torch.arange(20)[None]
    tokens[0, -1] = 319
    with torch.no_grad():
        apart = [model.encode_image(pixels) - twin.get_image_features(pixels).pooler_output]
        apart += [model.encode_text(tokens) - twin.get_text_features(tokens).pooler_output]
    return model, twin, max(x.abs().max().item() for x in apart)


def vit(architecture, kind, config, **changes):
    """A model of timm, its twin, and how far their outputs are apart."""
    model = disturbed(timm.create_model(architecture, img_size=32, embed_dim=96, depth=3, num_classes=10, **changes))
    plain, gated = kind is transformers.ViTForImageClassification, "giant" in architecture
    weights, found = dict(model.state_dict()), {}
    outer = "vit." if plain else ""
    for i in range(3):
        at, hub = f"blocks.{i}.", f"{outer}encoder.layer.{i}."
        for part in ("weight", "bias"):
            for role, value in zip(
                ("query", "key", "value"), weights.pop(f"{at}attn.qkv.{part}").chunk(3), strict=True
            ):
                found[f"{hub}attention.attention.{role}.{part}"] = value.clone()
            for theirs, ours in {
                "attn.proj": "attention.output.dense",
                "mlp.fc1": "intermediate.dense" if plain else "mlp.weights_in" if gated else "mlp.fc1",
                "mlp.fc2": "output.dense" if plain else "mlp.weights_out" if gated else "mlp.fc2",
                "norm1": "layernorm_before" if plain else "norm1",
                "norm2": "layernorm_after" if plain else "norm2",
            }.items():
                found[f"{hub}{ours}.{part}"] = weights.pop(f"{at}{theirs}.{part}")
        if not plain:
            for n in (1, 2):
                found[f"{hub}layer_scale{n}.lambda1"] = weights.pop(f"{at}ls{n}.gamma")
    for theirs, ours in {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }.items():
        found[outer + ours] = weights.pop(theirs)
    for part in ("weight", "bias"):
        if plain:
            found[f"classifier.{part}"] = weights.pop(f"head.{part}")
    if not plain:
        found["embeddings.mask_token"] = torch.zeros(1, 96)
        weights = {name: value for name, value in weights.items() if not name.startswith("head.")}
    assert not weights, list(weights)
    twin = loaded(kind(config), found)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        if plain:
            apart = model(pixels) - twin(pixels).logits
        else:
            apart = model.forward_features(pixels) - twin(pixels).last_hidden_state
    return model, twin, apart.abs().max().item()


def main(out: Path) -> None:
    """Write them."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 32, "num_labels": 10}
    plain = transformers.ViTConfig(**sizes, intermediate_size=384, patch_size=16, layer_norm_eps=1e-6)
    scaled = transformers.Dinov2Config(**sizes | {"num_attention_heads": 6}, mlp_ratio=4, patch_size=14)
    gated = transformers.Dinov2Config(**scaled.to_dict() | {"use_swiglu_ffn": True})
    for name, (model, twin, apart) in {
        "open_clip": clip(),
        "timm, vit": vit("vit_tiny_patch16_224", transformers.ViTForImageClassification, plain),
        "timm, dinov2 with gates": vit("vit_giant_patch14_dinov2", transformers.Dinov2Model, gated, num_heads=6),
        "timm, dinov2": vit("vit_small_patch14_dinov2", transformers.Dinov2Model, scaled),
    }.items():
        assert apart < 1e-4, (name, apart)
        folder = out / f"saved, {name}"
        (folder / "model").mkdir(parents=True, exist_ok=True)
        if name == "open_clip":
            save_file(model.state_dict(), folder / "model" / "open_clip_model.safetensors")
            save_config_for_hf(model, folder / "model" / "open_clip_config.json", TOWERS)
        else:
            save_for_hf(model, folder / "model", safe_serialization=True)
        save_file(
            {k: v for k, v in saved(twin).items() if k != "embeddings.mask_token"}, folder / "truth.safetensors"
        )
        tool = name.partition(",")[0]
        package = {"open_clip": "open_clip_torch"}.get(tool, tool)
        said = {"tool": tool, "version": version(package), "operation": folder.name}
        (folder / "made.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
