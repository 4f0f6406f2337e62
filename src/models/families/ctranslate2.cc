#include "models/families/ctranslate2.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "nn/positions.h"

namespace tandem {
namespace {

// Rows [first, first + count) of a product that stands for several.
LinearWeights slice_outputs(const LinearWeights& fused, std::int64_t first, std::int64_t count) {
  const std::int64_t inputs = fused.weight.shape()[1];
  const auto copy = [](const Tensor& from, std::int64_t offset, const Shape& shape) {
    Tensor to = Tensor::zeros(shape, from.dtype());
    const auto skipped = static_cast<std::size_t>(offset) * size_of(from.dtype());
    std::memcpy(to.mutable_raw(), from.raw() + skipped, to.bytes());
    return to;
  };
  LinearWeights part;
  part.weight = copy(fused.weight, first * inputs, {count, inputs});
  if (!fused.bias.empty()) part.bias = copy(fused.bias, first, {count});
  if (!fused.weight_scales.empty()) {
    const auto begin = fused.weight_scales.begin() + static_cast<std::ptrdiff_t>(first);
    part.weight_scales.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return part;
}

// The sub-layers of one model by the format's names.
class Reader {
 public:
  Reader(CTranslate2Variables& variables, FamilyModel& model)
      : variables_(variables), spec_(model.spec), out_(model.weights) {}

  void take_layers() {
    for (int i = 0; i < spec_.encoder.layers; ++i) {
      const std::string layer = "encoder/layer_" + std::to_string(i);
      out_.encoder.push_back({self_attention(layer, spec_.encoder), feed_forward(layer)});
    }
    for (int i = 0; i < spec_.decoder.layers; ++i) {
      const std::string layer = "decoder/layer_" + std::to_string(i);
      out_.decoder.push_back(
          {self_attention(layer, spec_.decoder), cross_attention(layer), feed_forward(layer)});
    }
    const auto inner = [](const FeedForwardWeights& weights) {
      return static_cast<int>(weights.linears.front().weight.shape()[0]);
    };
    spec_.encoder.feed_forward_dim = inner(out_.encoder.front().feed_forward);
    spec_.decoder.feed_forward_dim = inner(out_.decoder.front().feed_forward);
    spec_.sources["encoder.feed_forward_dim"] = spec_.sources["decoder.feed_forward_dim"] =
        "the shape of ffn/linear_0";
  }
  void take_tables() {
    out_.source_embedding =
        variables_.table(ctranslate2_embeddings(variables_, "encoder"), spec_.model_dim);
    out_.target_embedding =
        variables_.table(ctranslate2_embeddings(variables_, "decoder"), spec_.model_dim);
  }
  void take_output() {
    const std::string name = "decoder/projection";
    out_.output = variables_.linear(name, spec_.target_vocabulary, spec_.model_dim);
    spec_.output_bias = !out_.output.bias.empty();
    const auto& all = variables_.weights().all();
    const auto raw = [&](const std::string& weight) {
      return all.at(weight + "/weight").tensor.raw();
    };
    const auto* target = raw(ctranslate2_embeddings(variables_, "decoder"));
    spec_.tied_output = raw(name) == target;
    spec_.shared_embeddings = raw(ctranslate2_embeddings(variables_, "encoder")) == target;
    for (const char* field : {"output_bias", "tied_output", "shared_embeddings"})
      spec_.sources[field] = "the variables that are there";
  }
  void take_final_norms() {
    take_norms("encoder", spec_.encoder, out_.encoder_embedding_norm, out_.encoder_final_norm);
    take_norms("decoder", spec_.decoder, out_.decoder_embedding_norm, out_.decoder_final_norm);
  }
  void take_positions(const Limits& limits) {
    out_.encoder_positions = positions("encoder", spec_.encoder, limits);
    out_.decoder_positions = spec_.decoder.positions == PositionKind::sinusoid_tensor2tensor &&
                                     spec_.encoder.positions == spec_.decoder.positions
                                 ? out_.encoder_positions
                                 : positions("decoder", spec_.decoder, limits);
  }
  void take_relative_bias() {
    out_.encoder_relative_bias = relative_bias("encoder", spec_.encoder);
    out_.decoder_relative_bias = relative_bias("decoder", spec_.decoder);
  }

 private:
  std::int64_t width(const StackSpec& stack) const {
    return std::int64_t{stack.heads} * spec_.head_dim;
  }
  AttentionWeights self_attention(const std::string& layer, const StackSpec& stack) {
    const std::string name = layer + "/self_attention";
    const std::int64_t part = width(stack);
    const LinearWeights fused = variables_.linear(name + "/linear_0", 3 * part, spec_.model_dim);
    AttentionWeights attention;
    attention.query = slice_outputs(fused, 0, part);
    attention.key = slice_outputs(fused, part, part);
    attention.value = slice_outputs(fused, 2 * part, part);
    attention.output = variables_.linear(name + "/linear_1", spec_.model_dim, part);
    return finished(std::move(attention), name);
  }
  AttentionWeights cross_attention(const std::string& layer) {
    const std::string name = layer + "/attention";
    const std::int64_t part = width(spec_.decoder);
    AttentionWeights attention;
    attention.query = variables_.linear(name + "/linear_0", part, spec_.model_dim);
    const LinearWeights fused = variables_.linear(name + "/linear_1", 2 * part, spec_.model_dim);
    attention.key = slice_outputs(fused, 0, part);
    attention.value = slice_outputs(fused, part, part);
    attention.output = variables_.linear(name + "/linear_2", spec_.model_dim, part);
    return finished(std::move(attention), name);
  }
  AttentionWeights finished(AttentionWeights attention, const std::string& name) {
    attention.name = variables_.origin() + ": " + name;
    attention.norm = norm(name + "/layer_norm");
    return attention;
  }
  FeedForwardWeights feed_forward(const std::string& layer) {
    const std::string name = layer + "/ffn";
    FeedForwardWeights weights;
    LinearWeights first = variables_.linear(name + "/linear_0", -1, spec_.model_dim);
    const std::int64_t inner = first.weight.shape()[0];
    if (spec_.gated_feed_forward) {
      weights.gate = std::move(first);
      first = variables_.linear(name + "/linear_0_noact", inner, spec_.model_dim);
    }
    weights.linears.push_back(std::move(first));
    weights.linears.push_back(variables_.linear(name + "/linear_1", spec_.model_dim, inner));
    weights.norm = norm(name + "/layer_norm");
    return weights;
  }
  NormWeights norm(const std::string& name) {
    NormWeights weights = variables_.norm(name, spec_.model_dim);
    if (weights.bias.empty() != (spec_.norm == NormKind::rms))
      throw Error(ErrorCode::unsupported, variables_.origin() + ": some norms have a beta, and " +
                                              quote(name) + " is not like the first");
    return weights;
  }
  void take_norms(const std::string& side, const StackSpec& stack, NormWeights& embedding,
                  NormWeights& top) {
    if (stack.embedding_norm != EmbeddingNorm::none)
      embedding = norm(side + "/layernorm_embedding");
    if (stack.final_norm) top = norm(side + "/layer_norm");
  }
  // The first of a computed table belongs to a position that is never used.
  Tensor positions(const std::string& side, StackSpec& stack, const Limits& limits) {
    if (stack.positions == PositionKind::none) return {};
    if (stack.positions == PositionKind::sinusoid_tensor2tensor)
      return sinusoid_tensor2tensor(
          std::int64_t{std::max(limits.max_source_tokens, limits.max_target_tokens)} + 1 +
              stack.position_offset,
          spec_.model_dim);
    Tensor table = variables_.floats(side + "/position_encodings/encodings", {-1, spec_.model_dim});
    stack.max_positions = static_cast<int>(std::min<std::int64_t>(table.shape()[0], 1 << 30));
    spec_.sources[side + ".max_positions"] = "the shape of " + side + "/position_encodings";
    return table;
  }
  std::vector<Tensor> relative_bias(const std::string& side, const StackSpec& stack);

  CTranslate2Variables& variables_;
  ModelSpec& spec_;
  ModelWeights& out_;
};

// One table for each layer; converters give T5's layers the same.
std::vector<Tensor> Reader::relative_bias(const std::string& side, const StackSpec& stack) {
  std::vector<Tensor> tables;
  if (spec_.relative_bias == RelativeBias::none) return tables;
  for (int i = 0; i < stack.layers; ++i) {
    const std::string name = side + "/layer_" + std::to_string(i) + "/self_attention/";
    tables.push_back(
        variables_.floats(name + "relative_attention_bias", {spec_.relative_buckets, stack.heads}));
    const auto distance = variables_.integer(name + "relative_attention_max_distance");
    if (distance.value_or(spec_.relative_max_distance) != spec_.relative_max_distance)
      throw Error(ErrorCode::unsupported,
                  variables_.origin() + ": " + quote(name + "relative_attention_max_distance") +
                      " is not " + std::to_string(spec_.relative_max_distance) +
                      ", as in the first layer");
  }
  if (spec_.relative_bias == RelativeBias::shared_by_layers) tables.resize(1);
  return tables;
}

}  // namespace

FamilyModel load_ctranslate2(CTranslate2Variables& variables, const CTranslate2Facts& facts,
                             const Limits& limits) {
  FamilyModel model;
  model.spec = read_ctranslate2_spec(variables, facts, limits);
  check_implemented(model.spec);
  Reader reader(variables, model);
  reader.take_tables();
  reader.take_layers();
  reader.take_output();
  reader.take_final_norms();
  reader.take_relative_bias();
  reader.take_positions(limits);
  return model;
}

}  // namespace tandem
