#!/usr/bin/env python3
"""Writes a Marian model in Hugging Face layout as a CTranslate2 model.

CTranslate2's own converter loads the model with PyTorch and transformers. This one needs neither:
it reads the safetensors file by hand and fills `ctranslate2.specs`, so that the comparison needs
the ctranslate2 package and NumPy alone. Run it with the interpreter that has them.

What the layout asks for: post-norm blocks, ReLU, embeddings times sqrt(d_model) and shared with the
output, sinusoids over [sin | cos] halves with rate 10000^(-2i/d) from position 0. It is for the models
of this benchmark, the demonstration corrector and those of seeded_model.py. In two places they
differ from OPUS-MT models, where the padding row is zero: here it has values, so decoding starts from
that row and not from zeros; and the padding token, which generation_config.json forbids, is
forbidden by its output bias (CTranslate2 has no option that bans a token at no cost in each step).
"""

import json
import os

import ctranslate2
import numpy as np

import ctranslate2_model

FORBIDDEN = -1e9  # as an output bias: a probability of exactly 0 in float32, and no NaN anywhere


def sinusoids(positions, dim):
    """Rows [sin(p r_0) ... | cos(p r_0) ...], r_i = 10000^(-2i/dim); computed in float64."""
    rates = np.power(10000.0, -2.0 * np.arange(dim // 2) / dim)
    angles = np.arange(positions)[:, None] * rates[None, :]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


class Writer:
    """Fills a TransformerSpec from the tensors of a Marian model."""

    def __init__(self, tensors, config):
        self.tensors = tensors
        self.config = config

    def linear(self, spec, *names):
        """One product, or several fused along the output, as CTranslate2 stores q, k and v."""
        spec.weight = np.concatenate([self.tensors[name + ".weight"] for name in names])
        spec.bias = np.concatenate([self.tensors[name + ".bias"] for name in names])

    def norm(self, spec, name):
        spec.gamma = self.tensors[name + ".weight"]
        spec.beta = self.tensors[name + ".bias"]

    def embeddings(self, side, spec):
        spec.weight = self.tensors["model.shared.weight"]
        side.scale_embeddings = float(np.sqrt(self.config["d_model"]))
        side.position_encodings.encodings = sinusoids(
            self.config["max_position_embeddings"], self.config["d_model"])

    def layer(self, spec, prefix, cross_attention):
        attention = prefix + "self_attn."
        self.linear(spec.self_attention.linear[0],
                    attention + "q_proj", attention + "k_proj", attention + "v_proj")
        self.linear(spec.self_attention.linear[1], attention + "out_proj")
        self.norm(spec.self_attention.layer_norm, prefix + "self_attn_layer_norm")
        if cross_attention:
            attention = prefix + "encoder_attn."
            self.linear(spec.attention.linear[0], attention + "q_proj")
            self.linear(spec.attention.linear[1], attention + "k_proj", attention + "v_proj")
            self.linear(spec.attention.linear[2], attention + "out_proj")
            self.norm(spec.attention.layer_norm, prefix + "encoder_attn_layer_norm")
        self.linear(spec.ffn.linear_0, prefix + "fc1")
        self.linear(spec.ffn.linear_1, prefix + "fc2")
        self.norm(spec.ffn.layer_norm, prefix + "final_layer_norm")

    def spec(self):
        spec = ctranslate2.specs.TransformerSpec.from_config(
            (self.config["encoder_layers"], self.config["decoder_layers"]),
            self.config["encoder_attention_heads"], pre_norm=False,
            activation=ctranslate2.specs.Activation.RELU)
        self.embeddings(spec.encoder, spec.encoder.embeddings[0])
        self.embeddings(spec.decoder, spec.decoder.embeddings)
        for index, layer in enumerate(spec.encoder.layer):
            self.layer(layer, f"model.encoder.layers.{index}.", cross_attention=False)
        for index, layer in enumerate(spec.decoder.layer):
            self.layer(layer, f"model.decoder.layers.{index}.", cross_attention=True)
        bias = self.tensors["final_logits_bias"].reshape(-1).copy()
        bias[self.config["pad_token_id"]] = FORBIDDEN
        spec.decoder.projection.weight = self.tensors.get(
            "lm_head.weight", self.tensors["model.shared.weight"])
        spec.decoder.projection.bias = bias
        return spec


def vocabulary(path):
    """The pieces in the order of their ids."""
    with open(path, encoding="utf-8") as file:
        ids = json.load(file)
    return sorted(ids, key=ids.get)


def convert(model_dir, output_dir, quantization):
    config, tensors = ctranslate2_model.read_model(model_dir)
    pieces = vocabulary(os.path.join(model_dir, "vocab.json"))
    spec = Writer(tensors, config).spec()
    spec.config.unk_token = "<unk>"
    spec.config.eos_token = pieces[config["eos_token_id"]]
    spec.config.decoder_start_token = pieces[config["decoder_start_token_id"]]
    ctranslate2_model.write_model(spec, pieces, output_dir, quantization)


if __name__ == "__main__":
    ctranslate2_model.run(convert, __doc__.splitlines()[0])
