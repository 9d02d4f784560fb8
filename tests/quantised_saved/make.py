"""Take one quantised matrix out of models that real tools wrote, with the digest of the tools' own numbers.

``python tests/quantised_saved/make.py MADE``, where MADE is the folder of that name that ``python -m
benchmarks.formats`` leaves. A digest is SHA-256 of float32 in order of rows, negative zeros made positive.
"""

import hashlib
import json
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

HERE = Path(__file__).parent
MATRIX = "model.layers.0.self_attn.k_proj"
TAKEN = {
    "apple_mlx": ["affine 3 bits, group 64", "affine 5 bits, group 32", "mxfp4", "mxfp8", "nvfp4", "mixed bits"],
    "aqlm_codebooks": ["2x8"],
    "auto_round_models": ["3 bits", "4 bits, asymmetric", "4 bits, gptqmodel"],
    "bits_and_bytes": ["nf4, nested"],
    "gptq_model": ["3 bits", "5 bits in planes"],
    "half_quadratic": ["3 bits, axis 0", "3 bits, axis 1", "4 bits, axis 0", "4 bits, axis 1, as floats"],
    "llm_compressor": ["3 bits, channel", "6 bits, group 64 asymmetric", "NVFP4A16", "MXFP4A16", "MXFP8A16"],
    "model_optimizer": ["NVFP4", "INT4, AWQ", "NVFP4, activations in float8"],
    "quanto": ["qint8"],
    "torch_ao": ["int8", "intx, 4 bits, group 32"],
    "torch_ao_packed": ["int4, AWQ", "int4 in tiles, group 32", "mxfp4, swizzled", "nvfp4, swizzled"],
    "transformers_quantised": ["llama, BitNet that divides", "llama, Metal in 4 bits"],
}


def main(made: Path) -> None:
    """Write them."""
    said = {}
    for maker, operations in TAKEN.items():
        for operation in operations:
            folder = made / maker / operation
            (model,) = (folder / "model").glob("*.safetensors")
            with safe_open(model, "pt") as file:
                names = [name for name in file.keys() if name.startswith(MATRIX + ".")]  # noqa: SIM118 (it is no mapping)
                parts = {name: file.get_tensor(name) for name in names}
                metadata = {
                    name: text for name, text in (file.metadata() or {}).items() if name == f"{MATRIX}.weight"
                }
            with safe_open(folder / "truth.safetensors", "pt") as file:
                truth = file.get_tensor(f"{MATRIX}.weight")
            name = f"{maker} {operation}".replace(",", "").replace(" ", "-")
            save_file(parts, HERE / f"{name}.safetensors", metadata or None)
            (HERE / f"{name}.safetensors").chmod(0o644)
            config = json.loads((folder / "model" / "config.json").read_text("utf-8"))
            kept = {key: config[key] for key in ("quantization", "quantization_config") if key in config}
            if "quantization" in kept:
                kept.pop("quantization_config", None)
            digest = hashlib.sha256((truth.numpy() + 0.0).tobytes()).hexdigest()
            said[name] = {"config": kept, "sha256": digest}
    (HERE / "said.json").write_text(json.dumps(said, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
