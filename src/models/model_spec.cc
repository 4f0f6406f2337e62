#include "models/model_spec.h"

#include <array>
#include <charconv>
#include <utility>

#include <tandem/error.h>

#include "nn/positions.h"

namespace tandem {
namespace {

std::string_view name_of(NormKind kind) {
  switch (kind) {
    case NormKind::layer:
      return "layer";
    case NormKind::layer_no_bias:
      return "layer_no_bias";
    case NormKind::rms:
      return "rms";
    case NormKind::rms_unit_offset:
      return "rms_unit_offset";
  }
  return "?";
}
std::string_view name_of(NormPlacement placement) {
  return placement == NormPlacement::post ? "post" : "pre";
}
std::string_view name_of(PositionKind kind) {
  switch (kind) {
    case PositionKind::none:
      return "none";
    case PositionKind::sinusoid_paper:
      return "sinusoid_paper";
    case PositionKind::sinusoid_tensor2tensor:
      return "sinusoid_tensor2tensor";
    case PositionKind::table:
      return "table";
  }
  return "?";
}
std::string_view name_of(EmbeddingNorm norm) {
  switch (norm) {
    case EmbeddingNorm::none:
      return "none";
    case EmbeddingNorm::sum:
      return "sum";
    case EmbeddingNorm::tokens:
      return "tokens";
  }
  return "?";
}
std::string_view name_of(StartToken start) {
  return start == StartToken::token ? "token" : "zero_vector";
}
std::string_view name_of(AttentionScale scale) {
  switch (scale) {
    case AttentionScale::inverse_sqrt_head_dim:
      return "inverse_sqrt_head_dim";
    case AttentionScale::none:
      return "none";
    case AttentionScale::constant:
      return "constant";
  }
  return "?";
}
std::string_view name_of(KeyInput input) {
  return input == KeyInput::raw ? "raw" : "normalized";
}
std::string_view name_of(RelativeBias bias) {
  switch (bias) {
    case RelativeBias::none:
      return "none";
    case RelativeBias::shared_by_layers:
      return "shared_by_layers";
    case RelativeBias::each_layer:
      return "each_layer";
  }
  return "?";
}
std::string_view name_of(Rotary rotary) {
  switch (rotary) {
    case Rotary::none:
      return "none";
    case Rotary::half_split:
      return "half_split";
    case Rotary::interleaved:
      return "interleaved";
  }
  return "?";
}
std::string_view name_of(DecoderMixer mixer) {
  switch (mixer) {
    case DecoderMixer::attention:
      return "attention";
    case DecoderMixer::ssru:
      return "ssru";
    case DecoderMixer::merged:
      return "merged";
  }
  return "?";
}
std::string_view name_of(FrontEnd front_end) {
  switch (front_end) {
    case FrontEnd::tokens:
      return "tokens";
    case FrontEnd::mel_convolution:
      return "mel_convolution";
    case FrontEnd::wave_convolution:
      return "wave_convolution";
    case FrontEnd::embeddings:
      return "embeddings";
  }
  return "?";
}
std::string_view name_of(Activation activation) {
  return to_string(activation);
}
std::string_view name_of(bool value) {
  return value ? "true" : "false";
}

std::string name_of(const std::vector<int>& values) {
  std::string text = "[";
  for (const int value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}
std::string name_of(float value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return std::string(digits.data(), end);
}
std::string name_of(int value) {
  return std::to_string(value);
}
std::string name_of(std::int64_t value) {
  return std::to_string(value);
}

// Collects the lines of `describe`.
class Lines {
 public:
  explicit Lines(const ModelSpec& spec) : spec_(spec) {}

  template <class T>
  void add(const std::string& name, const T& value) {
    const auto source = spec_.sources.find(name);
    lines_.push_back({name, std::string(name_of(value)),
                      source == spec_.sources.end() ? "the family's rule" : source->second});
  }
  void add_stack(const std::string& prefix, const StackSpec& stack) {
    add(prefix + ".layers", stack.layers);
    add(prefix + ".heads", stack.heads);
    add(prefix + ".feed_forward_dim", stack.feed_forward_dim);
    add(prefix + ".positions", stack.positions);
    add(prefix + ".position_offset", stack.position_offset);
    add(prefix + ".max_positions", stack.max_positions);
    add(prefix + ".final_norm", stack.final_norm);
    add(prefix + ".embedding_norm", stack.embedding_norm);
    add(prefix + ".attention_window", stack.attention_window);
  }
  std::vector<SwitchLine> take() { return std::move(lines_); }

 private:
  const ModelSpec& spec_;
  std::vector<SwitchLine> lines_;
};

// Refuses a switch unless `implemented`.
template <class T>
void require(const ModelSpec& spec, bool implemented, const char* name, const T& value) {
  if (implemented) return;
  throw Error(ErrorCode::unsupported, spec.origin + ": a model with " + name + " = " +
                                          std::string(name_of(value)) +
                                          " cannot be run by this version");
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

std::string_view to_string(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::gelu_erf:
      return "gelu_erf";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::gelu_sigmoid:
      return "gelu_sigmoid";
    case Activation::silu:
      return "silu";
    case Activation::tanh:
      return "tanh";
  }
  return "?";
}

std::vector<SwitchLine> describe(const ModelSpec& spec) {
  Lines lines(spec);
  lines.add("model_dim", spec.model_dim);
  lines.add("head_dim", spec.head_dim);
  lines.add("independent_head_dim", spec.independent_head_dim);
  lines.add("source_vocabulary", spec.source_vocabulary);
  lines.add("target_vocabulary", spec.target_vocabulary);
  lines.add_stack("encoder", spec.encoder);
  lines.add_stack("decoder", spec.decoder);
  lines.add("norm", spec.norm);
  lines.add("norm_placement", spec.norm_placement);
  lines.add("norm_on_both_sides", spec.norm_on_both_sides);
  lines.add("norm_epsilon", spec.norm_epsilon);
  lines.add("front_end", spec.front_end);
  lines.add("embedding_scale", spec.embedding_scale);
  lines.add("padding_aware_positions", spec.padding_aware_positions);
  lines.add("shared_embeddings", spec.shared_embeddings);
  lines.add("tied_output", spec.tied_output);
  lines.add("start", spec.start);
  lines.add("attention_scale", spec.attention_scale);
  lines.add("attention_scale_constant", spec.attention_scale_constant);
  lines.add("self_attention_keys", spec.self_attention_keys);
  lines.add("attention_output_projection", spec.attention_output_projection);
  lines.add("key_value_heads", spec.key_value_heads);
  lines.add("cross_key_value_dim", spec.cross_key_value_dim);
  lines.add("query_key_norm", spec.query_key_norm);
  lines.add("score_soft_cap", spec.score_soft_cap);
  lines.add("relative_bias", spec.relative_bias);
  lines.add("relative_buckets", spec.relative_buckets);
  lines.add("relative_max_distance", spec.relative_max_distance);
  lines.add("rotary", spec.rotary);
  lines.add("rotary_fraction", spec.rotary_fraction);
  lines.add("rotary_theta", spec.rotary_theta);
  lines.add("rotary_factor", spec.rotary_factor);
  lines.add("decoder_mixer", spec.decoder_mixer);
  lines.add("decoder_layer_tensors", spec.decoder_layer_tensors);
  lines.add("activation", spec.activation);
  lines.add("gated_feed_forward", spec.gated_feed_forward);
  lines.add("feed_forward_depth", spec.feed_forward_depth);
  lines.add("output_bias", spec.output_bias);
  lines.add("logits_scale", spec.logits_scale);
  lines.add("logits_soft_cap", spec.logits_soft_cap);
  lines.add("guided_alignment_layer", spec.guided_alignment_layer);
  lines.add("decoder_start_token", spec.decoder_start_token);
  lines.add("pad_token", spec.pad_token);
  lines.add("unknown_token", spec.unknown_token);
  lines.add("eos_tokens", spec.eos_tokens);
  return lines.take();
}

void check_implemented(const ModelSpec& spec) {
  require(spec, spec.norm == NormKind::layer || spec.norm == NormKind::rms, "norm", spec.norm);
  require(spec, !spec.norm_on_both_sides, "norm_on_both_sides", spec.norm_on_both_sides);
  require(spec, spec.front_end == FrontEnd::tokens, "front_end", spec.front_end);
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

}  // namespace tandem
