#!/usr/bin/env python3
"""Writes a Marian model of a given shape with seeded random weights, as a Hugging Face directory.

    python3 bench/seeded_model.py base build/rivals/seeded/base

For speed at shapes for which no model can be had without a download: time depends on the shapes and
not on the values. The same shape gives the same file everywhere. Weights are drawn as a model is
initialised (variance 1 / inputs), but what a sub-layer adds is kept small beside what it is added
to, and the output matrix is the embedding with its rows in another order: so a step's hidden row is
near the embedding of the last token, and each token has another one after it. Without this, such a
network gives one token for ever, and comparing outputs would say nothing.
The tokenizer is that of the demonstration model, filled up with pieces that no text has.

Since the successor of each token is known, so is the token after which the model writes a given
number of tokens and ends: endings.json holds them, the entry at index n for n tokens, the end token
included. Forcing that token first makes an output as long as a benchmark wants it to be, though the
model itself ends it; use base-endings, in which no rounding leads off that way. Needs NumPy.
"""

import argparse
import json
import os
import shutil
import struct

import numpy as np

DEMONSTRATION = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..", "examples", "models", "correct-en")

# encoder and decoder layers, width, feed-forward width, heads, vocabulary
SHAPES = {
    "base": (6, 6, 512, 2048, 8, 32000),
    "opus": (6, 6, 512, 2048, 8, 65001),
    "tiny": (6, 2, 256, 1536, 8, 32000),
    "big": (6, 6, 1024, 4096, 16, 32000),
    "base-endings": (6, 6, 512, 2048, 8, 32000),
}
LONGEST_ENDING = 400
# What sub-layers add, beside what keeps a network like a trained one. With little, each token has the
# intended successor even after the rounding of int8.
GAINS = {"base-endings": 0.25}


class Weights:
    """Draws tensors in the order in which they are asked for."""

    def __init__(self, seed, sublayers, gain=1.0):
        self.sublayer_gain = 2 * gain / sublayers ** 0.5
        self.generator = np.random.default_rng(seed)
        self.tensors = {}

    def normal(self, name, shape, deviation):
        drawn = self.generator.standard_normal(shape, np.float32)
        self.tensors[name] = drawn * np.float32(deviation)

    def linear(self, name, outputs, inputs, gain=1.0):
        self.normal(name + ".weight", (outputs, inputs), gain * inputs ** -0.5)
        self.normal(name + ".bias", (outputs,), 0.02)

    def norm(self, name, width):
        self.tensors[name + ".weight"] = np.ones(width, np.float32)
        self.normal(name + ".bias", (width,), 0.02)

    def attention(self, name, width):
        for part in ("q_proj", "k_proj", "v_proj"):
            self.linear(f"{name}.{part}", width, width)
        self.linear(f"{name}.out_proj", width, width, self.sublayer_gain)
        self.norm(name + "_layer_norm", width)

    def layer(self, prefix, width, inner, cross_attention):
        self.attention(prefix + "self_attn", width)
        if cross_attention:
            self.attention(prefix + "encoder_attn", width)
        self.linear(prefix + "fc1", inner, width)
        self.linear(prefix + "fc2", width, inner, self.sublayer_gain)
        self.norm(prefix + "final_layer_norm", width)


def draw(shape, seed, gain):
    encoder_layers, decoder_layers, width, inner, _, vocabulary = shape
    weights = Weights(seed, 3 * decoder_layers, gain)
    weights.normal("model.shared.weight", (vocabulary, width), width ** -0.5)
    for index in range(encoder_layers):
        weights.layer(f"model.encoder.layers.{index}.", width, inner, cross_attention=False)
    for index in range(decoder_layers):
        weights.layer(f"model.decoder.layers.{index}.", width, inner, cross_attention=True)
    weights.normal("final_logits_bias", (1, vocabulary), 0.02)
    order = weights.generator.permutation(vocabulary)
    weights.tensors["lm_head.weight"] = weights.tensors["model.shared.weight"][order]
    return weights.tensors, order


def endings(order, end_token):
    """Tokens by their distance to the end; fewer if the cycle of the end token is short."""
    tokens = [end_token]
    while len(tokens) <= LONGEST_ENDING and int(order[tokens[-1]]) != end_token:
        tokens.append(int(order[tokens[-1]]))
    return tokens


def config_of(shape):
    encoder_layers, decoder_layers, width, inner, heads, vocabulary = shape
    return {
        "model_type": "marian", "architectures": ["MarianMTModel"], "is_encoder_decoder": True,
        "encoder_layers": encoder_layers, "decoder_layers": decoder_layers, "d_model": width,
        "encoder_ffn_dim": inner, "decoder_ffn_dim": inner,
        "encoder_attention_heads": heads, "decoder_attention_heads": heads,
        "activation_function": "relu", "scale_embedding": True, "max_position_embeddings": 512,
        "vocab_size": vocabulary, "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": False, "eos_token_id": 0, "pad_token_id": vocabulary - 1,
        "decoder_start_token_id": vocabulary - 1,
    }


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.astype("<f4").tobytes())


def write_documents(directory, documents):
    os.makedirs(directory, exist_ok=True)
    for name, document in documents.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(document, file)


def generation_of(config):
    return {name: config[name]
            for name in ("decoder_start_token_id", "eos_token_id", "pad_token_id")}


def vocabulary_of(size):
    """The demonstration model's pieces, then others; the padding piece is the last one."""
    with open(os.path.join(DEMONSTRATION, "vocab.json"), encoding="utf-8") as file:
        ids = json.load(file)
    pieces = [piece for piece in sorted(ids, key=ids.get) if piece != "<pad>"]
    pieces += [f"\u2581unused{index}" for index in range(len(pieces), size - 1)] + ["<pad>"]
    return {piece: index for index, piece in enumerate(pieces)}


def write(shape, directory, seed, gain):
    config = config_of(shape)
    generation = generation_of(config)
    generation["bad_words_ids"] = [[config["pad_token_id"]]]
    generation["max_length"] = config["max_position_embeddings"]
    tensors, order = draw(shape, seed, gain)
    write_documents(directory, {"config.json": config, "generation_config.json": generation,
                                "vocab.json": vocabulary_of(config["vocab_size"]),
                                "endings.json": endings(order, config["eos_token_id"])})
    for name in ("source.spm", "target.spm", "tokenizer_config.json"):
        shutil.copy(os.path.join(DEMONSTRATION, name), directory)
    write_safetensors(os.path.join(directory, "model.safetensors"), tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("output", help="directory to write")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(SHAPES[arguments.shape], arguments.output, arguments.seed,
          GAINS.get(arguments.shape, 1.0))


if __name__ == "__main__":
    main()
