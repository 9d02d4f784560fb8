"""Blocks with two MLPs, of which hidden units alone are read, and the second as the shared one.

Denoisers with one for images and one for text (MM-DiT: Stable Diffusion 3, FLUX, Qwen-Image), and behind these layers
some with one for both, where attention and MLP share matrices; conformers of sound, with one before attention and
one after.
"""

from dataclasses import replace

from ..layout import Family, Slot, with_bias


def _mlps(first: str, second: str, up: str, down: str) -> dict[str, str | Slot]:
    """Both MLPs, by the names of their modules and of the matrices in them."""
    one, other = f"{first}.", f"{second}."
    return with_bias(up=one + up, down=one + down, shared_up=other + up, shared_down=other + down)


def _halves(module: str, prefix: str) -> dict[str, str | Slot]:
    """A gated MLP, gate and up in one tensor."""
    both = {
        f"{prefix}{role}": Slot(f"{module}.linear_in.weight", part=(n, 2)) for n, role in enumerate(("gate", "up"))
    }
    return {**both, f"{prefix}down": f"{module}.linear_out.weight"}


def _beside_attention(name: str, parts: int, into: str = "") -> dict[str, str | Slot]:
    """The matrix that writes what attention and an MLP found, and the one that both read, if it is one.

    What is attention's is read with no role that a test compares, so that all of the tensors are read.
    """
    found: dict[str, str | Slot] = {
        "down": Slot(f"{name}.weight", span=(1, None)),
        "down_bias": f"{name}.bias",
        "beside_down": Slot(f"{name}.weight", span=(0, 1)),
    }
    for suffix, kind in (("", "weight"), ("_bias", "bias")) if into else ():
        for n, role in enumerate(("gate", "up") if parts == 2 else ("up",)):
            found[role + suffix] = Slot(f"{into}.{kind}", part=(n, parts), span=(3, None))
        found[f"beside_up{suffix}"] = Slot(f"{into}.{kind}", span=(0, 3))
    return found


_AT, _ONE = "transformer_blocks.{i}.", "single_transformer_blocks.{i}."

MMDIT = Family(
    name="mmdit",
    model_types=(),
    prefixes=("",),
    globals={},
    layer=_mlps(_AT + "ff", _AT + "ff_context", "net.0.proj", "net.2"),
    stacks=(with_bias(up=_ONE + "proj_mlp") | _beside_attention(_ONE + "proj_out", 1),),
    required=("up", "down", "shared_up", "shared_down"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    linear_values=False,
    attention="unknown",
    positions="unknown",
    kind="denoiser",
)
QWEN_IMAGE = replace(
    MMDIT, name="qwen_image", layer=_mlps(_AT + "img_mlp", _AT + "txt_mlp", "net.0.proj", "net.2"), stacks=()
)
FLUX = replace(
    MMDIT,
    name="flux",
    layer=_mlps("double_blocks.{i}.img_mlp", "double_blocks.{i}.txt_mlp", "0", "2"),
    stacks=(_beside_attention("single_blocks.{i}.linear2", 1, "single_blocks.{i}.linear1"),),
)
FLUX2 = replace(
    MMDIT,
    name="flux2",
    gated=True,
    layer=_halves(_AT + "ff", "") | _halves(_AT + "ff_context", "shared_"),
    stacks=(_beside_attention(_ONE + "attn.to_out", 2, _ONE + "attn.to_qkv_mlp_proj"),),
)

CONFORMER = replace(
    MMDIT,
    name="conformer",
    kind="audio tower",
    stacks=(),
    layer=_mlps("layers.{i}.ffn1", "layers.{i}.ffn2", "intermediate_dense", "output_dense"),
)
PARAKEET = replace(
    CONFORMER,
    name="parakeet",
    layer=_mlps("layers.{i}.feed_forward1", "layers.{i}.feed_forward2", "linear1", "linear2"),
)
GRANITE_SPEECH = replace(
    CONFORMER, name="granite_speech", layer=_mlps("layers.{i}.ff1", "layers.{i}.ff2", "up_proj", "down_proj")
)
