// The two public Bergamot students (English to Portuguese and back) against the numbers of an
// independent implementation: layer by layer, and log-probabilities of given targets in float32 and
// in int8. The models are not part of the project; support/bergamot.h says where they are looked
// for.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kernels/cpu/backend.h"
#include "models/load_model.h"
#include "support/backends.h"
#include "support/bergamot.h"
#include "support/forced_scores.h"

namespace tandem {
namespace {

struct Direction {
  const char* cases;
  const char* folder;
};

class Bergamot : public testing::TestWithParam<Direction> {
 protected:
  void SetUp() override {
    directory_ = bergamot_model(GetParam().folder);
    if (directory_.empty()) GTEST_SKIP() << kNoBergamot;
    backend_ = make_cpu_backend(2);
    std::ifstream file(std::string(TANDEM_GOLDEN_DIR) + "/bergamot/" + GetParam().cases);
    for (std::string line; std::getline(file, line);) cases_.push_back(nlohmann::json::parse(line));
    ASSERT_FALSE(cases_.empty());
  }

  std::string directory_;
  std::unique_ptr<Backend> backend_;
  std::vector<nlohmann::json> cases_;
};

std::vector<float> first_row(ConstMatrixView value) {
  return {value.row<float>(0), value.row<float>(0) + value.cols()};
}

// Of a long row only the first numbers are recorded.
void expect_near(const std::vector<float>& found, const std::vector<double>& expected,
                 const std::string& what) {
  ASSERT_GE(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-4) << what << "[" << i << "]";
}

TEST_P(Bergamot, EveryLayerOfTheFloatModelGivesTheProbedNumbers) {
  const LoadedModel model = load_model(directory_, Limits{}, ComputeType::float32, *backend_);
  EXPECT_EQ(model.tensors.size(), 195U);
  int probed = 0;
  for (const auto& line : cases_) {
    if (!line.contains("probe")) continue;
    const auto& probe = line["probe"];
    const auto source = line["input_ids"].get<std::vector<TokenId>>();
    ModelWorkspace workspace;
    std::map<std::string, std::vector<float>> seen;
    workspace.layers.probe = [&](std::string_view stage, int layer, ConstMatrixView value) {
      seen[std::string(stage) + "/" + std::to_string(layer)] = first_row(value);
    };
    const std::span<const TokenId> sources[] = {source};
    const auto encoded = model.network->encode(*backend_, sources, workspace);
    DecoderState state = model.network->new_state(*backend_);
    state.reserve(1);
    RowTables tables;
    const RowChange change{-1, 0, 1};
    tables.advance(state.pool(), std::span(&change, 1));
    const std::vector<TokenId> start{-1};
    const DecoderRow row{encoded[0].get(), start, tables.slots(0)};
    std::vector<float> alignment(source.size());
    float* const alignment_row = alignment.data();
    const ConstMatrixView hidden =
        model.network->decode(*backend_, std::span(&row, 1), state, workspace, &alignment_row);
    const auto compare = [&](const char* name, const std::string& stage) {
      expect_near(seen.at(stage), probe[name].get<std::vector<double>>(),
                  line["id"].get<std::string>() + " " + name);
    };
    compare("encoder_input", "encoder/0");
    compare("encoder_l1_self_head0_row0", "encoder.self.weights/1");
    compare("encoder_l1_after_self", "encoder.self/1");
    for (int l = 1; l <= 6; ++l)
      compare(("encoder_l" + std::to_string(l)).c_str(), "encoder/" + std::to_string(l));
    compare("decoder_input_step0", "decoder/0");
    compare("decoder_l1_after_rnn_step0", "decoder.self/1");
    const ConstMatrixView cell = state.layer(0).slice_rows(tables.slots(0)[0], 1);
    expect_near(first_row(cell), probe["decoder_l1_cell_step0"].get<std::vector<double>>(), "cell");
    expect_near(alignment, probe["alignment_step0"].get<std::vector<double>>(), "alignment");
    const std::vector<std::int32_t> rows{0};
    const MatrixView logits =
        model.network->project(*backend_, hidden, rows, model.network->output(), workspace);
    std::vector<float> top;
    for (const auto& id : probe["logits_step0_top8"]["ids"])
      top.push_back(logits.row<float>(0)[id.get<int>()]);
    expect_near(top, probe["logits_step0_top8"]["values"].get<std::vector<double>>(), "logits");
    ++probed;
  }
  EXPECT_EQ(probed, 3);
}

// The weights of the first head for each generated token, one row a token.
std::vector<std::vector<float>> align(const EncoderDecoder& network, Backend& backend,
                                      const std::vector<TokenId>& source,
                                      const std::vector<TokenId>& target) {
  ModelWorkspace workspace;
  const std::span<const TokenId> sources[] = {source};
  const auto encoded = network.encode(backend, sources, workspace);
  std::vector<TokenId> fed{-1};
  fed.insert(fed.end(), target.begin(), target.end() - 1);
  DecoderState state = network.new_state(backend);
  state.reserve(static_cast<std::int64_t>(fed.size()));
  RowTables tables;
  const RowChange change{-1, 0, static_cast<int>(fed.size())};
  tables.advance(state.pool(), std::span(&change, 1));
  std::vector<std::vector<float>> weights(fed.size(), std::vector<float>(source.size()));
  std::vector<float*> rows;
  for (auto& row : weights) rows.push_back(row.data());
  const DecoderRow row{encoded[0].get(), fed, tables.slots(0)};
  network.decode(backend, std::span(&row, 1), state, workspace, rows.data());
  return weights;
}

TEST_P(Bergamot, EveryTokenIsAlignedWithTheRecordedSourcePosition) {
  const LoadedModel model = load_model(directory_, Limits{}, ComputeType::float32, *backend_);
  int whole = 0;
  for (const auto& line : cases_) {
    const auto best = line["greedy"]["alignment_best"].get<std::vector<std::size_t>>();
    const auto weights =
        align(*model.network, *backend_, line["input_ids"].get<std::vector<TokenId>>(),
              line["greedy"]["ids"].get<std::vector<TokenId>>());
    ASSERT_EQ(weights.size(), best.size());
    for (std::size_t i = 0; i < best.size(); ++i) {
      const float largest = *std::max_element(weights[i].begin(), weights[i].end());
      EXPECT_NEAR(weights[i][best[i]], largest, 1e-5) << line["id"] << ", token " << i;
    }
    if (!line.contains("alignment")) continue;
    for (std::size_t i = 0; i < best.size(); ++i)
      expect_near(weights[i], line["alignment"][i].get<std::vector<double>>(), "alignment");
    ++whole;
  }
  EXPECT_EQ(whole, 3);
}

TEST_P(Bergamot, FloatLogProbabilitiesOfTheGreedyOutputsAreExact) {
  const LoadedModel model = load_model(directory_, Limits{}, ComputeType::float32, *backend_);
  double largest = 0;
  for (const auto& line : cases_) {
    const auto expected = line["greedy"]["token_log_probs"].get<std::vector<double>>();
    const auto found =
        forced_log_probs(*model.network, *backend_, line["input_ids"].get<std::vector<TokenId>>(),
                         line["greedy"]["ids"].get<std::vector<TokenId>>());
    for (std::size_t i = 0; i < found.size(); ++i)
      largest = std::max(largest, std::abs(found[i] - expected[i]));
  }
  RecordProperty("largest_difference", std::to_string(largest));
  EXPECT_LT(largest, 1e-4);
}

// int8 numbers are noisy by nature: a rounding step moves with the last bit of a float, and a few
// such steps in one layer move many in the next. The definition transcribed to NumPy meets the
// recorded numbers at a 99th percentile of 0.03; with a relative error of 1.2e-7, one rounding of a
// float32, added to every product and norm, at 0.07 to 0.13 from Portuguese to English, depending
// on the draw (docs/numerics.md). So the factors of sums and the norms are rounded here as there.
// Multipliers taken from each row in place of the stored ones would give a mean of 0.02 and a
// percentile of 0.3.
TEST_P(Bergamot, Int8LogProbabilitiesStayWithinTheNoiseOfRounding) {
  for (const cpu::Isa isa : {std::min(cpu::Isa::avx2, cpu::widest_isa()), cpu::widest_isa()}) {
    SCOPED_TRACE(cpu::to_string(isa));
    const auto backend = cpu::make_cpu_backend({.device = Device::cpu(), .threads = 2}, isa);
    const LoadedModel model = load_model(directory_, Limits{}, ComputeType::automatic, *backend);
    EXPECT_EQ(model.network->compute_type(), ComputeType::int8);
    std::vector<double> differences;
    for (const auto& line : cases_) {
      const auto expected = line["int8_forced_log_probs"].get<std::vector<double>>();
      const auto found =
          forced_log_probs(*model.network, *backend, line["input_ids"].get<std::vector<TokenId>>(),
                           line["greedy"]["ids"].get<std::vector<TokenId>>());
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i)
        differences.push_back(std::abs(found[i] - expected[i]));
    }
    std::sort(differences.begin(), differences.end());
    const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) /
                        static_cast<double>(differences.size());
    const double percentile_99 = differences[differences.size() * 99 / 100];
    const std::string name(cpu::to_string(isa));
    RecordProperty(name + "_mean", std::to_string(mean));
    RecordProperty(name + "_percentile_99", std::to_string(percentile_99));
    EXPECT_LT(mean, 0.005);
    EXPECT_LT(percentile_99, 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(Directions, Bergamot,
                         testing::Values(Direction{"cases-enpt.jsonl", "enpt-1693087644"},
                                         Direction{"cases-pten.jsonl", "pten-1693087646"}),
                         [](const auto& direction) {
                           return std::string(direction.param.folder).substr(0, 4);
                         });

}  // namespace
}  // namespace tandem
