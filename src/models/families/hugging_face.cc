#include "models/families/hugging_face.h"

#include <algorithm>
#include <array>
#include <utility>

#include <tandem/error.h>

namespace tandem {

Activation activation_by_name(const JsonObject& config, const std::string& key,
                              const std::string& fallback) {
  static constexpr std::array<std::pair<std::string_view, Activation>, 9> kNames{{
      {"relu", Activation::relu},
      {"gelu", Activation::gelu_erf},
      {"gelu_new", Activation::gelu_tanh},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"quick_gelu", Activation::gelu_sigmoid},
      {"silu", Activation::silu},
      {"swish", Activation::silu},
      {"tanh", Activation::tanh},
      {"linear", Activation::none},
  }};
  const std::string name = config.string(key).value_or(fallback);
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found != kNames.end()) return found->second;
  std::string known;
  for (const auto& entry : kNames) known += (known.empty() ? "" : ", ") + std::string(entry.first);
  throw Error(ErrorCode::unsupported,
              config.name() + ": " + key + " is \"" + name + "\"; known are " + known);
}

int size_by_key(const JsonObject& config, ModelSpec& spec, const std::string& name,
                const std::string& key, std::int64_t highest, int fallback) {
  if (fallback != 0 && !config.has(key)) return fallback;
  spec.sources[name] = "config.json: " + key;
  return static_cast<int>(config.required_integer(key, 1, highest));
}

StackSpec stack_by_keys(const JsonObject& config, ModelSpec& spec, const std::string& side,
                        const std::string& positions_key, const Limits& limits) {
  StackSpec stack;
  stack.layers = size_by_key(config, spec, side + ".layers", side + "_layers", limits.max_layers);
  stack.heads =
      size_by_key(config, spec, side + ".heads", side + "_attention_heads", limits.max_heads);
  stack.feed_forward_dim =
      size_by_key(config, spec, side + ".feed_forward_dim", side + "_ffn_dim", kMaxDim);
  stack.max_positions =
      size_by_key(config, spec, side + ".max_positions", positions_key, kMaxPositions);
  return stack;
}

TokenId token_by_key(const JsonObject& config, const std::string& key, std::int64_t vocabulary) {
  return static_cast<TokenId>(config.integer(key, 0, vocabulary - 1).value_or(-1));
}

std::vector<TokenId> tokens_by_key(const JsonObject& config, const std::string& key,
                                   std::int64_t vocabulary) {
  if (!config.has(key)) return {};
  const nlohmann::json& value = config.json().at(key);
  if (!value.is_array()) return {token_by_key(config, key, vocabulary)};
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const JsonObject entry(nlohmann::json{{key, value[i]}}, config.name());
    tokens.push_back(static_cast<TokenId>(entry.required_integer(key, 0, vocabulary - 1)));
  }
  return tokens;
}

void ignore_classification_head(WeightMap& weights) {
  for (const char* layer : {"dense", "out_proj"})
    for (const char* part : {".weight", ".bias"})
      weights.ignore(std::string("classification_head.") + layer + part);
}

Tensor take_float(WeightMap& weights, const std::string& name,
                  std::initializer_list<std::int64_t> shape) {
  const Tensor& tensor = weights.take(name, shape).tensor;
  switch (tensor.dtype()) {
    case DType::float32:
    case DType::float64:
    case DType::float16:
    case DType::bfloat16:
      return tensor.to_float32();
    default:
      break;
  }
  throw Error(ErrorCode::corrupt, weights.origin() + ": tensor '" + name + "' has the type " +
                                      std::string(to_string(tensor.dtype())) +
                                      ", expected a float type");
}

LinearWeights take_linear(WeightMap& weights, const std::string& name, std::int64_t outputs,
                          std::int64_t inputs) {
  LinearWeights linear;
  linear.weight = take_float(weights, name + ".weight", {outputs, inputs});
  linear.bias = take_float(weights, name + ".bias", {outputs});
  return linear;
}

NormWeights take_norm(WeightMap& weights, const std::string& name, std::int64_t dim) {
  return {take_float(weights, name + ".weight", {dim}), take_float(weights, name + ".bias", {dim})};
}

AttentionWeights take_attention(WeightMap& weights, const std::string& name,
                                const std::string& norm, std::int64_t dim) {
  AttentionWeights attention;
  attention.name = weights.origin() + ": " + name;
  attention.query = take_linear(weights, name + ".q_proj", dim, dim);
  attention.key = take_linear(weights, name + ".k_proj", dim, dim);
  attention.value = take_linear(weights, name + ".v_proj", dim, dim);
  attention.output = take_linear(weights, name + ".out_proj", dim, dim);
  attention.norm = take_norm(weights, norm, dim);
  return attention;
}

FeedForwardWeights take_feed_forward(WeightMap& weights, const std::string& layer,
                                     std::int64_t inner, std::int64_t dim) {
  FeedForwardWeights feed_forward;
  feed_forward.linears.push_back(take_linear(weights, layer + ".fc1", inner, dim));
  feed_forward.linears.push_back(take_linear(weights, layer + ".fc2", dim, inner));
  feed_forward.norm = take_norm(weights, layer + ".final_layer_norm", dim);
  return feed_forward;
}

Embeddings take_embeddings(WeightMap& weights, const EmbeddingNames& names,
                           std::int64_t source_vocabulary, std::int64_t target_vocabulary,
                           std::int64_t dim) {
  std::vector<Tensor> taken;
  const auto first_present = [&](std::initializer_list<const std::string*> candidates,
                                 std::int64_t vocabulary) {
    for (const std::string* name : candidates) {
      if (!weights.contains(*name + ".weight")) continue;
      Tensor table = take_float(weights, *name + ".weight", {vocabulary, dim});
      // Checkpoints from before safetensors' de-duplication hold copies: one is enough.
      for (const Tensor& other : taken)
        if (other.bytes() == table.bytes() &&
            std::equal(table.raw(), table.raw() + table.bytes(), other.raw()))
          return other;
      taken.push_back(table);
      return table;
    }
    return take_float(weights, **candidates.begin() + ".weight",
                      {vocabulary, dim});  // throws: missing
  };
  Embeddings embeddings;
  embeddings.source = first_present({&names.source, &names.shared, &names.target, &names.output},
                                    source_vocabulary);
  embeddings.target = first_present({&names.target, &names.shared, &names.source, &names.output},
                                    target_vocabulary);
  embeddings.output = first_present({&names.output, &names.target, &names.shared, &names.source},
                                    target_vocabulary);
  // Copies that a more specific name made unnecessary.
  for (const std::string* name : {&names.shared, &names.source, &names.target, &names.output})
    if (weights.contains(*name + ".weight")) weights.ignore(*name + ".weight");
  return embeddings;
}

}  // namespace tandem
