#!/usr/bin/env python3
"""Writes a small Hugging Face model as a CTranslate2 directory of version 6, for tests.

    ctranslate2_writer.py HUGGING_FACE_DIRECTORY OUTPUT_DIRECTORY [--type float32|float16|int16|int8]

The variables are those that CTranslate2's own converter makes of Marian, BART, mBART, M2M100, NLLB, PEGASUS, T5, mT5 and
UMT5 checkpoints, written from the description of the format; needs nothing but the standard library. Token id N of
the vocabulary is called "tN".
"""
import argparse
import array
import json
import math
import pathlib
import struct

TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
ACTIVATIONS = {"relu": 0, "gelu_new": 1, "swish": 2, "silu": 2, "gelu": 3}
PRE_NORM = {"mbart", "m2m_100", "pegasus"}


class Matrix:
    """float32 values of any rank, row-major."""

    def __init__(self, shape, values):
        self.shape, self.values = tuple(shape), values

    def rows(self, first):
        width = self.shape[1]
        return Matrix((self.shape[0] - first, width), self.values[first * width:])

    @staticmethod
    def stack(parts):
        values = array.array("f")
        for part in parts:
            values.extend(part.values)
        return Matrix((sum(part.shape[0] for part in parts), *parts[0].shape[1:]), values)


def read_safetensors(folder):
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        data = path.read_bytes()
        size = struct.unpack_from("<Q", data)[0]
        for name, entry in json.loads(data[8:8 + size]).items():
            if name == "__metadata__":
                continue
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            raw = data[begin:end]
            if entry["dtype"] == "BF16":
                raw = b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
            tensors[name] = Matrix(entry["shape"], array.array("f", raw))
    return tensors


class Writer:
    def __init__(self, weight_type):
        self.weight_type = weight_type
        self.variables, self.aliases = {}, {}

    def fact(self, name, kind, value):
        code = {"int8": "b", "int16": "h", "int32": "i", "float32": "f"}[kind]
        self.variables[name] = ((), kind, struct.pack("<" + code, value))

    def floats(self, name, matrix):
        kind = "float16" if self.weight_type == "float16" else "float32"
        code = "e" if kind == "float16" else "f"
        self.variables[name] = (matrix.shape, kind, struct.pack(f"<{len(matrix.values)}{code}", *matrix.values))

    def weight(self, name, matrix):
        """A matrix that quantisation is for."""
        if self.weight_type == "int8":
            rows, width = matrix.shape
            integers, scales = array.array("b"), []
            for row in range(rows):
                values = matrix.values[row * width:(row + 1) * width]
                largest = max(map(abs, values))
                scales.append(127 / largest if largest else 1.0)
                integers.extend(round(value * scales[-1]) for value in values)
            self.variables[name] = (matrix.shape, "int8", integers.tobytes())
            self.variables[name + "_scale"] = ((rows,), "float32", struct.pack(f"<{rows}f", *scales))
        elif self.weight_type == "int16":
            scale = 1024 / max(map(abs, matrix.values))
            integers = [round(value * scale) for value in matrix.values]
            self.variables[name] = (matrix.shape, "int16", struct.pack(f"<{len(integers)}h", *integers))
            self.fact(name + "_scale", "float32", scale)
        else:
            self.floats(name, matrix)

    def linear(self, name, weight, bias=None):
        self.weight(name + "/weight", weight)
        if bias is not None:
            self.floats(name + "/bias", bias)

    def alias(self, name, variable):
        self.aliases[name] = variable
        if variable + "_scale" in self.variables and self.weight_type == "int8":
            self.aliases[name + "_scale"] = variable + "_scale"

    def bytes(self):
        out = [struct.pack("<I", 6), text("TransformerSpec"), struct.pack("<II", 7, len(self.variables))]
        for name, (shape, kind, data) in sorted(self.variables.items()):
            out += [text(name), struct.pack(f"<B{len(shape)}I", len(shape), *shape),
                    struct.pack("<BI", TYPES[kind], len(data)), data]
        out.append(struct.pack("<I", len(self.aliases)))
        for alias, variable in sorted(self.aliases.items()):
            out += [text(alias), text(variable)]
        return b"".join(out)


def text(string):
    data = string.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


def sinusoids(rows, width, first, rate):
    """Sines, then cosines; `rate` gives the angle of one position in column i."""
    half = width // 2
    angles = [[(first + row) * rate(i) for i in range(half)] for row in range(rows)]
    return Matrix((rows, width), array.array("f", [f(a) for row in angles for f in (math.sin, math.cos) for a in row]))


class Converter:
    def __init__(self, folder, weight_type):
        self.config = json.loads((folder / "config.json").read_text())
        self.tensors = read_safetensors(folder)
        self.out = Writer(weight_type)
        self.kind = self.config["model_type"]
        self.is_t5 = self.kind in ("t5", "mt5", "umt5")

    def convert(self):
        if self.is_t5:
            self.convert_t5()
        else:
            self.convert_bart()
        return self.out.bytes()

    def facts(self, side, heads, pre_norm, activation):
        self.out.fact(f"{side}/num_heads", "int16", heads)
        self.out.fact(f"{side}/pre_norm", "int8", pre_norm)
        self.out.fact(f"{side}/activation", "int8", ACTIVATIONS[activation])

    def norm(self, name, source):
        self.out.floats(f"{name}/gamma", self.tensors[f"{source}.weight"])
        if f"{source}.bias" in self.tensors:
            self.out.floats(f"{name}/beta", self.tensors[f"{source}.bias"])

    def fused(self, name, sources):
        parts = [self.tensors[f"{source}.weight"] for source in sources]
        biases = [self.tensors.get(f"{source}.bias") for source in sources]
        self.out.linear(name, Matrix.stack(parts), Matrix.stack(biases) if biases[0] else None)

    def attention(self, name, source, q, k, v, o):
        if name.endswith("self_attention"):
            self.fused(f"{name}/linear_0", [f"{source}.{part}" for part in (q, k, v)])
            self.fused(f"{name}/linear_1", [f"{source}.{o}"])
        else:
            self.fused(f"{name}/linear_0", [f"{source}.{q}"])
            self.fused(f"{name}/linear_1", [f"{source}.{k}", f"{source}.{v}"])
            self.fused(f"{name}/linear_2", [f"{source}.{o}"])

    def tables(self, shared, output, bias=None):
        self.out.weight("decoder/embeddings/weight", shared)
        self.out.alias("encoder/embeddings_0/weight", "decoder/embeddings/weight")
        if output is None:
            self.out.alias("decoder/projection/weight", "decoder/embeddings/weight")
        else:
            self.out.weight("decoder/projection/weight", output)
        if bias is not None:
            self.out.floats("decoder/projection/bias", bias)

    def convert_bart(self):
        config = self.config
        for side in ("encoder", "decoder"):
            self.facts(side, config[f"{side}_attention_heads"], self.kind in PRE_NORM, config["activation_function"])
            self.out.fact(f"{side}/scale_embeddings", "int8", config["scale_embedding"])
            for i in range(config[f"{side}_layers"]):
                self.bart_layer(f"{side}/layer_{i}", f"model.{side}.layers.{i}")
            for name, source in (("layer_norm", "layer_norm"), ("layernorm_embedding", "layernorm_embedding")):
                if f"model.{side}.{source}.weight" in self.tensors:
                    self.norm(f"{side}/{name}", f"model.{side}.{source}")
            self.out.floats(f"{side}/position_encodings/encodings", self.bart_positions(side))
        bias = self.tensors.get("final_logits_bias")
        self.tables(self.tensors["model.shared.weight"], self.tensors.get("lm_head.weight"),
                    Matrix(bias.shape[1:], bias.values) if bias else None)
        if self.kind == "marian":  # whose start token has an embedding of zeros
            self.out.fact("decoder/start_from_zero_embedding", "int8", 1)

    def bart_layer(self, name, source):
        parts = ("q_proj", "k_proj", "v_proj", "out_proj")
        for attention, own in (("self_attention", "self_attn"), ("attention", "encoder_attn")):
            if f"{source}.{own}.q_proj.weight" in self.tensors:
                self.attention(f"{name}/{attention}", f"{source}.{own}", *parts)
                self.norm(f"{name}/{attention}/layer_norm", f"{source}.{own}_layer_norm")
        self.fused(f"{name}/ffn/linear_0", [f"{source}.fc1"])
        self.fused(f"{name}/ffn/linear_1", [f"{source}.fc2"])
        self.norm(f"{name}/ffn/layer_norm", f"{source}.final_layer_norm")

    def bart_positions(self, side):
        rows, width = self.config["max_position_embeddings"], self.config["d_model"]
        stored = self.tensors.get(f"model.{side}.embed_positions.weight")
        if stored is not None:
            return stored.rows(stored.shape[0] - rows)
        if self.kind == "m2m_100":
            return sinusoids(rows, width, 2, lambda i: math.exp(-i * math.log(10000) / (width // 2 - 1)))
        return sinusoids(rows, width, 0, lambda i: 10000 ** (-2 * i / width))

    def convert_t5(self):
        config = self.config
        kind = config["feed_forward_proj"]
        activation = "gelu_new" if kind == "gated-gelu" else kind.replace("gated-", "")
        for side, layers in (("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"])):
            self.facts(side, config["num_heads"], 1, activation)
            self.out.fact(f"{side}/scale_embeddings", "int8", 0)
            for i in range(layers):
                self.t5_layer(side, i)
            self.norm(f"{side}/layer_norm", f"{side}.final_layer_norm")
        self.tables(self.tensors["shared.weight"], self.tensors.get("lm_head.weight"))
        scaled = config.get("scale_decoder_outputs") if self.kind == "t5" else self.kind == "umt5"
        if scaled:
            self.out.fact("decoder/scale_outputs", "float32", config["d_model"] ** -0.5)

    def t5_layer(self, side, index):
        name, source = f"{side}/layer_{index}", f"{side}.block.{index}.layer"
        parts = [("self_attention", "SelfAttention")] + ([("attention", "EncDecAttention")] if side == "decoder" else [])
        for number, (attention, own) in enumerate(parts):
            self.attention(f"{name}/{attention}", f"{source}.{number}.{own}", "q", "k", "v", "o")
            self.norm(f"{name}/{attention}/layer_norm", f"{source}.{number}.layer_norm")
            self.out.fact(f"{name}/{attention}/queries_scale", "float32", 1.0)
        self.t5_bias(side, index)
        dense = f"{source}.{len(parts)}"
        gated = f"{dense}.DenseReluDense.wi_0.weight" in self.tensors
        self.fused(f"{name}/ffn/linear_0", [f"{dense}.DenseReluDense.{'wi_0' if gated else 'wi'}"])
        if gated:
            self.fused(f"{name}/ffn/linear_0_noact", [f"{dense}.DenseReluDense.wi_1"])
        self.fused(f"{name}/ffn/linear_1", [f"{dense}.DenseReluDense.wo"])
        self.norm(f"{name}/ffn/layer_norm", f"{dense}.layer_norm")

    def t5_bias(self, side, index):
        name = f"{side}/layer_{index}/self_attention/relative_attention"
        own = self.tensors.get(f"{side}.block.{index}.layer.0.SelfAttention.relative_attention_bias.weight")
        if own is not None:
            self.out.floats(f"{name}_bias", own)
        else:
            self.out.alias(f"{name}_bias", f"{side}/layer_0/self_attention/relative_attention_bias")
        self.out.fact(f"{name}_max_distance", "int32", self.config["relative_attention_max_distance"])


def token(number):
    return None if number is None else f"t{number}"


def write_directory(source, folder, weight_type="float32"):
    """The model of `source` in the new directory `folder`."""
    converter = Converter(source, weight_type)
    config = converter.config
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(converter.convert())
    vocabulary = [token(i) for i in range(config["vocab_size"])]
    (folder / "shared_vocabulary.json").write_text(json.dumps(vocabulary))
    eos = config["eos_token_id"]
    (folder / "config.json").write_text(json.dumps({
        "unk_token": token(3), "bos_token": token(config["pad_token_id"]),
        "eos_token": token(eos[0] if isinstance(eos, list) else eos),
        "decoder_start_token": token(config["decoder_start_token_id"]),
        "add_source_bos": False, "add_source_eos": False,
        "layer_norm_epsilon": config.get("layer_norm_epsilon")}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--type", default="float32", choices=["float32", "float16", "int16", "int8"])
    arguments = parser.parse_args()
    write_directory(arguments.source, arguments.folder, arguments.type)
