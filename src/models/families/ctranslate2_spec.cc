#include "models/families/ctranslate2_spec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"

namespace tandem {
namespace {

constexpr std::uint32_t kNewestRevision = 7;
constexpr std::int64_t kMaxDim = 1 << 16;
constexpr std::int64_t kMaxDistance = 1
                                      << 12;  // attention keeps a number for each distance and head

[[noreturn]] void refuse(ErrorCode code, const CTranslate2Variables& variables,
                         const std::string& what) {
  throw Error(code, variables.origin() + ": " + what);
}

// --- what is refused by name -------------------------------------------------------------------

// A part of a variable's name, and what a model that has such a variable would need.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kUnknownParts{{
    {"relative_position_keys", "relative positions as vectors"},
    {"relative_position_values", "relative positions as vectors"},
    {"relative_asymmetric_position_keys", "asymmetric relative positions"},
    {"rotary_dim", "rotary positions"},
    {"num_heads_kv", "grouped attention heads"},
    {"q_norm", "norms of queries"},
    {"k_norm", "norms of keys"},
    {"v_norm", "norms of values"},
    {"sliding_window", "an attention window"},
    {"memory_kv", "merged self- and cross-attention"},
    {"input_layer_norm", "norms on both sides of a sub-layer"},
    {"shared_layer_norm", "parallel sub-layers"},
    {"post_attention_layer_norm", "norms on both sides of a sub-layer"},
    {"layer_norm_use_residual", "norms whose gain is 1 + w"},
    {"project_in", "a projection of the embeddings"},
    {"project_out", "a projection of the embeddings"},
    {"embeddings_1", "several source embeddings"},
    {"final_logit_softcapping", "bounded logits"},
    {"layer_scalar", "a factor for each layer"},
    {"weight_zero", "4-bit weights (AWQ)"},
}};

void refuse_unknown_networks(const CTranslate2Variables& variables) {
  const auto& spec = variables.spec();
  if (!spec.empty() && spec != "TransformerBase" && spec != "TransformerBig" &&
      spec != "TransformerSpec")
    refuse(ErrorCode::unsupported, variables,
           "the model is a " + quote(spec) + "; expected an encoder-decoder, TransformerSpec");
  if (variables.revision() == 0 || variables.revision() > kNewestRevision)
    refuse(ErrorCode::unsupported, variables,
           "the spec has revision " + std::to_string(variables.revision()) + "; expected 1 to " +
               std::to_string(kNewestRevision));
  for (const auto& [name, weight] : variables.weights().all())
    for (const auto& [part, what] : kUnknownParts)
      if (("/" + name + "/").find("/" + std::string(part) + "/") != std::string::npos)
        refuse(ErrorCode::unsupported, variables,
               "variable " + quote(name) + " asks for " + std::string(what) +
                   ", which this version cannot run in this format");
}

void refuse_flags(CTranslate2Variables& variables) {
  for (const std::string name : {"decoder/alibi", "encoder/multi_query_attention",
                                 "decoder/multi_query_attention", "with_relative_position"})
    if (variables.flag(name, false))
      refuse(ErrorCode::unsupported, variables, "variable " + quote(name) + " is set");
  // Of attention with linear biases, and how several embeddings would be merged.
  for (const char* name : {"decoder/alibi_use_positive_positions", "decoder/scale_alibi",
                           "encoder/embeddings_merge", "embeddings_merge"})
    variables.ignore(name);
}

// --- switches ----------------------------------------------------------------------------------

// A value that Tandem has once for both stacks.
template <class T>
T same_for_both(const CTranslate2Variables& variables, const char* what, const T& encoder,
                const T& decoder) {
  if (encoder == decoder) return encoder;
  refuse(ErrorCode::unsupported, variables,
         std::string(what) + " is not the same in encoder and decoder");
}

int count_layers(const CTranslate2Variables& variables, const std::string& side,
                 const Limits& limits) {
  int layers = 0;
  while (layers <= limits.max_layers &&
         variables.contains_scope(side + "/layer_" + std::to_string(layers) + "/"))
    ++layers;
  if (layers < 1 || layers > limits.max_layers)
    refuse(layers < 1 ? ErrorCode::corrupt : ErrorCode::resource_exhausted, variables,
           (layers < 1 ? std::string("no ") : "more than " + std::to_string(limits.max_layers)) +
               " layers below " + quote(side) + "; expected 1 to " +
               std::to_string(limits.max_layers) + " (max_layers)");
  return layers;
}

int read_heads(CTranslate2Variables& variables, const std::string& side, const Limits& limits) {
  // Before revision 3 the spec's name says it.
  const std::int64_t implied = variables.spec() == "TransformerBig" ? 16 : 8;
  const std::int64_t heads = variables.integer_of(side, "num_heads").value_or(implied);
  if (heads < 1 || heads > limits.max_heads)
    refuse(ErrorCode::corrupt, variables,
           quote(side + "/num_heads") + " is " + std::to_string(heads) + "; expected 1 to " +
               std::to_string(limits.max_heads));
  return static_cast<int>(heads);
}

Activation read_activation(CTranslate2Variables& variables, const std::string& side) {
  // By the number that the format has for each.
  static constexpr std::array kActivations{Activation::relu,         Activation::gelu_tanh,
                                           Activation::silu,         Activation::gelu_erf,
                                           Activation::gelu_sigmoid, Activation::tanh};
  const std::int64_t number = variables.integer_of(side, "activation").value_or(0);
  if (number < 0 || number >= static_cast<std::int64_t>(kActivations.size()))
    refuse(ErrorCode::unsupported, variables,
           quote(side + "/activation") + " is " + std::to_string(number) + "; expected 0 to " +
               std::to_string(kActivations.size() - 1));
  return kActivations[static_cast<std::size_t>(number)];
}

// An int8 flag (1: the root of the width), or the factor itself; not there: the root.
float read_embedding_scale(CTranslate2Variables& variables, const std::string& side, int dim) {
  const float root = std::sqrt(static_cast<float>(dim));
  const std::string old = ctranslate2_embeddings(variables, side) + "/multiply_by_sqrt_depth";
  std::string name = side + "/scale_embeddings";
  if (!variables.contains(name))
    name = variables.contains("scale_embeddings") ? "scale_embeddings" : old;
  variables.ignore(old);
  const std::optional<double> value = variables.number(name);
  if (!value) return root;
  const bool is_flag = variables.weights().all().at(name).tensor.dtype() == DType::int8;
  if (is_flag) return *value != 0 ? root : 1.0F;
  return static_cast<float>(*value);
}

void read_norms(CTranslate2Variables& variables, const CTranslate2Facts& facts, ModelSpec& spec) {
  const auto is_pre = [&](const std::string& side) {
    return variables.integer_of(side, "pre_norm").value_or(1) != 0;
  };
  const bool pre =
      same_for_both(variables, "the place of the norms", is_pre("encoder"), is_pre("decoder"));
  spec.norm_placement = pre ? NormPlacement::pre : NormPlacement::post;
  const bool has_bias = variables.contains("encoder/layer_0/ffn/layer_norm/beta");
  spec.norm = has_bias ? NormKind::layer : NormKind::rms;
  const double epsilon = facts.norm_epsilon.value_or(has_bias ? 1e-5 : 1e-6);
  if (!(epsilon > 0 && epsilon < 1))
    refuse(ErrorCode::corrupt, variables,
           facts.source + ": layer_norm_epsilon is " + std::to_string(epsilon) +
               "; expected between 0 and 1");
  spec.norm_epsilon = static_cast<float>(epsilon);
  spec.sources["norm_placement"] = "variables: pre_norm";
  spec.sources["norm"] = "variables: whether the norms have a beta";
  spec.sources["norm_epsilon"] = facts.norm_epsilon ? facts.source : "the format's default";
}

void read_stack(CTranslate2Variables& variables, const std::string& side, StackSpec& stack,
                ModelSpec& spec, const Limits& limits) {
  stack.layers = count_layers(variables, side, limits);
  stack.heads = read_heads(variables, side, limits);
  stack.final_norm = variables.contains(side + "/layer_norm/gamma");
  if (variables.contains(side + "/layernorm_embedding/gamma"))
    stack.embedding_norm = EmbeddingNorm::sum;
  const bool relative =
      variables.contains(side + "/layer_0/self_attention/relative_attention_bias");
  if (variables.contains(side + "/position_encodings/encodings")) {
    stack.positions = PositionKind::table;
  } else if (!relative) {
    stack.positions = PositionKind::sinusoid_tensor2tensor;
    stack.position_offset = 1;
  }
  spec.sources[side + ".heads"] = variables.contains(side + "/num_heads")
                                      ? "variables: " + side + "/num_heads"
                                      : "the name of the spec";
  for (const auto& [name, source] :
       {std::pair{".layers", "/layer_N"}, std::pair{".final_norm", "/layer_norm"},
        std::pair{".positions", "/position_encodings"},
        std::pair{".embedding_norm", "/layernorm_embedding"}})
    spec.sources[side + name] = "variables: " + side + source;
}

void read_attention_scale(CTranslate2Variables& variables, ModelSpec& spec) {
  const std::string first = "encoder/layer_0/self_attention/queries_scale";
  const std::optional<double> scale = variables.number(first);
  for (const auto& [name, weight] : variables.weights().all()) {
    if (!name.ends_with("/queries_scale")) continue;
    if (variables.number(name) != scale)
      refuse(ErrorCode::unsupported, variables,
             quote(name) + " is " + std::to_string(*variables.number(name)) +
                 "; expected the same in all layers");
  }
  if (!scale) return;
  spec.sources["attention_scale"] = "variables: queries_scale";
  if (std::abs(*scale * std::sqrt(static_cast<double>(spec.head_dim)) - 1) < 1e-3) return;
  spec.attention_scale = *scale == 1 ? AttentionScale::none : AttentionScale::constant;
  spec.attention_scale_constant = static_cast<float>(*scale);
}

void read_head_dim(CTranslate2Variables& variables, ModelSpec& spec) {
  const auto& weights = variables.weights().all();
  const std::string name = "encoder/layer_0/self_attention/linear_0/weight";
  const auto fused = weights.find(name);
  const std::int64_t rows = fused == weights.end() || fused->second.tensor.shape().rank() != 2
                                ? 0
                                : fused->second.tensor.shape()[0];
  const std::int64_t parts = std::int64_t{3} * spec.encoder.heads;
  if (rows < 1 || rows % parts != 0 || rows > kMaxDim * 3)
    refuse(ErrorCode::corrupt, variables,
           quote(name) + " has " + std::to_string(rows) +
               " rows; expected queries, keys and values of " + std::to_string(spec.encoder.heads) +
               " heads");
  spec.head_dim = static_cast<int>(rows / parts);
  spec.independent_head_dim = spec.head_dim * spec.encoder.heads != spec.model_dim;
  spec.sources["head_dim"] = "the shape of " + name;
  for (const auto& [variable, weight] : weights) {
    if (!variable.ends_with("/head_dim")) continue;
    if (variables.integer(variable) != spec.head_dim)
      refuse(
          ErrorCode::corrupt, variables,
          quote(variable) + " is not the " + std::to_string(spec.head_dim) + " of " + quote(name));
  }
}

bool same_in_all_layers(const CTranslate2Variables& variables, const std::string& side,
                        int layers) {
  const auto& all = variables.weights().all();
  const auto table = [&](int layer) {
    const auto found = all.find(side + "/layer_" + std::to_string(layer) +
                                "/self_attention/relative_attention_bias");
    return found == all.end() ? Tensor() : found->second.tensor;
  };
  const Tensor first = table(0);
  for (int i = 1; i < layers; ++i) {
    const Tensor other = table(i);
    if (other.bytes() != first.bytes() ||
        !std::equal(first.raw(), first.raw() + first.bytes(), other.raw()))
      return false;
  }
  return true;
}

void read_relative_bias(CTranslate2Variables& variables, ModelSpec& spec) {
  const std::string first = "encoder/layer_0/self_attention/relative_attention_";
  const auto& all = variables.weights().all();
  const auto table = all.find(first + "bias");
  if (table == all.end()) return;
  const Shape& shape = table->second.tensor.shape();
  spec.relative_buckets = shape.rank() == 2 && shape[0] <= kMaxDim ? static_cast<int>(shape[0]) : 0;
  const std::int64_t distance = variables.integer(first + "max_distance").value_or(128);
  if (distance < 1 || distance > kMaxDistance)
    refuse(ErrorCode::corrupt, variables,
           quote(first + "max_distance") + " is " + std::to_string(distance) + "; expected 1 to " +
               std::to_string(kMaxDistance));
  spec.relative_max_distance = static_cast<int>(distance);
  const bool shared = same_in_all_layers(variables, "encoder", spec.encoder.layers) &&
                      same_in_all_layers(variables, "decoder", spec.decoder.layers);
  spec.relative_bias = shared ? RelativeBias::shared_by_layers : RelativeBias::each_layer;
  spec.sources["relative_bias"] = spec.sources["relative_buckets"] =
      "variables: relative_attention_bias";
  spec.sources["relative_max_distance"] = "variables: relative_attention_max_distance";
}

// The tables' shapes; the weights are checked against them when they are taken.
void read_sizes(CTranslate2Variables& variables, ModelSpec& spec, const Limits& limits) {
  const auto shape_of = [&](const std::string& side) {
    const std::string name = ctranslate2_embeddings(variables, side) + "/weight";
    const auto table = variables.weights().all().find(name);
    if (table == variables.weights().all().end() || table->second.tensor.shape().rank() != 2)
      refuse(ErrorCode::corrupt, variables,
             "variable " + quote(name) + " is missing or no matrix; expected [vocabulary, width]");
    return table->second.tensor.shape();
  };
  const Shape source = shape_of("encoder"), target = shape_of("decoder");
  if (target[1] < 1 || target[1] > kMaxDim)
    refuse(ErrorCode::corrupt, variables,
           "the embeddings have a width of " + std::to_string(target[1]) + "; expected 1 to " +
               std::to_string(kMaxDim));
  spec.model_dim = static_cast<int>(target[1]);
  spec.source_vocabulary = source[0];
  spec.target_vocabulary = target[0];
  if (std::min(source[0], target[0]) < 1 || std::max(source[0], target[0]) > limits.max_vocabulary)
    refuse(ErrorCode::resource_exhausted, variables,
           "vocabularies of " + std::to_string(source[0]) + " and " + std::to_string(target[0]) +
               " tokens; expected 1 to " + std::to_string(limits.max_vocabulary) +
               " (max_vocabulary)");
  for (const char* field : {"model_dim", "source_vocabulary", "target_vocabulary"})
    spec.sources[field] = "the shapes of the embeddings";
  spec.embedding_scale = same_for_both(variables, "the scale of the embeddings",
                                       read_embedding_scale(variables, "encoder", spec.model_dim),
                                       read_embedding_scale(variables, "decoder", spec.model_dim));
  spec.sources["embedding_scale"] = "variables: scale_embeddings";
}

void read_output(CTranslate2Variables& variables, ModelSpec& spec) {
  if (variables.flag("decoder/start_from_zero_embedding", false))
    spec.start = StartToken::zero_vector;
  spec.sources["start"] = "variables: decoder/start_from_zero_embedding";
  spec.logits_scale = static_cast<float>(variables.number("decoder/scale_outputs").value_or(1));
  spec.sources["logits_scale"] = "variables: decoder/scale_outputs";
  const std::int64_t layer = variables.integer_of("decoder", "alignment_layer").value_or(-1);
  spec.guided_alignment_layer = static_cast<int>(layer < 0 ? layer + spec.decoder.layers : layer);
  spec.sources["guided_alignment_layer"] = "variables: decoder/alignment_layer";
  variables.integer_of("decoder", "alignment_heads");  // Tandem reports head 0
}

}  // namespace

std::string ctranslate2_embeddings(const CTranslate2Variables& variables, const std::string& side) {
  const std::string numbered = side + "/embeddings_0";
  return variables.contains_scope(numbered + "/") ? numbered : side + "/embeddings";
}

CTranslate2Facts read_ctranslate2_facts(CTranslate2Variables& variables) {
  CTranslate2Facts facts;
  facts.source = "variables";
  facts.unknown = variables.text("unk_token").value_or(facts.unknown);
  facts.bos = variables.text("bos_token").value_or(facts.bos);
  facts.eos = variables.text("eos_token").value_or(facts.eos);
  facts.add_source_bos = variables.flag("with_source_bos", false);
  facts.add_source_eos = variables.flag("with_source_eos", false);
  facts.decoder_start = variables.flag("with_target_bos", true) ? facts.bos : facts.eos;
  if (variables.flag("user_decoder_start_tokens", false)) facts.decoder_start.reset();
  return facts;
}

ModelSpec read_ctranslate2_spec(CTranslate2Variables& variables, const CTranslate2Facts& facts,
                                const Limits& limits) {
  refuse_unknown_networks(variables);
  refuse_flags(variables);
  ModelSpec spec;
  spec.family = "ctranslate2";
  spec.origin = variables.origin();
  read_sizes(variables, spec, limits);
  read_stack(variables, "encoder", spec.encoder, spec, limits);
  read_stack(variables, "decoder", spec.decoder, spec, limits);
  read_norms(variables, facts, spec);
  read_head_dim(variables, spec);
  read_attention_scale(variables, spec);
  read_relative_bias(variables, spec);
  spec.activation =
      same_for_both(variables, "the activation", read_activation(variables, "encoder"),
                    read_activation(variables, "decoder"));
  spec.sources["activation"] = "variables: activation";
  spec.gated_feed_forward = variables.contains_scope("encoder/layer_0/ffn/linear_0_noact/");
  spec.sources["gated_feed_forward"] = "variables: ffn/linear_0_noact";
  read_output(variables, spec);
  return spec;
}

}  // namespace tandem
