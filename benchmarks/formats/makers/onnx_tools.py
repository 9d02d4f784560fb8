# /// script
# dependencies = [
#     "numpy", "onnx==1.23.2", "onnxruntime==1.32.0", "onnxruntime-genai==0.18.0", "onnxscript==0.7.2",
#     "onnx-ir==1.1.0", "safetensors", "torch==2.13.0", "transformers==5.24.0",
# ]
# ///
"""Toys as ONNX: by PyTorch's two exporters, onnxruntime's quantisers and optimiser, and onnxruntime-genai's builder.

What a quantised weight is, onnxruntime itself tells, by running its node alone.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx import helper
from onnxruntime.quantization import QuantFormat, QuantType, matmul_nbits_quantizer, quantize_dynamic
from onnxruntime.transformers import optimizer
from safetensors.numpy import save_file

SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 320,
    "max_position_embeddings": 64,
    "attn_implementation": "eager",
}
Weights = dict[str, Any]


def main(out: Path) -> None:
    """Write them."""
    torch.manual_seed(0)
    held = out.parent / "onnx_held"
    shutil.rmtree(held, ignore_errors=True)
    held.mkdir()
    bert = grown(transformers.BertModel(transformers.BertConfig(**SIZES)))
    llama = grown(transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, num_key_value_heads=2)))
    made = {
        "bert-old": exported(bert, held / "bert-old", old=True),
        "bert": exported(bert, held / "bert", old=False),
        "llama": exported(llama, held / "llama", old=False),
    }
    models = {"bert-old": bert, "bert": bert, "llama": llama}
    for name, file in made.items():
        old = "older" if name.endswith("old") else "newer"
        copy(out / f"torch.onnx, {old} exporter, {name.removesuffix('-old')}", file, models[name], plain)
    equal = grown(transformers.BertModel(transformers.BertConfig(**SIZES)))
    for name, parameter in equal.named_parameters():
        if "LayerNorm" in name:
            torch.nn.init.constant_(parameter, float(name.endswith("weight")))
    copy(out / "torch.onnx, equal norms", exported(equal, held / "equal", old=False), equal, plain)
    source = made["bert-old"]
    fused = held / "fused.onnx"
    optimizer.optimize_model(str(source), model_type="bert", num_heads=4, hidden_size=64).save_model_to_file(
        str(fused)
    )
    copy(out / "onnxruntime optimizer, bert", fused, bert, plain)
    for kind, by_channel in ((QuantType.QInt8, False), (QuantType.QUInt8, True)):
        file = held / "dynamic.onnx"
        quantize_dynamic(source, file, weight_type=kind, per_channel=by_channel)
        operation = f"quantize_dynamic, {kind.name}{' by channel' if by_channel else ''}"
        copy(out / operation, file, bert, of_integers)
    for bits, size, symmetric in ((4, 32, True), (4, 32, False), (4, 128, False), (8, 32, False), (2, 32, False)):
        file = held / "blocks.onnx"
        blocks(source, file, bits, size, symmetric, QuantFormat.QOperator)
        operation = f"MatMulNBits, {bits} bits, block {size}{'' if symmetric else ', zeros'}"
        copy(out / operation, file, bert, of_products)
    for symmetric in (True, False):
        file = held / "qdq.onnx"
        blocks(source, file, 4, 32, symmetric, QuantFormat.QDQ)
        copy(out / f"DequantizeLinear by block, {'' if symmetric else 'U'}INT4", file, bert, of_products)
    for precision in ("fp32", "int4"):
        built(out / f"onnxruntime-genai, {precision}", held, llama, precision)


def grown(model: Any) -> Any:
    """The model with random weights of which no two are equal."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0, 0.1)
    return model.eval()


class Hidden(torch.nn.Module):
    """A model whose output is one tensor."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.inner = model

    def forward(self, ids: Any) -> Any:
        """Its first output."""
        return self.inner(input_ids=ids, **({"use_cache": False} if hasattr(self.inner, "lm_head") else {}))[0]


def exported(model: Any, folder: Path, old: bool) -> Path:
    """The model as ONNX, and its config beside it."""
    folder.mkdir()
    ids = torch.randint(0, SIZES["vocab_size"], (2, 8))
    names = {"input_names": ["ids"], "dynamic_axes" if old else "dynamic_shapes": None}
    options = {"dynamo": not old, "external_data": False, "opset_version": 17 if old else 21}
    torch.onnx.export(Hidden(model), (ids,), str(folder / "model.onnx"), **names, **options)
    model.config.save_pretrained(folder)
    return folder / "model.onnx"


def blocks(source: Path, target: Path, bits: int, size: int, symmetric: bool, kind: Any) -> None:
    """Quantise every product in blocks."""
    config = matmul_nbits_quantizer.DefaultWeightOnlyQuantConfig(
        block_size=size, is_symmetric=symmetric, bits=bits, accuracy_level=4, quant_format=kind
    )
    made = matmul_nbits_quantizer.MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
    made.process()
    made.model.save_model_to_file(str(target))


def copy(folder: Path, file: Path, model: Any, truth: Callable[[onnx.ModelProto, Weights], Weights]) -> None:
    """Leave a model, its config and the truth in a folder."""
    (folder / "model").mkdir(parents=True)
    for beside in file.parent.glob(f"{file.name}*"):
        shutil.copy(beside, folder / "model" / beside.name.replace(file.name, "model.onnx"))
    model.config.save_pretrained(folder / "model")
    leave(folder, truth(onnx.load(file), weights_of(model)))


def weights_of(model: Any) -> Weights:
    """Weights as PyTorch holds them, less those of heads that are not exported."""
    held = model.state_dict().items()
    return {name: value.numpy().copy() for name, value in held if not name.startswith("pooler")}


def leave(folder: Path, truth: Weights) -> None:
    """Write the truth, and what made it."""
    save_file(
        {name: np.ascontiguousarray(value, np.float32) for name, value in truth.items()}, folder / "truth.safetensors"
    )
    version = f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}"
    (folder / "made.json").write_text(json.dumps({"tool": "onnx", "version": version, "operation": folder.name}))


def plain(_: onnx.ModelProto, weights: Weights) -> Weights:
    """Weights that were only moved; of positions the newer exporter keeps what a graph of fixed length needs."""
    return {name: value for name, value in weights.items() if "position" not in name}


def of_products(model: onnx.ModelProto, weights: Weights) -> Weights:
    """Each product's matrix, as onnxruntime multiplies by it."""
    truth = plain(model, weights)
    for node in model.graph.node:
        name = node.name.removeprefix("/inner/").rpartition("/")[0].replace("/", ".") + ".weight"
        weight = next((held for held in weights if held == name), None)
        if node.op_type not in ("MatMulNBits", "MatMul") or weight is None:
            continue
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
        truth[weight] = product(model, node, weights[weight].shape[1]).T
    return truth


def product(model: onnx.ModelProto, node: Any, size: int) -> Any:
    """What a node makes of the identity, with the nodes that lead to its weight."""
    before = [one for one in model.graph.node if set(one.output) & set(node.input[1:])]
    used = {name for one in (node, *before) for name in one.input}
    kinds = onnx.TensorProto.FLOAT
    given = helper.make_tensor_value_info(node.input[0], kinds, [size, size])
    result = helper.make_tensor_value_info(node.output[0], kinds, None)
    held = [one for one in model.graph.initializer if one.name in used]
    graph = helper.make_graph([*before, node], "one", [given], [result], held)
    alone = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(alone.SerializeToString(), options)
    return session.run(None, {node.input[0]: np.eye(size, dtype=np.float32)})[0]


def of_integers(model: onnx.ModelProto, weights: Weights) -> Weights:
    """Each quantised initialiser, as onnxruntime's DequantizeLinear decodes it."""
    held = {one.name: one for one in model.graph.initializer}
    truth = plain(model, weights)
    for name in held:
        base = name.removesuffix("_quantized")
        if base == name:
            continue
        node = helper.make_node("DequantizeLinear", [name, f"{base}_scale", f"{base}_zero_point"], ["out"], axis=1)
        parts = [held[part] for part in node.input]
        result = helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)
        alone = helper.make_model(
            helper.make_graph([node], "one", [], [result], parts),
            opset_imports=model.opset_import,
            ir_version=model.ir_version,
        )
        found = onnxruntime.InferenceSession(alone.SerializeToString()).run(None, {})[0]
        users = [one for one in model.graph.node if name in one.input]
        if base.removeprefix("inner.") in truth:
            truth[base.removeprefix("inner.")] = found
        for user in users:
            weight = user.name.removeprefix("/inner/").rpartition("/")[0].replace("/", ".") + ".weight"
            if weight in truth and user.op_type == "MatMulInteger":
                truth[weight] = found.T
    return truth


def built(folder: Path, held: Path, llama: Any, precision: str) -> None:
    """A Llama by onnxruntime-genai's builder, without its config."""
    source = held / "genai"
    if not source.exists():
        from tokenizers import Tokenizer, models

        llama.save_pretrained(source)
        words = Tokenizer(models.WordLevel({f"t{i}": i for i in range(SIZES["vocab_size"])}, unk_token="t0"))
        transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="t0").save_pretrained(source)
    run = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", source, "-o", folder / "model"]
    subprocess.run([*run, "-p", precision, "-e", "cpu", "-c", held / "cache"], check=True, capture_output=True)
    weights = weights_of(llama)
    truth = {name: value for name, value in weights.items() if "norm" in name or "embed" in name}
    model = onnx.load(folder / "model" / "model.onnx")
    places = {"qkv_proj": ("q_proj", "k_proj", "v_proj")}
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "MatMulNBits") or not node.name.startswith(("/model/layers", "/lm_head")):
            continue
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
        module = node.name[1:].rpartition("/")[0].replace("/", ".").replace(".attn.", ".self_attn.")
        last = module.rpartition(".")[2]
        names = [f"{module.removesuffix(last)}{part}.weight" for part in places.get(last, (last,))]
        whole = product(model, node, weights[names[0]].shape[1]).T
        ends = np.cumsum([len(weights[name]) for name in names])[:-1]
        truth |= dict(zip(names, np.split(whole, ends), strict=True))
    leave(folder, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
