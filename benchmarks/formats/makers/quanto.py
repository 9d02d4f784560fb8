# /// script
# dependencies = ["accelerate", "optimum-quanto==0.2.7", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models as quanto quantises and saves them.

The truth is quanto's own dequantiser, given its scales in float32.
"""

import sys
from pathlib import Path

from _toys import folder_of, leave, toy
from optimum.optimum_quanto import QTensor, QuantizedModelForCausalLM, qfloat8_e4m3fn, qfloat8_e5m2, qint2, qint8


def main(out: Path) -> None:
    """Write one for each type."""
    for kind in (qint8, qfloat8_e4m3fn, qfloat8_e5m2, qint2):
        quantised = QuantizedModelForCausalLM.quantize(toy(), weights=kind, exclude="lm_head")
        quantised.save_pretrained(folder_of(out, kind.name))
        truth = {}
        for name, x in quantised._wrapped.named_parameters():
            truth[name] = x
            if isinstance(x, QTensor):
                x._scale = x._scale.float()
                if hasattr(x, "_shift"):
                    x._shift = x._shift.float()
                truth[name] = x.dequantize()
        leave(out, "optimum-quanto", kind.name, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
