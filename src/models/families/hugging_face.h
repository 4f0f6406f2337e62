// What the checkpoints of Hugging Face's encoder-decoder families have in common: keys of
// config.json, names of sub-layers, and how tied embeddings are stored.
#pragma once

#include <string>

#include "kernels/backend.h"
#include "models/families/family.h"
#include "nn/feed_forward.h"
#include "nn/norm.h"

namespace tandem {

// config.json's activation names (transformers/activations.py, ACT2FN). Throws Error{unsupported}.
Activation activation_by_name(const JsonObject& config, const std::string& key,
                              const std::string& fallback);

// `key`, a size from 1 to `highest`, and a note in the spec that the switch `name` comes from it.
// `fallback`, where there is no such key; 0: it must be there.
int size_by_key(const JsonObject& config, ModelSpec& spec, const std::string& name,
                const std::string& key, std::int64_t highest, int fallback = 0);

// Bounds of the sizes that a configuration claims.
inline constexpr std::int64_t kMaxDim = 1 << 16;
inline constexpr std::int64_t kMaxPositions = 1 << 20;

// The sizes of one stack by the keys of BART's configurations; `side` is encoder or decoder.
StackSpec stack_by_keys(const JsonObject& config, ModelSpec& spec, const std::string& side,
                        const std::string& positions_key, const Limits& limits);

// `key` as a token id in [0, vocabulary), or -1 when it is not set.
TokenId token_by_key(const JsonObject& config, const std::string& key, std::int64_t vocabulary);
// The same for a key that may hold one id or a list of them; empty when it is not set.
std::vector<TokenId> tokens_by_key(const JsonObject& config, const std::string& key,
                                   std::int64_t vocabulary);

// A float tensor of any stored type as float32.
Tensor take_float(WeightMap& weights, const std::string& name,
                  std::initializer_list<std::int64_t> shape);

// `<name>.weight` [outputs, inputs] with `<name>.bias` [outputs], which must be there.
LinearWeights take_linear(WeightMap& weights, const std::string& name, std::int64_t outputs,
                          std::int64_t inputs);
// `<name>.weight` and `<name>.bias`, [dim] each.
NormWeights take_norm(WeightMap& weights, const std::string& name, std::int64_t dim);
// `<name>.{q,k,v,out}_proj`, all [dim, dim] with bias, and the norm `<norm>`.
AttentionWeights take_attention(WeightMap& weights, const std::string& name,
                                const std::string& norm, std::int64_t dim);
// `<layer>.fc1`, `<layer>.fc2` and `<layer>.final_layer_norm`.
FeedForwardWeights take_feed_forward(WeightMap& weights, const std::string& layer,
                                     std::int64_t inner, std::int64_t dim);

// What a classifier has beside its model: read by PredictionHead alone.
void ignore_classification_head(WeightMap& weights);

// The embeddings of a model and its output projection, by the tensors that are there and not by
// flags, which checkpoints get wrong:
//   each side's own `embed_tokens`, else `model.shared`, else the other side's;
//   the output is `lm_head`, else the target embedding (safetensors stores tied tensors once);
//   `lm_head` serves as an embedding only when no other table exists.
// `names` are the prefixes, such as "model.encoder.embed_tokens". Tensors with equal bytes share
// memory.
struct EmbeddingNames {
  std::string shared, source, target, output;
};
struct Embeddings {
  Tensor source, target, output;  // float32; [V_source, D], [V_target, D], [V_target, D]
};
Embeddings take_embeddings(WeightMap& weights, const EmbeddingNames& names,
                           std::int64_t source_vocabulary, std::int64_t target_vocabulary,
                           std::int64_t dim);

}  // namespace tandem
