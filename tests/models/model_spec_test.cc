// The switches: what cannot be computed is refused by name, and everything can be shown.
#include "models/model_spec.h"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace tandem {
namespace {

ModelSpec plain_spec() {
  ModelSpec spec;
  spec.origin = "some/model";
  spec.model_dim = 16;
  spec.head_dim = 4;
  for (StackSpec* stack : {&spec.encoder, &spec.decoder}) {
    stack->layers = 2;
    stack->heads = 4;
  }
  return spec;
}

TEST(ModelSpec, EverySwitchThatTheForwardPassCannotComputeIsRefusedByName) {
  EXPECT_NO_THROW(check_implemented(plain_spec()));
  const std::vector<std::pair<const char*, std::function<void(ModelSpec&)>>> changes{
      {"norm = rms_unit_offset", [](ModelSpec& s) { s.norm = NormKind::rms_unit_offset; }},
      {"norm_on_both_sides", [](ModelSpec& s) { s.norm_on_both_sides = true; }},
      {"front_end = wave_convolution",
       [](ModelSpec& s) { s.front_end = FrontEnd::wave_convolution; }},
      {"attention_scale = constant",
       [](ModelSpec& s) { s.attention_scale = AttentionScale::constant; }},
      {"key_value_heads = 2", [](ModelSpec& s) { s.key_value_heads = 2; }},
      {"cross_key_value_dim = 8", [](ModelSpec& s) { s.cross_key_value_dim = 8; }},
      {"query_key_norm", [](ModelSpec& s) { s.query_key_norm = true; }},
      {"score_soft_cap = 50", [](ModelSpec& s) { s.score_soft_cap = 50; }},
      {"rotary = half_split", [](ModelSpec& s) { s.rotary = Rotary::half_split; }},
      {"decoder_mixer = merged", [](ModelSpec& s) { s.decoder_mixer = DecoderMixer::merged; }},
      {"feed_forward_depth = 1", [](ModelSpec& s) { s.feed_forward_depth = 1; }},
      {"logits_soft_cap = 30", [](ModelSpec& s) { s.logits_soft_cap = 30; }},
      {"attention_window = 512", [](ModelSpec& s) { s.encoder.attention_window = 512; }}};
  for (const auto& [named, change] : changes) {
    ModelSpec spec = plain_spec();
    change(spec);
    expect_error([&] { check_implemented(spec); }, ErrorCode::unsupported, named);
  }
}

TEST(ModelSpec, SizesThatContradictEachOtherAreCorrupt) {
  ModelSpec heads = plain_spec();
  heads.decoder.heads = 3;
  expect_error([&] { check_implemented(heads); }, ErrorCode::corrupt, "3 attention heads");
  heads.independent_head_dim = true;
  EXPECT_NO_THROW(check_implemented(heads));
  ModelSpec buckets = plain_spec();
  buckets.relative_bias = RelativeBias::each_layer;
  buckets.relative_buckets = 32;
  buckets.relative_max_distance = 16;
  expect_error([&] { check_implemented(buckets); }, ErrorCode::corrupt, "32 and 16");
  ModelSpec odd = plain_spec();
  odd.model_dim = odd.head_dim = 3;
  odd.encoder.heads = odd.decoder.heads = 1;
  odd.encoder.positions = PositionKind::sinusoid_tensor2tensor;
  expect_error([&] { check_implemented(odd); }, ErrorCode::corrupt, "even width");
  ModelSpec alignment = plain_spec();
  alignment.guided_alignment_layer = 2;
  expect_error([&] { check_implemented(alignment); }, ErrorCode::corrupt, "alignment layer 3");
}

TEST(ModelSpec, EverySwitchIsShownOnceWithTheKeyThatItCameFrom) {
  ModelSpec spec = plain_spec();
  spec.activation = Activation::silu;
  spec.sources["activation"] = "config.json: activation_function";
  std::set<std::string> names;
  for (const SwitchLine& line : describe(spec)) {
    EXPECT_TRUE(names.insert(line.name).second) << line.name;
    EXPECT_NE(line.value, "?") << line.name;
    EXPECT_EQ(line.source,
              line.name == "activation" ? "config.json: activation_function" : "the family's rule");
    if (line.name == "activation") {
      EXPECT_EQ(line.value, "silu");
    }
  }
  EXPECT_GE(names.size(), 55U) << "about 30 switches, two stacks, sizes and tokens";
}

}  // namespace
}  // namespace tandem
