"""nanochat: Llama's attention, norms without weights also of q and k, an MLP of squared ReLU without gate."""

from ..layout import Family
from .llama import BODY, UNEMBED

NANOCHAT = Family(
    name="nanochat",
    model_types=("nanochat",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight"},
    layer=BODY | {"up": "layers.{i}.mlp.fc1.weight", "down": "layers.{i}.mlp.fc2.weight"},
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "up", "down"),
    gated=False,
    odd_in_up=False,
    by_names=False,
    rotary="half",
    query_key_norm="none",
)
