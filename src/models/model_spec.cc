#include "models/model_spec.h"

#include <array>
#include <charconv>
#include <type_traits>

#include <tandem/error.h>

#include "models/model_switches.h"
#include "nn/positions.h"

namespace tandem {
namespace {

std::string text_of(bool value) {
  return value ? "true" : "false";
}
std::string text_of(const std::vector<int>& values) {
  std::string text = "[";
  for (const int value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}
std::string text_of(float value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return std::string(digits.data(), end);
}
std::string text_of(int value) {
  return std::to_string(value);
}
std::string text_of(std::int64_t value) {
  return std::to_string(value);
}

template <class E>
requires std::is_enum_v<E> std::string text_of(E value) {
  return std::string(name_of(value));
}

// Refuses a switch unless `implemented`.
template <class T>
void require(const ModelSpec& spec, bool implemented, const char* name, const T& value) {
  if (implemented) return;
  throw Error(ErrorCode::unsupported, spec.origin + ": a model with " + name + " = " +
                                          text_of(value) + " cannot be run by this version");
}

void check_sizes(const ModelSpec& spec) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::corrupt, spec.origin + ": " + what);
  };
  for (const StackSpec* stack : {&spec.encoder, &spec.decoder}) {
    if (!spec.independent_head_dim && spec.head_dim * stack->heads != spec.model_dim)
      refuse("a width of " + std::to_string(spec.model_dim) + " does not divide into " +
             std::to_string(stack->heads) + " attention heads");
    if (stack->positions == PositionKind::sinusoid_tensor2tensor &&
        (spec.model_dim < 4 || spec.model_dim % 2 != 0))
      refuse("sinusoidal positions need an even width of at least 4, found " +
             std::to_string(spec.model_dim));
  }
  if (!spec.attention_output_projection && spec.independent_head_dim)
    refuse("attention without an output projection needs heads that make up the width");
  if (spec.relative_bias != RelativeBias::none &&
      (spec.relative_buckets < 4 || spec.relative_max_distance <= spec.relative_buckets / 2))
    refuse(
        "relative positions need at least 4 buckets and a longest distance above half of them, "
        "found " +
        std::to_string(spec.relative_buckets) + " and " +
        std::to_string(spec.relative_max_distance));
  if (spec.guided_alignment_layer < -1 || spec.guided_alignment_layer >= spec.decoder.layers)
    refuse("the alignment layer " + std::to_string(spec.guided_alignment_layer + 1) +
           " is not one of the " + std::to_string(spec.decoder.layers) + " decoder layers");
}

void check_stack(const ModelSpec& spec, const StackSpec& stack) {
  require(spec, stack.attention_window == 0, "attention_window", stack.attention_window);
}

}  // namespace

std::vector<SwitchLine> describe(const ModelSpec& spec) {
  std::vector<SwitchLine> lines;
  visit_switches(spec, [&](const std::string& name, const auto& value) {
    const auto source = spec.sources.find(name);
    lines.push_back({name, text_of(value),
                     source == spec.sources.end() ? "the family's rule" : source->second});
  });
  return lines;
}

void check_implemented(const ModelSpec& spec) {
  require(spec, spec.norm == NormKind::layer || spec.norm == NormKind::rms, "norm", spec.norm);
  require(spec, !spec.norm_on_both_sides, "norm_on_both_sides", spec.norm_on_both_sides);
  require(spec, spec.front_end == FrontEnd::tokens || spec.front_end == FrontEnd::mel_convolution,
          "front_end", spec.front_end);
  require(spec, spec.attention_scale != AttentionScale::constant, "attention_scale",
          spec.attention_scale);
  require(spec, spec.key_value_heads == 0, "key_value_heads", spec.key_value_heads);
  require(spec, spec.cross_key_value_dim == 0, "cross_key_value_dim", spec.cross_key_value_dim);
  require(spec, !spec.query_key_norm, "query_key_norm", spec.query_key_norm);
  require(spec, spec.score_soft_cap == 0.0F, "score_soft_cap", spec.score_soft_cap);
  require(spec, spec.rotary == Rotary::none, "rotary", spec.rotary);
  require(spec, spec.decoder_mixer != DecoderMixer::merged, "decoder_mixer", spec.decoder_mixer);
  require(spec, spec.feed_forward_depth >= 2, "feed_forward_depth", spec.feed_forward_depth);
  require(spec, spec.logits_soft_cap == 0.0F, "logits_soft_cap", spec.logits_soft_cap);
  check_stack(spec, spec.encoder);
  check_stack(spec, spec.decoder);
  check_sizes(spec);
}

void check_head(const ModelSpec& spec, AttentionKind attention, int layer, int head) {
  const bool in_encoder = attention == AttentionKind::encoder;
  const StackSpec& stack = in_encoder ? spec.encoder : spec.decoder;
  if (layer < 0 || layer >= stack.layers || head < 0 || head >= stack.heads)
    throw Error(ErrorCode::invalid_argument,
                "there is no head " + std::to_string(head) + " of layer " + std::to_string(layer) +
                    "; the " + (in_encoder ? "encoder" : "decoder") + " has layers 0 to " +
                    std::to_string(stack.layers - 1) + " with heads 0 to " +
                    std::to_string(stack.heads - 1));
  if (attention == AttentionKind::decoder && spec.decoder_mixer != DecoderMixer::attention)
    throw Error(ErrorCode::unsupported, "this model's decoder has no self-attention");
}

}  // namespace tandem
