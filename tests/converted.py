"""Toys as GGUF and ONNX files, written as llama.cpp, PyTorch's two exporters and onnxruntime's quantiser do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import onnx
from hypothesis import HealthCheck
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

import verify
from tests.checkpoints import Toy
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint

Array = NDArray[Any]
Kind = gguf.GGMLQuantizationType
MODELS = Path(verify.__file__).parent / "data" / "models"
SLOW = [HealthCheck.function_scoped_fixture]
LLAMA_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
}
BERT_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "encoder.layer": "blk",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
GPT2_NAMES = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "h": "blk",
}


def renamed(name: str, table: dict[str, str]) -> str:
    """A name with its parts replaced, where they are whole parts."""
    for old, new in table.items():
        name = re.sub(rf"(?<![\w]){re.escape(old)}(?=\.)", new, name)
    return name


def side_by_side(weight: Array, heads: int) -> Array:
    """The permutation of llama.cpp's converter, as it stands there."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def converted(model: Toy, architecture: str, table: dict[str, str] | None = None) -> dict[str, Array]:
    """Tensors as the converter names, orders, turns and stacks them."""
    table = table or {"bert": BERT_NAMES, "gpt2": GPT2_NAMES}.get(architecture, LLAMA_NAMES)
    heads = {"attn_q": model.config.get("num_attention_heads"), "attn_k": model.config.get("num_key_value_heads")}
    found: dict[str, Array] = {}
    stacks: dict[str, dict[int, Array]] = {}
    for name, value in model.tensors.items():
        if expert := re.fullmatch(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(\w+)_proj\.weight", name):
            stacks.setdefault(f"blk.{expert[1]}.ffn_{expert[3]}_exps.weight", {})[int(expert[2])] = value
            continue
        if name.startswith("pooler"):
            continue
        new = renamed(name, table)
        part = new.split(".")[-2]
        if architecture in ("llama", "olmo") and part in heads:
            value = side_by_side(value, heads[part] or 0)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            value = value + 1
        if architecture == "gpt2" and re.search(r"\.c_\w+\.weight$", name):
            value = value.T
        found[new] = value.reshape(-1) if "shared_expert_gate" in name else value
    for name, parts in stacks.items():
        found[name] = np.stack([parts[e] for e in range(len(parts))])
    return found


def write_gguf(
    path: Path,
    tensors: dict[str, Array],
    architecture: str,
    config: dict[str, Any],
    kind: Kind = Kind.F32,
    tokens: Sequence[str] = (),
    spelling: str = "gpt2",
    **options: Any,
) -> Path:
    """A GGUF file by the package's own writer; vectors and rows that are no whole blocks stay F32, as there."""
    writer = gguf.GGUFWriter(path, architecture, **options)
    writer.add_block_count(config.get("num_hidden_layers") or config["n_layer"])
    writer.add_embedding_length(config.get("hidden_size") or config["n_embd"])
    writer.add_head_count(config.get("num_attention_heads") or config["n_head"])
    if "num_key_value_heads" in config:
        writer.add_head_count_kv(config["num_key_value_heads"])
    if "num_experts" in config:
        writer.add_expert_count(config["num_experts"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if "rotary_dim" in config:
        writer.add_rope_dimension_count(config["rotary_dim"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
    if tokens:
        writer.add_tokenizer_model(spelling)
        writer.add_token_list(list(tokens))
        writer.add_token_scores([0.0] * len(tokens))
    block = gguf.GGML_QUANT_SIZES[kind][0]
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        if value.ndim == 1 or value.shape[-1] % block:
            writer.add_tensor(name, value)
        else:
            writer.add_tensor(name, gguf.quants.quantize(value, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def shipped(name: str) -> Toy:
    """A model that ships, as stored."""
    config = json.loads((MODELS / name / "config.json").read_text())
    stored = load_file(MODELS / name / "model.safetensors")
    return Toy({key: value.astype(np.float32) for key, value in stored.items()}, config, {})


def write_shipped(name: str, path: Path, kind: Kind) -> Path:
    """A model that ships as GGUF, with its vocabulary."""
    model = shipped(name)
    spelled = json.loads((MODELS / name / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(spelled, key=lambda token: spelled[token])
    return write_gguf(path, converted(model, "llama"), "llama", model.config, kind, tokens)


def read_all(checkpoint: Checkpoint) -> None:
    """Every tensor, and the vocabulary."""
    for layer in (None, *range(checkpoint.architecture.layers)):
        for key in checkpoint.keys(layer):
            checkpoint.read(*key)
    checkpoint.vocabulary()


def refusal(action: Callable[[], object]) -> str | None:
    """The sentence with which something is refused; any other error is a failure."""
    try:
        action()
    except CheckpointError as error:
        return str(error)
    return None


Nodes = list[onnx.NodeProto]
Weights = dict[str, Array]


class Export:
    """A graph under construction: every linear layer of a model as one exporter writes it."""

    def __init__(self, style: str, wrapper: str = "") -> None:
        self.style, self.wrapper = style, wrapper
        self.nodes: Nodes = []
        self.weights: Weights = {}

    def linear(self, module: str, weight: Array, bias: Array | None, number: int) -> None:
        """``weight`` [out, in]."""
        inside = self.wrapper + module
        scope = "/" + inside.replace(".", "/")
        out, anonymous = f"out{number}", f"onnx::MatMul_{number}"
        if bias is not None:
            self.weights[f"{inside}.bias"] = bias
        if self.style == "gemm":
            self.weights[f"{inside}.weight"] = weight
            inputs = ["x", f"{inside}.weight"] + ([f"{inside}.bias"] if bias is not None else [])
            self.nodes.append(helper.make_node("Gemm", inputs, [out], name=f"{scope}/Gemm", transB=1))
            return
        product = f"{out}_product"
        if self.style == "torchscript":
            self.weights[anonymous] = weight.T
            self.nodes.append(helper.make_node("MatMul", ["x", anonymous], [product], name=f"{scope}/MatMul"))
        elif self.style == "transposed":
            self.weights[f"{inside}.weight"] = weight
            self.nodes.append(helper.make_node("Transpose", [f"{inside}.weight"], [anonymous], perm=[1, 0]))
            self.nodes.append(helper.make_node("MatMul", ["x", anonymous], [product], name=f"node_{number}"))
            node = self.nodes[-1]
            node.metadata_props.add(
                key="pkg.torch.onnx.name_scopes", value=str(["", module.split(".")[0], inside, "t"])
            )
        elif self.style == "dynamo":  # int8 by column, Cast and Mul; nameless but for the bias or the scope
            codes, scale = by_column(weight.T)
            self.weights |= {f"val_{number}_q": codes, f"val_{number}_scale": scale[None]}
            self.nodes.append(helper.make_node("Cast", [f"val_{number}_q"], [f"val_{number}_f"], to=1))
            self.nodes.append(helper.make_node("Mul", [f"val_{number}_f", f"val_{number}_scale"], [f"val_{number}"]))
            node = helper.make_node("MatMul", ["x", f"val_{number}"], [product], name=f"node_{number}")
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(["", inside, "linear"]))
            self.nodes.append(node)
        elif self.style == "onnxruntime":  # dynamic: unsigned, one scale and zero
            codes, scale, zero = unsigned(weight.T)
            parts = {"_quantized": codes, "_scale": scale, "_zero_point": zero}
            self.weights |= {anonymous + ending: part for ending, part in parts.items()}
            quantised = ["x_quantized", f"{anonymous}_quantized", "x_zero_point", f"{anonymous}_zero_point"]
            name = f"{scope}/MatMul_quant"
            self.nodes += [
                helper.make_node("MatMulInteger", quantised, [f"{out}_int"], name=name),
                helper.make_node("Cast", [f"{out}_int"], [f"{out}_float"], to=1),
                helper.make_node("Mul", ["x_scale", f"{anonymous}_scale"], [f"{out}_scales"]),
                helper.make_node("Mul", [f"{out}_float", f"{out}_scales"], [product]),
            ]
        else:  # qdq
            codes, scale = by_column(weight.T)
            self.weights |= {f"{anonymous}_quantized": codes, f"{anonymous}_scale": scale}
            inputs = [f"{anonymous}_quantized", f"{anonymous}_scale"]
            self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{anonymous}_dq"], axis=1))
            self.nodes.append(helper.make_node("MatMul", ["x", f"{anonymous}_dq"], [product], name=f"{scope}/MatMul"))
        if bias is not None:
            self.nodes.append(helper.make_node("Add", [f"{inside}.bias", product], [out]))

    def table(self, name: str, weight: Array) -> None:
        """An embedding, looked up by rows."""
        if self.style == "onnxruntime":
            codes, scale, zero = unsigned(weight)
            self.weights |= {f"{self.wrapper}{name}_quantized": codes, f"{self.wrapper}{name}_scale": scale}
            self.weights[f"{self.wrapper}{name}_zero_point"] = zero
            self.nodes.append(helper.make_node("Gather", [f"{self.wrapper}{name}_quantized", "ids"], ["rows"]))
        else:
            self.weights[self.wrapper + name] = weight
            self.nodes.append(helper.make_node("Gather", [self.wrapper + name, "ids"], ["rows"]))

    def model(self) -> onnx.ModelProto:
        """The whole message."""
        made = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self.weights.items()]
        made.append(helper.make_tensor("onnx::Reshape_9", TensorProto.INT64, [3], [0, -1, 4]))
        graph = helper.make_graph(self.nodes, "main", [], [], made)
        return helper.make_model(graph)


def by_column(weight: Array) -> tuple[Array, Array]:
    scale = (np.abs(weight).max(0) / 127).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale


def unsigned(weight: Array) -> tuple[Array, Array, Array]:
    low, high = min(0.0, float(weight.min())), float(weight.max())
    scale = np.float32((high - low) / 255)
    zero = np.uint8(round(-low / scale))
    return np.clip(np.round(weight / scale) + zero, 0, 255).astype(np.uint8), np.array(scale), np.array(zero)


def export(model: Toy, style: str, wrapper: str = "") -> Export:
    """A model as an exporter writes it."""
    made = Export(style, wrapper)
    turned = model.config["model_type"] == "gpt2"
    for number, (name, weight) in enumerate(model.tensors.items()):
        module = name.removesuffix(".weight")
        if weight.ndim == 2 and re.search(r"embed|wte|wpe", name):
            made.table(name, weight)
        elif weight.ndim == 2:
            matrix = weight.T if turned and name != "lm_head.weight" else weight
            made.linear(module, matrix, model.tensors.get(f"{module}.bias"), number)
        elif f"{name.rpartition('.')[0]}.weight" == name or model.tensors[f"{name[:-4]}weight"].ndim == 1:
            made.weights[wrapper + name] = weight
    return made


def write_onnx(folder: Path, model: onnx.ModelProto, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


def external(model: Toy, folder: Path, location: str, **entries: int) -> Path:
    """A model whose data lies in another file, one tensor after the other, or as ``entries`` lie."""
    message, data = export(model, "torchscript").model(), b""
    for tensor in message.graph.initializer:
        if tensor.raw_data:
            place = {"offset": len(data), "length": len(tensor.raw_data)} | entries
            data += tensor.raw_data
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in {"location": location, **place}.items():
                tensor.external_data.add(key=key, value=str(value))
    write_onnx(folder, message, model.config)
    if location in ("data.bin", "weights.bin"):
        (folder / location).write_bytes(data)
    return folder
