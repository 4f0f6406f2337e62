"""What the converters of this folder share: float32 safetensors in, a CTranslate2 directory out."""

import argparse
import json
import os
import struct

import numpy as np


def read_safetensors(path):
    """All tensors of a float32 safetensors file by name."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: tensor '{name}' is {entry['dtype']}, expected F32")
        begin, end = entry["data_offsets"]
        # A copy, since CTranslate2 quantises in place.
        tensors[name] = np.array(
            np.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"]))
    return tensors


def read_model(directory):
    """The configuration and the tensors of a directory in Hugging Face layout."""
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return config, read_safetensors(os.path.join(directory, "model.safetensors"))


def write_model(spec, pieces, directory, quantization):
    """Checks a filled specification and saves it; `pieces` are those of both languages."""
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.validate()
    spec.optimize(quantization=quantization)
    os.makedirs(directory, exist_ok=True)
    spec.save(directory)


def run(convert, description):
    """The command line of a converter, convert(model, output, quantization)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("model", help="directory in Hugging Face layout")
    parser.add_argument("output", help="directory to write")
    parser.add_argument("--quantization", choices=["float32", "int8"], default="float32",
                        help="type of the weights on disk (default: float32)")
    arguments = parser.parse_args()
    convert(arguments.model, arguments.output, arguments.quantization)
