#include "models/families/marian_native.h"

#include <algorithm>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "models/families/hugging_face.h"
#include "models/families/marian_native_spec.h"
#include "nn/positions.h"

namespace tandem {
namespace {

// Takes tensors by Marian's names. Matrices are [in, out] there and [out, in] here.
class MarianTensors {
 public:
  MarianTensors(MarianModelFile& file, const ModelSpec& spec) : file_(file), spec_(spec) {}

  // A matrix [inputs, outputs] (-1: any) and its bias, when `bias` is not empty.
  LinearWeights linear(const std::string& matrix, const std::string& bias, std::int64_t inputs,
                       std::int64_t outputs) {
    const Weight& stored = take_matrix(matrix, {inputs, outputs});
    LinearWeights linear = linear_of(stored, matrix);
    linear.weight = stored.tensor.dtype() == DType::int8 ? stored.tensor.transposed()
                                                         : stored.tensor.to_float32().transposed();
    if (!bias.empty()) linear.bias = vector(bias, linear.weight.shape()[0]);
    return linear;
  }

  // A table [V, D] used as the output projection: its rows are the classes already.
  LinearWeights table_as_linear(const std::string& name, std::int64_t vocabulary) {
    const Weight& stored = take_matrix(name, {vocabulary, spec_.model_dim});
    LinearWeights linear = linear_of(stored, name);
    linear.weight =
        stored.tensor.dtype() == DType::int8 ? stored.tensor : stored.tensor.to_float32();
    return linear;
  }

  Tensor table(const std::string& name) {
    const Weight& stored = take_matrix(name, {-1, spec_.model_dim});
    return dequantize(stored.tensor, stored.scales);
  }

  // [1, n] in the file.
  Tensor vector(const std::string& name, std::int64_t size) {
    return take_float(file_.weights, name, {1, size}).reshaped({size});
  }

  // `prefix` of the sub-layer's norm, as it is called with and without pre-norm.
  NormWeights norm(const std::string& post_prefix, const std::string& pre_prefix) {
    const bool pre = spec_.norm_placement == NormPlacement::pre;
    const std::string& prefix = pre ? pre_prefix : post_prefix;
    const std::string suffix = pre ? "_pre" : "";
    return {vector(prefix + "_ln_scale" + suffix, spec_.model_dim),
            vector(prefix + "_ln_bias" + suffix, spec_.model_dim)};
  }
  NormWeights final_norm(const std::string& side) {
    return {vector(side + "_top_ln_scale", spec_.model_dim),
            vector(side + "_top_ln_bias", spec_.model_dim)};
  }

  AttentionWeights attention(const std::string& prefix) {
    const std::int64_t dim = spec_.model_dim;
    AttentionWeights weights;
    weights.name = file_.weights.origin() + ": " + prefix;
    weights.query = linear(prefix + "_Wq", prefix + "_bq", dim, dim);
    weights.key = linear(prefix + "_Wk", prefix + "_bk", dim, dim);
    weights.value = linear(prefix + "_Wv", prefix + "_bv", dim, dim);
    if (spec_.attention_output_projection)
      weights.output = linear(prefix + "_Wo", prefix + "_bo", dim, dim);
    weights.norm = norm(prefix + "_Wo", prefix + "_Wo");
    return weights;
  }

  SsruWeights ssru(const std::string& prefix) {
    const std::int64_t dim = spec_.model_dim;
    SsruWeights weights;
    weights.name = file_.weights.origin() + ": " + prefix;
    weights.candidate = linear(prefix + "_W", "", dim, dim);
    weights.forget = linear(prefix + "_Wf", prefix + "_bf", dim, dim);
    weights.norm = norm(prefix + "_ffn", prefix);
    return weights;
  }

  FeedForwardWeights feed_forward(const std::string& prefix) {
    FeedForwardWeights weights;
    std::int64_t inputs = spec_.model_dim;
    for (int i = 1; i <= spec_.feed_forward_depth; ++i) {
      const std::string number = std::to_string(i);
      const bool last = i == spec_.feed_forward_depth;
      weights.linears.push_back(linear(prefix + "_W" + number, prefix + "_b" + number, inputs,
                                       last ? spec_.model_dim : -1));
      inputs = weights.linears.back().weight.shape()[0];
    }
    weights.norm = norm(prefix + "_ffn", prefix + "_ffn");
    return weights;
  }

 private:
  const Weight& take_matrix(const std::string& name, std::initializer_list<std::int64_t> shape) {
    const Weight& stored = file_.weights.take(name, shape);
    const bool readable = stored.tensor.dtype() == DType::int8
                              ? !stored.scales.empty()
                              : stored.tensor.dtype() == DType::float32 ||
                                    stored.tensor.dtype() == DType::float16 ||
                                    stored.tensor.dtype() == DType::float64;
    if (readable) return stored;
    throw Error(ErrorCode::corrupt, file_.weights.origin() + ": tensor '" + name +
                                        "' has the type " +
                                        std::string(to_string(stored.tensor.dtype())) +
                                        ", expected a float type or quantised int8");
  }

  // Scales and the multiplier of the activations; the weight itself is the caller's.
  LinearWeights linear_of(const Weight& stored, const std::string& name) const {
    LinearWeights linear;
    if (stored.tensor.dtype() != DType::int8) return linear;
    linear.weight_scales = stored.scales;
    const auto multiplier = file_.activation_multipliers.find(name);
    if (multiplier == file_.activation_multipliers.end()) return linear;
    linear.activation_scale = multiplier->second;
    // As intgemm rounds it: one float32 product, one reciprocal.
    linear.product_scales = {1 / (multiplier->second * file_.weight_multipliers.at(name))};
    return linear;
  }

  MarianModelFile& file_;
  const ModelSpec& spec_;
};

void take_embeddings_and_output(MarianTensors& tensors, const MarianTables& tables,
                                const WeightMap& names, FamilyModel& model) {
  ModelSpec& spec = model.spec;
  ModelWeights& weights = model.weights;
  weights.source_embedding = tensors.table(tables.source);
  weights.target_embedding =
      tables.target == tables.source ? weights.source_embedding : tensors.table(tables.target);
  spec.source_vocabulary = weights.source_embedding.shape()[0];
  spec.target_vocabulary = weights.target_embedding.shape()[0];
  spec.sources["source_vocabulary"] = "the shape of " + tables.source;
  spec.sources["target_vocabulary"] = "the shape of " + tables.target;

  const std::string output = "decoder_ff_logit_out";
  if (tables.tied_output)
    weights.output = tensors.table_as_linear(tables.target, spec.target_vocabulary);
  else if (names.contains(output + "_Wt") || !names.contains(output + "_W"))
    weights.output = tensors.table_as_linear(output + "_Wt", spec.target_vocabulary);
  else
    weights.output = tensors.linear(output + "_W", "", spec.model_dim, spec.target_vocabulary);
  if (spec.output_bias) weights.output.bias = tensors.vector(output + "_b", spec.target_vocabulary);
}

void check_vocabularies(const ModelSpec& spec, const Limits& limits) {
  const std::int64_t largest = std::max(spec.source_vocabulary, spec.target_vocabulary);
  if (largest > limits.max_vocabulary ||
      std::min(spec.source_vocabulary, spec.target_vocabulary) < 1)
    throw Error(ErrorCode::resource_exhausted, spec.origin + ": a vocabulary of " +
                                                   std::to_string(largest) +
                                                   " tokens; the limit max_vocabulary is " +
                                                   std::to_string(limits.max_vocabulary));
}

void take_layers(MarianTensors& tensors, FamilyModel& model) {
  ModelSpec& spec = model.spec;
  for (int i = 1; i <= spec.encoder.layers; ++i) {
    const std::string prefix = "encoder_l" + std::to_string(i);
    model.weights.encoder.push_back(
        {tensors.attention(prefix + "_self"), tensors.feed_forward(prefix + "_ffn")});
  }
  for (int i = 1; i <= spec.decoder.layers; ++i) {
    const auto& tied = spec.decoder_layer_tensors;
    const int number = tied.empty() ? i : tied[static_cast<std::size_t>(i - 1)];
    const std::string prefix = "decoder_l" + std::to_string(number);
    DecoderLayerWeights layer;
    if (spec.decoder_mixer == DecoderMixer::ssru)
      layer.self = tensors.ssru(prefix + "_rnn");
    else
      layer.self = tensors.attention(prefix + "_self");
    layer.cross = tensors.attention(prefix + "_context");
    layer.feed_forward = tensors.feed_forward(prefix + "_ffn");
    model.weights.decoder.push_back(std::move(layer));
  }
  const auto inner = [](const FeedForwardWeights& weights) {
    return static_cast<int>(weights.linears.front().weight.shape()[0]);
  };
  spec.encoder.feed_forward_dim = inner(model.weights.encoder.front().feed_forward);
  spec.decoder.feed_forward_dim = inner(model.weights.decoder.front().feed_forward);
  spec.sources["encoder.feed_forward_dim"] = "the shape of encoder_l1_ffn_W1";
  spec.sources["decoder.feed_forward_dim"] = "the shape of decoder_l1_ffn_W1";
}

}  // namespace

FamilyModel load_marian_native(MarianModelFile& file, const Limits& limits) {
  const std::string origin = file.weights.origin();
  const MarianYaml yaml = MarianYaml::parse(file.model_yaml, origin + ": special:model.yml");
  MarianArchitecture architecture = read_marian_architecture(yaml, origin, limits);
  check_implemented(architecture.spec);

  FamilyModel model;
  model.spec = std::move(architecture.spec);
  MarianTensors tensors(file, model.spec);
  take_embeddings_and_output(tensors, architecture.tables, file.weights, model);
  check_vocabularies(model.spec, limits);
  take_layers(tensors, model);
  if (model.spec.encoder.final_norm) {
    model.weights.encoder_final_norm = tensors.final_norm("encoder");
    model.weights.decoder_final_norm = tensors.final_norm("decoder");
  }
  // Marian has no limit of its own: as many positions as Limits let a text have.
  const std::int64_t longest =
      std::max(limits.max_source_tokens, limits.max_target_tokens) + std::int64_t{1};
  model.weights.encoder_positions = sinusoid_tensor2tensor(longest, model.spec.model_dim);
  model.weights.decoder_positions = model.weights.encoder_positions;
  return model;
}

}  // namespace tandem
