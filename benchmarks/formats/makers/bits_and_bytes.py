# /// script
# dependencies = ["accelerate", "bitsandbytes==0.50.2", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models as transformers quantises them by bitsandbytes on the CPU and saves them.

The truth is bitsandbytes' own dequantiser in float32.
"""

import sys
from pathlib import Path

import bitsandbytes
import torch
from _toys import folder_of, leave, toy
from bitsandbytes.functional import dequantize_4bit, int8_vectorwise_dequant
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

OPERATIONS = {
    "int8": {"load_in_8bit": True},
    **{
        f"{kind}{', nested' * nested}": {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": kind,
            "bnb_4bit_use_double_quant": nested,
        }
        for kind in ("nf4", "fp4")
        for nested in (False, True)
    },
    "nf4, nested, in bfloat16": {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_quant_storage": torch.bfloat16,
    },
}


def numbers(weight: torch.Tensor) -> torch.Tensor:
    """A matrix in float32."""
    if isinstance(weight, bitsandbytes.nn.Int8Params):
        return int8_vectorwise_dequant(weight.CB if weight.CB is not None else weight.data, weight.SCB)
    state = weight.quant_state
    state.dtype = torch.float32
    return dequantize_4bit(weight.data.view(torch.uint8), state)


def main(out: Path) -> None:
    """Write one for each operation."""
    source = out / "sources"
    toy().save_pretrained(source)
    for operation, settings in OPERATIONS.items():
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=torch.bfloat16, device_map="cpu", quantization_config=BitsAndBytesConfig(**settings)
        )
        model.save_pretrained(folder_of(out, operation))
        kinds = (bitsandbytes.nn.Params4bit, bitsandbytes.nn.Int8Params)
        truth = {name: numbers(x) if isinstance(x, kinds) else x for name, x in model.named_parameters()}
        leave(out, "bitsandbytes", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
