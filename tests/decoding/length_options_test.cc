// Lengths: which of several limits holds, what each counts, and what is refused.
#include "decoding/length_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/option_setting.h"

namespace tandem::testing {
namespace {

TEST(LengthOptions, ContrastiveSearchKeepsAPositionForTheLastToken) {
  Setting setting;
  setting.context.max_target_positions = 10;
  EXPECT_EQ(setting.resolve().max_new_tokens, 10);
  setting.request.strategy = Contrastive{};
  EXPECT_EQ(setting.resolve().max_new_tokens, 9);
}

TEST(LengthOptions, ALengthOfTheRequestWinsOverOneOfTheModel) {
  Setting setting;
  EXPECT_EQ(setting.resolve().max_new_tokens, setting.limits.max_target_tokens);
  setting.context.max_target_positions = 512;
  EXPECT_EQ(setting.resolve().max_new_tokens, 512);
  setting.defaults.max_length = 200;
  EXPECT_EQ(setting.resolve().max_new_tokens, 199);
  setting.defaults.max_new_tokens = 50;
  EXPECT_EQ(setting.resolve().max_new_tokens, 50);
  setting.keys().max_length = 10;
  EXPECT_EQ(setting.resolve().max_new_tokens, 9);
  setting.prefix = {7, 8};
  EXPECT_EQ(setting.resolve().max_new_tokens, 7);
  setting.keys().max_new_tokens = 3;
  EXPECT_EQ(setting.resolve().max_new_tokens, 3);
}

TEST(LengthOptions, MinimumLengthsCountWhatTheirKeysCount) {
  Setting setting;
  setting.keys().max_new_tokens = 20;
  setting.defaults.min_length = 8;
  EXPECT_EQ(setting.resolve().min_new_tokens, 7);
  setting.prefix = {7, 8};
  EXPECT_EQ(setting.resolve().min_new_tokens, 5);
  setting.keys().min_length = 2;
  EXPECT_EQ(setting.resolve().min_new_tokens, 0);
  setting.keys().min_new_tokens = 4;
  EXPECT_EQ(setting.resolve().min_new_tokens, 4);
}

TEST(LengthOptions, MarianLimitsTheLengthByTheSourceAndBansTheUnknownToken) {
  Setting setting;
  setting.request.profile = Profile::marian;
  setting.context.unk_token = 1;
  SearchOptions options = setting.resolve();
  EXPECT_EQ(options.max_new_tokens, 12);  // 3 x 4
  EXPECT_THAT(options.suppress_tokens, ::testing::ElementsAre(1));
  setting.request.max_length_factor = 1.1;
  setting.context.allow_unk = true;
  options = setting.resolve();
  EXPECT_EQ(options.max_new_tokens, 5);  // the first step t with t >= 4.4
  EXPECT_TRUE(options.suppress_tokens.empty());
  setting.request.max_length_factor = 0.01;
  EXPECT_EQ(setting.resolve().max_new_tokens, 1);
  setting.request.max_length_factor.reset();
  setting.keys().max_new_tokens = 40;
  EXPECT_EQ(setting.resolve().max_new_tokens, 40);
}

TEST(LengthOptions, RefuseNamingTheKeyAndTheRange) {
  expect_refused({
      out_of_range(
          "no_new_tokens", [](Setting& s) { s.keys().max_new_tokens = 0; }, "max_new_tokens is 0",
          "at least 1"),
      out_of_range(
          "prefix_longer_than_max_length",
          [](Setting& s) {
            s.keys().max_length = 3;
            s.prefix = {5, 6};
          },
          "max_length is 3", "more than the 3 tokens"),
      out_of_range(
          "least_above_most",
          [](Setting& s) {
            s.keys().max_new_tokens = 3;
            s.keys().min_new_tokens = 4;
          },
          "min_new_tokens is 4", "3 generated tokens"),
      out_of_range(
          "negative_min_length", [](Setting& s) { s.keys().min_length = -1; }, "min_length is -1",
          "at least 0"),
      out_of_range(
          "negative_decay",
          [](Setting& s) {
            s.keys().exponential_decay_length_penalty = {3, -1.0};
          },
          "exponential_decay_length_penalty", "above 0"),
      out_of_range(
          "zero_length_factor",
          [](Setting& s) {
            s.request.profile = Profile::marian;
            s.request.max_length_factor = 0;
          },
          "max_length_factor", "above 0"),
      {"too_many_tokens", [](Setting& s) { s.keys().max_new_tokens = 5000; },
       ErrorCode::resource_exhausted, "5000", "max_target_tokens"},
      {"prefix_fills_the_positions",
       [](Setting& s) {
         s.context.max_target_positions = 2;
         s.prefix = {5, 6};
       },
       ErrorCode::resource_exhausted, "prefix has 2", "may have 2"},
  });
}

}  // namespace
}  // namespace tandem::testing
