// CTranslate2 directories through the Engine: what is not a matter of ids and scores (those are
// cases of tests/golden/ctranslate2).
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

Engine load(const std::string& name, ComputeType type = ComputeType::automatic) {
  EngineOptions options;
  options.compute_type = type;
  options.threads = 1;
  return Engine::load(std::string(TANDEM_GOLDEN_DIR) + "/ctranslate2/" + name, options);
}

Request aligned(const std::vector<TokenId>& source, int beams) {
  Request request(source);
  request.generation.num_beams = beams;
  request.return_alignment = true;
  return request;
}

void expect_alignment(const Output& output, const std::vector<std::vector<float>>& rows) {
  ASSERT_FALSE(output.error) << output.error->what();
  const auto& alignment = output.hypotheses.at(0).alignment;
  ASSERT_GE(alignment.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size(); ++j)
      EXPECT_NEAR(alignment[i].at(j), rows[i][j], 1e-5) << i << ", " << j;
}

const std::vector<TokenId> kAtz{31, 10, 19, 13, 5, 7}, kAza{31, 19, 4};

TEST(CTranslate2Engine, TheAlignmentIsThatOfCTranslate2AloneAndInABatch) {
  const Engine engine = load("v2");
  expect_alignment(engine.generate(aligned({31, 10, 19}, 2)), {{0.29441F, 0.64860F, 0.05699F},
                                                               {0.17095F, 0.16643F, 0.66262F},
                                                               {0.00277F, 0.08085F, 0.91638F}});
  for (const int beams : {1, 4}) {
    const Request requests[] = {aligned(kAza, beams), aligned(kAtz, beams)};
    expect_alignment(engine.generate(requests).at(0), {{0.51402F, 0.43020F, 0.05578F},
                                                       {0.35773F, 0.54841F, 0.09386F},
                                                       {0.03133F, 0.82793F, 0.14074F},
                                                       {0.02265F, 0.75855F, 0.21880F}});
  }
}

// CTranslate2 4.8.5 truncates activations of this version of the format where Tandem rounds.
TEST(CTranslate2Engine, Int8WeightsMultiplyInInt8) {
  const Engine engine = load("v2-i8");
  EXPECT_NE(engine.description().find("int8"), std::string::npos);
  const Output atz = engine.generate(Request(kAtz)), aza = engine.generate(Request(kAza));
  EXPECT_EQ(atz.text(), "a t z m o n");
  EXPECT_EQ(aza.text(), "a z z a");
  EXPECT_NEAR(atz.hypotheses[0].score, -0.153750, 4e-3);
  EXPECT_NEAR(aza.hypotheses[0].score, -0.147887, 4e-3);
}

TEST(CTranslate2Engine, AggressiveDecodingIsGreedy) {
  const Engine engine = load("v2");
  Request greedy(kAtz), aggressive(kAtz);
  greedy.strategy = Greedy{};
  aggressive.strategy = Aggressive{};
  const Hypothesis expected = engine.generate(greedy).hypotheses.at(0);
  const Hypothesis found = engine.generate(aggressive).hypotheses.at(0);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.score, expected.score);
}

TEST(CTranslate2Engine, ATextWithoutTokensHasAnEmptyOutputAndNoScoreOfATarget) {
  const Engine engine = load("v2");
  const Output output = engine.generate(Request(""));
  ASSERT_EQ(output.hypotheses.size(), 1U);
  EXPECT_TRUE(output.hypotheses[0].ids.empty());
  EXPECT_EQ(output.hypotheses[0].score, 0);
  const ScoreRequest request{"", "a", "", ""};
  EXPECT_EQ(engine.score(std::span(&request, 1)).at(0).error->code(), ErrorCode::invalid_argument);
}

TEST(CTranslate2Engine, TheDescriptionSaysWhatIsUsed) {
  const std::string description = load("v2").description();
  EXPECT_NE(description.find("CTranslate2"), std::string::npos);
  EXPECT_NE(description.find("vmap.txt"), std::string::npos);
  EXPECT_EQ(load("v1").description().find("vmap.txt"), std::string::npos);
}

Request listed(const std::vector<TokenId>& source) {
  Request request(source);
  request.shortlist = true;
  return request;
}

TEST(CTranslate2Engine, AMapThatIsNotThereIsRefused) {
  const Engine engine = load("v1");
  expect_error([&] { engine.generate(listed(kAtz)); }, ErrorCode::unsupported, "shortlist");
}

TEST(CTranslate2Engine, AMapIsPackedWithItsModel) {
  const TemporaryFolder folder;
  const std::string packed = folder.path() + "/packed";
  ConvertOptions options;
  options.compute_type = ComputeType::float32;
  convert(std::string(TANDEM_GOLDEN_DIR) + "/ctranslate2/v2", packed, options);
  const Hypothesis found = Engine::load(packed).generate(listed(kAtz)).hypotheses.at(0);
  const Hypothesis expected =
      load("v2", ComputeType::float32).generate(listed(kAtz)).hypotheses.at(0);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.score, expected.score);
}

TEST(CTranslate2Engine, CoverageNeedsAnAlignmentWithOneSource) {
  const Engine engine = load("v2");
  Request request(kAtz);
  request.generation.coverage_penalty = 0.5;
  EXPECT_FALSE(engine.generate(request).error);
  Mixture mixture;
  mixture.sources = {kAtz, kAza};
  request.strategy = mixture;
  expect_error([&] { engine.generate(request); }, ErrorCode::unsupported, "coverage_penalty");
}

double coverage_of(const Hypothesis& hypothesis) {
  double sum = 0;
  for (std::size_t j = 0; j < hypothesis.alignment.front().size(); ++j) {
    double attention = 0;
    for (const std::vector<float>& row : hypothesis.alignment)
      attention += static_cast<double>(row[j]);
    sum += std::log(std::min(attention, 1.0));
  }
  return sum;
}

// The penalty is that of the alignment that a request can ask for, whatever the output starts with.
TEST(CTranslate2Engine, CoverageIsOfTheAlignment) {
  const Engine engine = load("v2");
  constexpr TokenId kOtherStart = 3;
  for (const std::optional<TokenId> start :
       {std::optional<TokenId>(), std::optional(kOtherStart)}) {
    Request request = aligned(kAtz, 1);
    request.generation.decoder_start_token_id = start;
    const Hypothesis without = engine.generate(request).hypotheses.at(0);
    request.generation.coverage_penalty = 0.5;
    const Hypothesis with = engine.generate(request).hypotheses.at(0);
    EXPECT_EQ(with.ids, without.ids);
    EXPECT_LT(coverage_of(without), -1e-3);
    EXPECT_NEAR(with.score, without.score + 0.5 * coverage_of(without), 1e-9);
  }
}

TEST(CTranslate2Engine, AlternativesDifferInTheFirstTokenBehindThePrefix) {
  const Engine engine = load("v2", ComputeType::float32);
  for (const int num_beams : {1, 4}) {
    Request request(kAtz);
    request.generation.num_beams = num_beams;
    request.generation.min_new_tokens = 0;
    const Hypothesis plain = engine.generate(request).hypotheses.at(0);
    request.prefix = std::vector<TokenId>{plain.ids.at(0)};
    request.return_alternatives = true;
    request.generation.num_return_sequences = 5;
    const std::vector<Hypothesis> found = engine.generate(request).hypotheses;
    ASSERT_EQ(found.size(), 5U);
    EXPECT_EQ(found.front().ids, plain.ids);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].ids.at(0), plain.ids.at(0));
      for (std::size_t j = 0; j < i; ++j) EXPECT_NE(found[i].ids.at(1), found[j].ids.at(1));
      // The prefix counts in the length alone.
      const double generated = found[i].sum_log_prob - found[i].token_log_probs[0];
      EXPECT_NEAR(found[i].score, generated / static_cast<double>(found[i].ids.size()), 1e-5);
    }
  }
}

// What a request demands is a candidate, whatever the map says: the token 40 is in no line of it.
TEST(CTranslate2Engine, WhatARequestDemandsIsInItsMap) {
  const Engine engine = load("v2");
  constexpr TokenId kUnlisted = 40;
  Request request = listed(kAza);
  request.generation.max_new_tokens = 3;
  const Output output = engine.generate(request);
  for (const TokenId id : output.hypotheses.at(0).ids) EXPECT_NE(id, kUnlisted);
  request.prefix = std::vector<TokenId>{kUnlisted};
  EXPECT_EQ(engine.generate(request).hypotheses.at(0).ids.at(0), kUnlisted);
  request.prefix = std::vector<TokenId>{};
  request.generation.forced_bos_token_id = kUnlisted;
  EXPECT_EQ(engine.generate(request).hypotheses.at(0).ids.at(0), kUnlisted);
}

}  // namespace
}  // namespace tandem
