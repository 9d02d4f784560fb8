# /// script
# dependencies = ["accelerate", "hqq==0.2.8.post1", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models whose layers hqq quantises, saved by its own function as safetensors.

The truth is hqq's own dequantiser in float32.
"""

import json
import sys
from pathlib import Path

import torch
from _toys import folder_of, leave, toy
from hqq.core.quantize import BaseQuantizeConfig, HQQLinear, Quantizer
from hqq.models.base import BaseHQQModel

OPERATIONS = {
    f"{bits} bits, axis {axis}{', as floats' * seen}": (bits, axis, seen)
    for bits, axis, seen in [(b, a, False) for b in (1, 2, 3, 4, 5, 8) for a in (0, 1)] + [(4, 1, True), (2, 0, True)]
}


def main(out: Path) -> None:
    """Write one for each operation."""
    for operation, (bits, axis, as_floats) in OPERATIONS.items():
        model, truth = toy(), {}
        config = BaseQuantizeConfig(nbits=bits, group_size=64, axis=axis, view_as_float=as_floats)
        for name, module in list(model.named_modules()):
            if isinstance(module, torch.nn.Linear) and name != "lm_head":
                layer = HQQLinear(module, config, compute_dtype=torch.float16, device="cpu")
                model.set_submodule(name, layer)
                wide = {part: x.float() if part in ("scale", "zero") else x for part, x in layer.meta.items()}
                truth[f"{name}.weight"] = Quantizer.dequantize(layer.W_q, wide | {"compute_dtype": torch.float32})
        folder = folder_of(out, operation)
        BaseHQQModel.save_to_safetensors(model, str(folder))
        said = json.loads((folder / "config.json").read_text()) | {"quantization_config": {"quant_method": "hqq"}}
        (folder / "config.json").write_text(json.dumps(said))
        plain = {
            name: x
            for name, x in model.state_dict().items()
            if name.endswith(("norm.weight", "embed_tokens.weight", "head.weight"))
        }
        leave(out, "hqq", operation, truth | plain)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
