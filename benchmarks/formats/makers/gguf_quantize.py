# /// script
# dependencies = ["numpy", "pyyaml", "requests", "safetensors", "sentencepiece", "tqdm"]
# ///
"""A toy in every type of blocks that llama.cpp can write, beside the numbers that llama.cpp's own C code decodes.

The C files are those of the source distribution of llama-cpp-python; a C compiler must be there.
"""

import ctypes
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

PACKAGE = "llama-cpp-python==0.3.36"
WIDTH, HIDDEN, HEADS, KV_HEADS, LAYERS, VOCAB = 256, 512, 4, 2, 2, 320
CONFIG = {
    "model_type": "qwen3",
    "hidden_size": WIDTH,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "vocab_size": VOCAB,
    "head_dim": 64,
}


NEVER_STORED = ("Q8_1", "Q8_K")
"""Types of activations in products."""


class Traits(ctypes.Structure):
    """``struct ggml_type_traits``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("numbers", ctypes.c_int64),
        ("interleaved", ctypes.c_int64),
        ("size", ctypes.c_size_t),
        ("quantised", ctypes.c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)),
        ("from_float", ctypes.c_void_p),
    )


def main(out: Path) -> None:
    """Write them."""
    root = source(out.parent)
    sys.path.insert(0, str(root / "gguf-py"))
    import gguf

    library = compiled(root / "ggml", out)
    weights = toy()
    for kind in gguf.GGMLQuantizationType:
        traits = library.ggml_get_type_traits(int(kind)).contents
        if traits.quantised and traits.to_float and kind.name not in NEVER_STORED:
            one(out / kind.name, gguf, library, kind, traits, weights)
    (out / "libggml.so").unlink()


def source(folder: Path) -> Path:
    """The folder of llama.cpp."""
    held = folder / "llama.cpp"
    if not held.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
        (archive,) = folder.glob("llama_cpp_python-*.tar.gz")
        with tarfile.open(archive) as file:
            file.extractall(held, filter="data")
    (found,) = held.glob("*/vendor/llama.cpp")
    return found


def compiled(ggml: Path, out: Path) -> Any:
    """The C code of blocks as a library; what else it refers to is never called."""
    (out / "ggml-version.h").write_text('#define GGML_VERSION "0"\n#define GGML_COMMIT "0"\n')
    options = [
        "-O1",
        "-w",
        "-shared",
        "-fPIC",
        "-D_GNU_SOURCE",
        f"-I{ggml / 'include'}",
        f"-I{ggml / 'src'}",
        f"-I{out}",
    ]
    files = [ggml / "src" / name for name in ("ggml.c", "ggml-quants.c", "ggml-threading.cpp")]
    subprocess.run(
        [os.environ.get("CC", "cc"), *options, *files, "-lm", "-lstdc++", "-o", out / "libggml.so"], check=True
    )
    (out / "ggml-version.h").unlink()
    library = ctypes.CDLL(str(out / "libggml.so"), mode=os.RTLD_LAZY)
    library.ggml_get_type_traits.restype = ctypes.POINTER(Traits)
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p,
    ]  # fmt: skip
    return library


def toy() -> dict[str, Any]:
    """Weights of a Qwen3, of which llama.cpp changes the names alone."""
    rng, shapes = (
        np.random.default_rng(0),
        {"model.embed_tokens.weight": (VOCAB, WIDTH), "lm_head.weight": (VOCAB, WIDTH)},
    )
    size = HEADS * CONFIG["head_dim"], KV_HEADS * CONFIG["head_dim"]
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        shapes |= {f"{at}self_attn.{role}_proj.weight": (size[role != "q"], WIDTH) for role in "qkv"}
        shapes |= {f"{at}self_attn.o_proj.weight": (WIDTH, size[0]), f"{at}mlp.down_proj.weight": (WIDTH, HIDDEN)}
        shapes |= {f"{at}mlp.{role}_proj.weight": (HIDDEN, WIDTH) for role in ("gate", "up")}
        shapes |= {f"{at}{name}_layernorm.weight": (WIDTH,) for name in ("input", "post_attention")}
        shapes |= {f"{at}self_attn.{role}_norm.weight": (CONFIG["head_dim"],) for role in "qk"}
    shapes["model.norm.weight"] = (WIDTH,)
    return {name: (0.1 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def one(folder: Path, gguf: Any, library: Any, kind: Any, traits: Traits, weights: dict[str, Any]) -> None:
    """The toy in blocks of one type, and the numbers that the C code makes of them."""
    (folder / "model").mkdir(parents=True)
    writer = gguf.GGUFWriter(folder / "model" / "model.gguf", "qwen3")
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(CONFIG["head_dim"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, LAYERS)
    truth = {}
    for name, weight in weights.items():
        stored = names.get_name(name, try_suffixes=(".weight",))
        if weight.ndim == 1:
            writer.add_tensor(stored, weight)
            truth[name] = weight
            continue
        rows, columns = weight.shape
        data = np.zeros((rows, columns // traits.numbers * traits.size), np.uint8)
        equal = np.ones(columns, np.float32)
        library.ggml_quantize_chunk(
            int(kind), weight.ctypes.data, data.ctypes.data, 0, rows, columns, equal.ctypes.data
        )
        decoded = np.zeros_like(weight)
        traits.to_float(data.ctypes.data, decoded.ctypes.data, weight.size)
        writer.add_tensor(stored, data, raw_dtype=kind)
        truth[name] = decoded
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(truth, folder / "truth.safetensors")
    said = {"tool": "llama.cpp", "version": PACKAGE.replace("==", " "), "operation": f"ggml, {folder.name}"}
    (folder / "made.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
