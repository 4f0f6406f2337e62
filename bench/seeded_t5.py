#!/usr/bin/env python3
"""Writes a T5 model of a given shape with seeded random weights, as a Hugging Face directory.

    python3 bench/seeded_t5.py t5-small build/rivals/seeded/t5-small

As seeded_model.py, for the other block structure: norms before sub-layers and without a mean,
relative attention biases, no other biases. The output matrix is its own one, as in T5 1.1, since a
shared one would repeat one token; the time is the same. No tokenizer: inputs are token ids. Needs
NumPy.
"""

import argparse
import os

import numpy as np

from seeded_model import Weights, generation_of, write_documents, write_safetensors

# layers of each stack, width, feed-forward width, heads
SHAPES = {
    "t5-small": (6, 512, 2048, 8),
    "t5-base": (12, 768, 3072, 12),
}
HEAD_WIDTH = 64
VOCABULARY = 32128
BUCKETS = 32


class T5Weights(Weights):
    def matrix(self, name, outputs, inputs, gain=1.0):
        self.normal(name + ".weight", (outputs, inputs), gain * inputs ** -0.5)

    def scale(self, name, width):
        self.tensors[name + ".weight"] = np.ones(width, np.float32)

    def attention(self, name, width, heads):
        inner = heads * HEAD_WIDTH
        # Scores are not scaled in T5, so the queries are.
        self.matrix(name + ".q", inner, width, HEAD_WIDTH ** -0.5)
        self.matrix(name + ".k", inner, width)
        self.matrix(name + ".v", inner, width)
        self.matrix(name + ".o", width, inner, self.sublayer_gain)

    def stack(self, name, shape, cross_attention):
        layers, width, inner, heads = shape
        for index in range(layers):
            block = f"{name}.block.{index}.layer."
            self.attention(block + "0.SelfAttention", width, heads)
            if index == 0:
                self.normal(block + "0.SelfAttention.relative_attention_bias.weight",
                            (BUCKETS, heads), 0.1)
            self.scale(block + "0.layer_norm", width)
            if cross_attention:
                self.attention(block + "1.EncDecAttention", width, heads)
                self.scale(block + "1.layer_norm", width)
            last = block + ("2" if cross_attention else "1")
            self.matrix(last + ".DenseReluDense.wi", inner, width)
            self.matrix(last + ".DenseReluDense.wo", width, inner, self.sublayer_gain)
            self.scale(last + ".layer_norm", width)
        self.scale(name + ".final_layer_norm", width)


def draw(shape, seed):
    layers, width, _, _ = shape
    weights = T5Weights(seed, 3 * layers)
    weights.normal("shared.weight", (VOCABULARY, width), 1.0)
    weights.stack("encoder", shape, cross_attention=False)
    weights.stack("decoder", shape, cross_attention=True)
    order = weights.generator.permutation(VOCABULARY)
    weights.tensors["lm_head.weight"] = weights.tensors["shared.weight"][order]
    return weights.tensors


def config_of(shape):
    layers, width, inner, heads = shape
    return {
        "model_type": "t5", "architectures": ["T5ForConditionalGeneration"],
        "is_encoder_decoder": True, "num_layers": layers, "num_decoder_layers": layers,
        "d_model": width, "d_ff": inner, "d_kv": HEAD_WIDTH, "num_heads": heads,
        "feed_forward_proj": "relu", "layer_norm_epsilon": 1e-6, "tie_word_embeddings": False,
        "relative_attention_num_buckets": BUCKETS, "relative_attention_max_distance": 128,
        "vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1,
        "decoder_start_token_id": 0,
    }


def write(shape, directory, seed):
    config = config_of(shape)
    write_documents(directory, {"config.json": config,
                                "generation_config.json": generation_of(config)})
    write_safetensors(os.path.join(directory, "model.safetensors"), draw(shape, seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("output", help="directory to write")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(SHAPES[arguments.shape], arguments.output, arguments.seed)


if __name__ == "__main__":
    main()
