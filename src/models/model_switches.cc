#include "models/model_switches.h"

namespace tandem {

std::span<const Named<PositionKind>> names(PositionKind /*of*/) {
  using enum PositionKind;
  static constexpr Named<PositionKind> kNames[] = {
      {none, "none"},
      {sinusoid_paper, "sinusoid_paper"},
      {sinusoid_tensor2tensor, "sinusoid_tensor2tensor"},
      {table, "table"}};
  return kNames;
}

std::span<const Named<StartToken>> names(StartToken /*of*/) {
  using enum StartToken;
  static constexpr Named<StartToken> kNames[] = {{token, "token"}, {zero_vector, "zero_vector"}};
  return kNames;
}

std::span<const Named<AttentionScale>> names(AttentionScale /*of*/) {
  using enum AttentionScale;
  static constexpr Named<AttentionScale> kNames[] = {
      {inverse_sqrt_head_dim, "inverse_sqrt_head_dim"}, {none, "none"}, {constant, "constant"}};
  return kNames;
}

std::span<const Named<RelativeBias>> names(RelativeBias /*of*/) {
  using enum RelativeBias;
  static constexpr Named<RelativeBias> kNames[] = {
      {none, "none"}, {shared_by_layers, "shared_by_layers"}, {each_layer, "each_layer"}};
  return kNames;
}

std::span<const Named<Rotary>> names(Rotary /*of*/) {
  using enum Rotary;
  static constexpr Named<Rotary> kNames[] = {
      {none, "none"}, {half_split, "half_split"}, {interleaved, "interleaved"}};
  return kNames;
}

std::span<const Named<DecoderMixer>> names(DecoderMixer /*of*/) {
  using enum DecoderMixer;
  static constexpr Named<DecoderMixer> kNames[] = {
      {attention, "attention"}, {ssru, "ssru"}, {merged, "merged"}};
  return kNames;
}

std::span<const Named<FrontEnd>> names(FrontEnd /*of*/) {
  using enum FrontEnd;
  static constexpr Named<FrontEnd> kNames[] = {{tokens, "tokens"},
                                               {mel_convolution, "mel_convolution"},
                                               {wave_convolution, "wave_convolution"},
                                               {embeddings, "embeddings"}};
  return kNames;
}

std::span<const Named<NormKind>> names(NormKind /*of*/) {
  using enum NormKind;
  static constexpr Named<NormKind> kNames[] = {{layer, "layer"},
                                               {layer_no_bias, "layer_no_bias"},
                                               {rms, "rms"},
                                               {rms_unit_offset, "rms_unit_offset"}};
  return kNames;
}

std::span<const Named<NormPlacement>> names(NormPlacement /*of*/) {
  using enum NormPlacement;
  static constexpr Named<NormPlacement> kNames[] = {{post, "post"}, {pre, "pre"}};
  return kNames;
}

std::span<const Named<EmbeddingNorm>> names(EmbeddingNorm /*of*/) {
  using enum EmbeddingNorm;
  static constexpr Named<EmbeddingNorm> kNames[] = {
      {none, "none"}, {sum, "sum"}, {tokens, "tokens"}};
  return kNames;
}

std::span<const Named<KeyInput>> names(KeyInput /*of*/) {
  using enum KeyInput;
  static constexpr Named<KeyInput> kNames[] = {{normalized, "normalized"}, {raw, "raw"}};
  return kNames;
}

std::span<const Named<Activation>> names(Activation /*of*/) {
  using enum Activation;
  static constexpr Named<Activation> kNames[] = {{none, "none"},
                                                 {relu, "relu"},
                                                 {gelu_erf, "gelu_erf"},
                                                 {gelu_tanh, "gelu_tanh"},
                                                 {gelu_sigmoid, "gelu_sigmoid"},
                                                 {silu, "silu"},
                                                 {tanh, "tanh"}};
  return kNames;
}

}  // namespace tandem
