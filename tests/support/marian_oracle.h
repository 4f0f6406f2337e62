// A slow, literal transcription of Marian's forward pass in float64, straight from its published
// rules and by its own tensor names: what src/models computes fast must agree with it. It shares no
// code with the library. Also makes random models of any such architecture and writes them as
// files.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tandem/constraint.h>

#include "support/marian_binary_writer.h"
#include "support/npz_writer.h"

namespace tandem {

struct Dense {  // row-major
  int rows = 0, cols = 0;
  std::vector<double> values;
  Dense() = default;
  Dense(int num_rows, int num_cols)
      : rows(num_rows), cols(num_cols), values(static_cast<std::size_t>(num_rows * num_cols)) {}
  double& at(int r, int c) { return values[static_cast<std::size_t>(r * cols + c)]; }
  double at(int r, int c) const { return values[static_cast<std::size_t>(r * cols + c)]; }
};

inline Dense product(const Dense& a, const Dense& b) {
  Dense out(a.rows, b.cols);
  for (int r = 0; r < a.rows; ++r)
    for (int k = 0; k < a.cols; ++k)
      for (int c = 0; c < b.cols; ++c) out.at(r, c) += a.at(r, k) * b.at(k, c);
  return out;
}

// An architecture, as `special:model.yml` says it.
struct MarianShape {
  int dim = 16, heads = 4, inner = 24, vocabulary = 40;
  int encoder_layers = 2, decoder_layers = 2;
  bool ssru = false, pre_norm = false, top_norm = false, no_projection = false, omit_bias = false;
  std::string activation = "relu";  // relu, swish, gelu
  int ffn_depth = 2;
  std::string tying =
      "all";  // all, target (tied-embeddings), none, legacy (none, with the old name)
  std::vector<int> tied_layers;

  std::string yaml() const {
    const auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
    std::string layers = "[";
    for (const int layer : tied_layers)
      layers += (layers.size() > 1 ? ", " : "") + std::to_string(layer);
    const std::string sizes = std::to_string(vocabulary);
    return "type: transformer\nenc-depth: " + std::to_string(encoder_layers) +
           "\ndec-depth: " + std::to_string(decoder_layers) + "\ndim-emb: " + std::to_string(dim) +
           "\ntransformer-heads: " + std::to_string(heads) + "\ndim-vocabs:\n  - " + sizes +
           "\n  - " + sizes +
           "\ntransformer-decoder-autoreg: " + (ssru ? "rnn\ndec-cell: ssru" : "self-attention") +
           "\ntransformer-preprocess: \"" + (pre_norm ? "n" : "") +
           "\"\ntransformer-postprocess: " + (pre_norm ? "da" : "dan") +
           "\ntransformer-postprocess-top: \"" + (top_norm ? "n" : "") +
           "\"\ntransformer-postprocess-emb: d\ntransformer-ffn-activation: " + activation +
           "\ntransformer-ffn-depth: " + std::to_string(ffn_depth) +
           "\ntransformer-no-projection: " + flag(no_projection) +
           "\noutput-omit-bias: " + flag(omit_bias) +
           "\ntied-embeddings-all: " + flag(tying == "all") +
           "\ntied-embeddings-src: false\ntied-embeddings: " + flag(tying == "target") +
           "\ntransformer-tied-layers: " + layers + "]\ntransformer-guided-alignment-layer: last\n";
  }
};

class MarianOracle {
 public:
  MarianOracle(MarianShape shape, std::uint32_t seed) : shape_(std::move(shape)), random_(seed) {
    make_tensors();
  }

  const MarianShape& shape() const { return shape_; }
  std::map<std::string, Dense>& tensors() { return tensors_; }

  // The weights of each head [queries, keys] in each attention that `logits` ran last, by the prefix
  // of its tensors.
  const std::map<std::string, std::vector<Dense>>& attention() const { return attention_; }

  // Logits [target.size(), V]: row t is what follows the first t tokens of `target`.
  Dense logits(const std::vector<TokenId>& source, const std::vector<TokenId>& target) const {
    const Dense memory = encode(source);
    Dense x(static_cast<int>(target.size()), shape_.dim);
    const Dense& table = tensors_.at(shape_.tying == "all" ? "Wemb" : "decoder_Wemb");
    for (int t = 0; t < x.rows; ++t)
      for (int c = 0; c < x.cols; ++c)
        x.at(t, c) = (t == 0 ? 0
                             : std::sqrt(shape_.dim) *
                                   table.at(target[static_cast<std::size_t>(t - 1)], c)) +
                     position(t, c);
    for (int l = 1; l <= shape_.decoder_layers; ++l) {
      const int number =
          shape_.tied_layers.empty() ? l : shape_.tied_layers[static_cast<std::size_t>(l - 1)];
      const std::string p = "decoder_l" + std::to_string(number);
      x = shape_.ssru ? ssru(x, p + "_rnn")
                      : attend(x, x, p + "_self", /*causal=*/true, /*is_self=*/true);
      x = attend(x, memory, p + "_context", /*causal=*/false, /*is_self=*/false);
      x = feed_forward(x, p + "_ffn");
    }
    if (shape_.top_norm) x = norm(x, "decoder_top", "");
    return project(x);
  }

  std::string npz() const {
    ZipWriter writer;
    for (const auto& [name, value] : tensors_)
      writer.add(name + ".npy", npy_floats("(" + std::to_string(value.rows) + ", " +
                                               std::to_string(value.cols) + ")",
                                           {value.values.begin(), value.values.end()}));
    const std::string yaml = shape_.yaml() + '\0';
    writer.add("special:model.yml.npy",
               npy_file("|i1", "(" + std::to_string(yaml.size()) + ",)", yaml));
    return writer.bytes();
  }

  std::string binary() const {
    MarianBinaryWriter writer;
    for (const auto& [name, value] : tensors_)
      writer.add_floats(name, {value.rows, value.cols}, {value.values.begin(), value.values.end()});
    writer.add_yaml(shape_.yaml());
    return writer.bytes();
  }

 private:
  void make(const std::string& name, int rows, int cols, double scale, double center = 0) {
    Dense tensor(rows, cols);
    std::normal_distribution<float> normal(static_cast<float>(center), static_cast<float>(scale));
    for (double& value : tensor.values) value = normal(random_);
    tensors_[name] = std::move(tensor);
  }
  void make_norm(const std::string& post_prefix, const std::string& pre_prefix) {
    const std::string prefix = shape_.pre_norm ? pre_prefix : post_prefix;
    const std::string suffix = shape_.pre_norm ? "_pre" : "";
    make(prefix + "_ln_scale" + suffix, 1, shape_.dim, 0.2, 1.0);
    make(prefix + "_ln_bias" + suffix, 1, shape_.dim, 0.2);
  }
  void make_attention(const std::string& prefix) {
    for (const char* part : {"q", "k", "v", "o"}) {
      if (*part == 'o' && shape_.no_projection) continue;
      make(prefix + "_W" + part, shape_.dim, shape_.dim, 0.3);
      make(prefix + "_b" + part, 1, shape_.dim, 0.2);
    }
    make_norm(prefix + "_Wo", prefix + "_Wo");
  }
  void make_feed_forward(const std::string& prefix) {
    for (int i = 1; i <= shape_.ffn_depth; ++i) {
      const int in = i == 1 ? shape_.dim : shape_.inner;
      const int out = i == shape_.ffn_depth ? shape_.dim : shape_.inner;
      make(prefix + "_W" + std::to_string(i), in, out, 0.3);
      make(prefix + "_b" + std::to_string(i), 1, out, 0.2);
    }
    make_norm(prefix + "_ffn", prefix + "_ffn");
  }
  void make_tensors() {
    if (shape_.tying == "all") {
      make("Wemb", shape_.vocabulary, shape_.dim, 0.3);
    } else {
      make("encoder_Wemb", shape_.vocabulary, shape_.dim, 0.3);
      make("decoder_Wemb", shape_.vocabulary, shape_.dim, 0.3);
    }
    if (shape_.tying == "none") make("decoder_ff_logit_out_Wt", shape_.vocabulary, shape_.dim, 0.3);
    if (shape_.tying == "legacy")
      make("decoder_ff_logit_out_W", shape_.dim, shape_.vocabulary, 0.3);
    if (!shape_.omit_bias) make("decoder_ff_logit_out_b", 1, shape_.vocabulary, 0.3);
    for (int l = 1; l <= shape_.encoder_layers; ++l) {
      make_attention("encoder_l" + std::to_string(l) + "_self");
      make_feed_forward("encoder_l" + std::to_string(l) + "_ffn");
    }
    for (int l = 1; l <= shape_.decoder_layers; ++l) {
      if (!shape_.tied_layers.empty() && shape_.tied_layers[static_cast<std::size_t>(l - 1)] != l)
        continue;
      const std::string prefix = "decoder_l" + std::to_string(l);
      if (shape_.ssru) {
        make(prefix + "_rnn_W", shape_.dim, shape_.dim, 0.3);
        make(prefix + "_rnn_Wf", shape_.dim, shape_.dim, 0.3);
        make(prefix + "_rnn_bf", 1, shape_.dim, 0.2);
        make_norm(prefix + "_rnn_ffn", prefix + "_rnn");
      } else {
        make_attention(prefix + "_self");
      }
      make_attention(prefix + "_context");
      make_feed_forward(prefix + "_ffn");
    }
    if (!shape_.top_norm) return;
    for (const char* side : {"encoder", "decoder"}) {
      make(std::string(side) + "_top_ln_scale", 1, shape_.dim, 0.2, 1.0);
      make(std::string(side) + "_top_ln_bias", 1, shape_.dim, 0.2);
    }
  }

  double position(int p, int column) const {
    const int half = shape_.dim / 2;
    const double angle = p * std::exp(-(column % half) * std::log(10000.0) / (half - 1));
    return column < half ? std::sin(angle) : std::cos(angle);
  }

  Dense affine(const Dense& x, const std::string& matrix, const std::string& bias) const {
    Dense out = product(x, tensors_.at(matrix));
    if (!bias.empty())
      for (int r = 0; r < out.rows; ++r)
        for (int c = 0; c < out.cols; ++c) out.at(r, c) += tensors_.at(bias).at(0, c);
    return out;
  }

  Dense norm(const Dense& x, const std::string& prefix, const std::string& suffix) const {
    const Dense& gain = tensors_.at(prefix + "_ln_scale" + suffix);
    const Dense& bias = tensors_.at(prefix + "_ln_bias" + suffix);
    Dense out = x;
    for (int r = 0; r < x.rows; ++r) {
      double mean = 0, variance = 0;
      for (int c = 0; c < x.cols; ++c) mean += x.at(r, c) / x.cols;
      for (int c = 0; c < x.cols; ++c) variance += std::pow(x.at(r, c) - mean, 2) / x.cols;
      for (int c = 0; c < x.cols; ++c)
        out.at(r, c) =
            gain.at(0, c) * (x.at(r, c) - mean) / std::sqrt(variance + 1e-6) + bias.at(0, c);
    }
    return out;
  }
  Dense before(const Dense& x, const std::string& prefix) const {
    return shape_.pre_norm ? norm(x, prefix, "_pre") : x;
  }
  Dense after(const Dense& x, const Dense& added, const std::string& prefix) const {
    Dense sum = x;
    for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += added.values[i];
    return shape_.pre_norm ? sum : norm(sum, prefix, "");
  }

  // With pre-norm only the queries are normalised; keys and values read the raw stream.
  Dense attend(const Dense& x, const Dense& memory, const std::string& p, bool causal,
               bool is_self) const {
    const Dense q = affine(before(x, p + "_Wo"), p + "_Wq", p + "_bq");
    const Dense& key_input = is_self ? x : memory;
    const Dense k = affine(key_input, p + "_Wk", p + "_bk");
    const Dense v = affine(key_input, p + "_Wv", p + "_bv");
    const int width = shape_.dim / shape_.heads;
    Dense context(x.rows, shape_.dim);
    std::vector<Dense>& seen = attention_[p];
    seen.assign(static_cast<std::size_t>(shape_.heads), Dense(x.rows, k.rows));
    for (int h = 0; h < shape_.heads; ++h)
      for (int r = 0; r < x.rows; ++r) {
        const int keys = causal ? r + 1 : k.rows;
        std::vector<double> weights(static_cast<std::size_t>(keys));
        double sum = 0;
        for (int j = 0; j < keys; ++j) {
          double score = 0;
          for (int c = h * width; c < (h + 1) * width; ++c) score += q.at(r, c) * k.at(j, c);
          sum += weights[static_cast<std::size_t>(j)] = std::exp(score / std::sqrt(width));
        }
        for (int j = 0; j < keys; ++j)
          seen[static_cast<std::size_t>(h)].at(r, j) = weights[static_cast<std::size_t>(j)] / sum;
        for (int j = 0; j < keys; ++j)
          for (int c = h * width; c < (h + 1) * width; ++c)
            context.at(r, c) += weights[static_cast<std::size_t>(j)] / sum * v.at(j, c);
      }
    return after(x, shape_.no_projection ? context : affine(context, p + "_Wo", p + "_bo"),
                 p + "_Wo");
  }

  Dense ssru(const Dense& x, const std::string& p) const {
    const std::string norm_prefix = shape_.pre_norm ? p : p + "_ffn";
    const Dense input = before(x, norm_prefix);
    const Dense candidate = affine(input, p + "_W", "");
    const Dense gate = affine(input, p + "_Wf", p + "_bf");
    Dense out(x.rows, x.cols);
    std::vector<double> state(static_cast<std::size_t>(x.cols));
    for (int t = 0; t < x.rows; ++t)
      for (int c = 0; c < x.cols; ++c) {
        const double forget = 1 / (1 + std::exp(-gate.at(t, c)));
        double& cell = state[static_cast<std::size_t>(c)];
        cell = forget * cell + (1 - forget) * candidate.at(t, c);
        out.at(t, c) = std::max(cell, 0.0);
      }
    return after(x, out, norm_prefix);
  }

  double activate(double x) const {
    if (shape_.activation == "relu") return std::max(x, 0.0);
    return x / (1 + std::exp(-(shape_.activation == "gelu" ? 1.702 : 1.0) * x));
  }
  Dense feed_forward(const Dense& x, const std::string& p) const {
    Dense y = before(x, p + "_ffn");
    for (int i = 1; i <= shape_.ffn_depth; ++i) {
      y = affine(y, p + "_W" + std::to_string(i), p + "_b" + std::to_string(i));
      if (i < shape_.ffn_depth)
        for (double& value : y.values) value = activate(value);
    }
    return after(x, y, p + "_ffn");
  }

  Dense encode(const std::vector<TokenId>& source) const {
    const Dense& table = tensors_.at(shape_.tying == "all" ? "Wemb" : "encoder_Wemb");
    Dense x(static_cast<int>(source.size()), shape_.dim);
    for (int r = 0; r < x.rows; ++r)
      for (int c = 0; c < x.cols; ++c)
        x.at(r, c) = std::sqrt(shape_.dim) * table.at(source[static_cast<std::size_t>(r)], c) +
                     position(r, c);
    for (int l = 1; l <= shape_.encoder_layers; ++l) {
      const std::string p = "encoder_l" + std::to_string(l);
      x = attend(x, x, p + "_self", /*causal=*/false, /*is_self=*/true);
      x = feed_forward(x, p + "_ffn");
    }
    return shape_.top_norm ? norm(x, "encoder_top", "") : x;
  }

  Dense project(const Dense& x) const {
    if (shape_.tying == "legacy") return affine(x, "decoder_ff_logit_out_W", output_bias());
    const std::string name = shape_.tying == "all"      ? "Wemb"
                             : shape_.tying == "target" ? "decoder_Wemb"
                                                        : "decoder_ff_logit_out_Wt";
    const Dense& table = tensors_.at(name);
    Dense out(x.rows, table.rows);
    for (int r = 0; r < x.rows; ++r)
      for (int v = 0; v < table.rows; ++v) {
        out.at(r, v) = shape_.omit_bias ? 0 : tensors_.at("decoder_ff_logit_out_b").at(0, v);
        for (int c = 0; c < x.cols; ++c) out.at(r, v) += x.at(r, c) * table.at(v, c);
      }
    return out;
  }
  std::string output_bias() const { return shape_.omit_bias ? "" : "decoder_ff_logit_out_b"; }

  MarianShape shape_;
  std::mt19937 random_;
  std::map<std::string, Dense> tensors_;
  mutable std::map<std::string, std::vector<Dense>> attention_;
};

}  // namespace tandem
