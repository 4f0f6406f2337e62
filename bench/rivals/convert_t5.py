#!/usr/bin/env python3
"""Writes a T5 model of seeded_t5.py as a CTranslate2 model, without PyTorch.

Its blocks, as CTranslate2 describes them: norms before sub-layers, root mean square alone, no biases
but those of relative positions, which all layers of a stack share, queries not scaled, an output
matrix of its own.
"""

import ctranslate2
import numpy as np

import ctranslate2_model


class Writer:
    """Fills a TransformerSpec from the tensors of a T5 model."""

    def __init__(self, tensors, config):
        self.tensors = tensors
        self.config = config

    def linear(self, spec, *names):
        """One product, or several fused along the output, as CTranslate2 stores q, k and v."""
        spec.weight = np.concatenate([self.tensors[name + ".weight"] for name in names])

    def norm(self, spec, name):
        spec.gamma = self.tensors[name + ".weight"]

    def attention(self, spec, name, split):
        """`split`: how many of q, k, v go into the first product."""
        spec.queries_scale = 1.0
        parts = [f"{name}.{part}" for part in "qkv"]
        self.linear(spec.linear[0], *parts[:split])
        if split < 3:
            self.linear(spec.linear[1], *parts[split:])
        self.linear(spec.linear[-1], name + ".o")

    def stack(self, spec, embeddings, name, cross_attention):
        embeddings.weight = self.tensors["shared.weight"]
        spec.scale_embeddings = False
        self.norm(spec.layer_norm, name + ".final_layer_norm")
        bias = self.tensors[f"{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        for index, layer in enumerate(spec.layer):
            block = f"{name}.block.{index}.layer."
            self.attention(layer.self_attention, block + "0.SelfAttention", 3)
            self.norm(layer.self_attention.layer_norm, block + "0.layer_norm")
            layer.self_attention.relative_attention_bias = bias
            layer.self_attention.relative_attention_max_distance = np.int32(
                self.config["relative_attention_max_distance"])
            if cross_attention:
                self.attention(layer.attention, block + "1.EncDecAttention", 1)
                self.norm(layer.attention.layer_norm, block + "1.layer_norm")
            last = block + ("2" if cross_attention else "1")
            self.linear(layer.ffn.linear_0, last + ".DenseReluDense.wi")
            self.linear(layer.ffn.linear_1, last + ".DenseReluDense.wo")
            self.norm(layer.ffn.layer_norm, last + ".layer_norm")

    def spec(self):
        spec = ctranslate2.specs.TransformerSpec.from_config(
            (self.config["num_layers"], self.config["num_decoder_layers"]),
            self.config["num_heads"], pre_norm=True,
            activation=ctranslate2.specs.Activation.RELU, relative_attention_bias=True,
            rms_norm=True)
        self.stack(spec.encoder, spec.encoder.embeddings[0], "encoder", cross_attention=False)
        self.stack(spec.decoder, spec.decoder.embeddings, "decoder", cross_attention=True)
        self.linear(spec.decoder.projection, "lm_head")
        return spec


def convert(model_dir, output_dir, quantization):
    config, tensors = ctranslate2_model.read_model(model_dir)
    pieces = ["<pad>", "</s>", "<unk>"]
    pieces += [f"piece{index}" for index in range(len(pieces), config["vocab_size"])]
    spec = Writer(tensors, config).spec()
    spec.config.bos_token = spec.config.decoder_start_token = "<pad>"
    spec.config.eos_token, spec.config.unk_token = "</s>", "<unk>"
    ctranslate2_model.write_model(spec, pieces, output_dir, quantization)


if __name__ == "__main__":
    ctranslate2_model.run(convert, __doc__.splitlines()[0])
