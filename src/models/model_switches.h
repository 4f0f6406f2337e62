// Every switch of a ModelSpec with its name, in the order of the struct, and the names of their
// values: the one list that `inspect` shows and packed files store. A switch that is missing here
// is lost in both.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "models/model_spec.h"

namespace tandem {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

// The names of an enum's values; the argument only chooses the enum.
std::span<const Named<PositionKind>> names(PositionKind of);
std::span<const Named<StartToken>> names(StartToken of);
std::span<const Named<AttentionScale>> names(AttentionScale of);
std::span<const Named<RelativeBias>> names(RelativeBias of);
std::span<const Named<Rotary>> names(Rotary of);
std::span<const Named<DecoderMixer>> names(DecoderMixer of);
std::span<const Named<FrontEnd>> names(FrontEnd of);
std::span<const Named<NormKind>> names(NormKind of);
std::span<const Named<NormPlacement>> names(NormPlacement of);
std::span<const Named<EmbeddingNorm>> names(EmbeddingNorm of);
std::span<const Named<KeyInput>> names(KeyInput of);
std::span<const Named<Activation>> names(Activation of);

template <class E>
std::string_view name_of(E value) {
  for (const Named<E>& named : names(value))
    if (named.value == value) return named.name;
  return "?";
}

template <class Stack, class Visit>
void visit_stack(const std::string& prefix, Stack& stack, const Visit& visit) {
  visit(prefix + ".layers", stack.layers);
  visit(prefix + ".heads", stack.heads);
  visit(prefix + ".feed_forward_dim", stack.feed_forward_dim);
  visit(prefix + ".positions", stack.positions);
  visit(prefix + ".position_offset", stack.position_offset);
  visit(prefix + ".max_positions", stack.max_positions);
  visit(prefix + ".final_norm", stack.final_norm);
  visit(prefix + ".embedding_norm", stack.embedding_norm);
  visit(prefix + ".attention_window", stack.attention_window);
}

// Calls visit(name, switch) for each; `Spec` is ModelSpec or const ModelSpec. A switch is a bool,
// an int, an int64, a float, a list of ints, or one of the enums above.
template <class Spec, class Visit>
void visit_switches(Spec& spec, const Visit& visit) {
  const auto add = [&](const char* name, auto& value) { visit(std::string(name), value); };
  add("model_dim", spec.model_dim);
  add("head_dim", spec.head_dim);
  add("independent_head_dim", spec.independent_head_dim);
  add("source_vocabulary", spec.source_vocabulary);
  add("target_vocabulary", spec.target_vocabulary);
  visit_stack("encoder", spec.encoder, visit);
  visit_stack("decoder", spec.decoder, visit);
  add("norm", spec.norm);
  add("norm_placement", spec.norm_placement);
  add("norm_on_both_sides", spec.norm_on_both_sides);
  add("norm_epsilon", spec.norm_epsilon);
  add("front_end", spec.front_end);
  add("feature_channels", spec.feature_channels);
  add("embedding_scale", spec.embedding_scale);
  add("padding_aware_positions", spec.padding_aware_positions);
  add("shared_embeddings", spec.shared_embeddings);
  add("tied_output", spec.tied_output);
  add("start", spec.start);
  add("attention_scale", spec.attention_scale);
  add("attention_scale_constant", spec.attention_scale_constant);
  add("self_attention_keys", spec.self_attention_keys);
  add("attention_output_projection", spec.attention_output_projection);
  add("key_value_heads", spec.key_value_heads);
  add("cross_key_value_dim", spec.cross_key_value_dim);
  add("query_key_norm", spec.query_key_norm);
  add("score_soft_cap", spec.score_soft_cap);
  add("relative_bias", spec.relative_bias);
  add("relative_buckets", spec.relative_buckets);
  add("relative_max_distance", spec.relative_max_distance);
  add("rotary", spec.rotary);
  add("rotary_fraction", spec.rotary_fraction);
  add("rotary_theta", spec.rotary_theta);
  add("rotary_factor", spec.rotary_factor);
  add("decoder_mixer", spec.decoder_mixer);
  add("decoder_layer_tensors", spec.decoder_layer_tensors);
  add("activation", spec.activation);
  add("gated_feed_forward", spec.gated_feed_forward);
  add("feed_forward_depth", spec.feed_forward_depth);
  add("output_bias", spec.output_bias);
  add("logits_scale", spec.logits_scale);
  add("logits_soft_cap", spec.logits_soft_cap);
  add("guided_alignment_layer", spec.guided_alignment_layer);
  add("decoder_start_token", spec.decoder_start_token);
  add("pad_token", spec.pad_token);
  add("unknown_token", spec.unknown_token);
  add("eos_tokens", spec.eos_tokens);
}

}  // namespace tandem
