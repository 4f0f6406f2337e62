// Laws of the whole forward pass: batches, steps and threads do not change a bit; inputs that the
// model cannot take are refused.
#include "models/encoder_decoder.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/load_model.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/forced_scores.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {
namespace {

enum class ModelKind { hugging_face, t5, umt5, native_ssru };

std::shared_ptr<const EncoderDecoder> load(ModelKind kind, ComputeType type, Backend& backend) {
  if (kind != ModelKind::native_ssru) {
    const char* name = kind == ModelKind::t5 ? "t5_v1_1" : "umt5";
    if (kind == ModelKind::hugging_face) name = "marian";
    return load_model(std::string(TANDEM_GOLDEN_DIR) + "/hf/" + name, Limits{}, type, backend)
        .network;
  }
  MarianShape shape;
  shape.ssru = true;
  const TemporaryFolder folder;
  folder.write("model.bin", MarianOracle(shape, 5).binary());
  return load_model(folder.path(), Limits{}, type, backend).network;
}

struct Numbers {
  const char* name;
  ModelKind kind;
  ComputeType type;
};
void PrintTo(const Numbers& numbers, std::ostream* out) {
  *out << numbers.name;
}

class ForwardPass : public testing::TestWithParam<Numbers> {
 protected:
  ForwardPass()
      : backend_(make_cpu_backend(1)),
        network_(load(GetParam().kind, GetParam().type, *backend_)) {}

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const EncoderDecoder> network_;
  ModelWorkspace workspace_;
};

const std::vector<std::vector<TokenId>> kSources{
    {5, 17, 3, 39, 8, 0},
    {0},
    {11, 0},
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0}};

// The bytes, of whatever type they are stored in.
std::vector<std::byte> keys_values_of(const EncodedSource& source) {
  std::vector<std::byte> all;
  for (const ConstMatrixView& layer : source.keys_values)
    for (std::int64_t r = 0; r < layer.rows(); ++r) {
      const auto* row = static_cast<const std::byte*>(layer.slice_rows(r, 1).raw());
      const auto width = static_cast<std::size_t>(layer.cols()) * size_of(layer.dtype());
      all.insert(all.end(), row, row + width);
    }
  return all;
}

TEST_P(ForwardPass, ASentenceAloneIsTheSentenceInABatchAtAnyThreadCount) {
  const std::vector<std::span<const TokenId>> all(kSources.begin(), kSources.end());
  const auto batch = network_->encode(*backend_, all, workspace_);
  const auto two_threads = make_cpu_backend(2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto alone = network_->encode(*backend_, std::span(&all[i], 1), workspace_);
    EXPECT_EQ(keys_values_of(*alone[0]), keys_values_of(*batch[i])) << "sentence " << i;
    EXPECT_EQ(alone[0]->ids, kSources[i]);
    const auto threaded = network_->encode(*two_threads, std::span(&all[i], 1), workspace_);
    EXPECT_EQ(keys_values_of(*threaded[0]), keys_values_of(*batch[i])) << "sentence " << i;
  }
}

// More tokens than go through a sub-layer together.
TEST_P(ForwardPass, ASentenceAloneIsTheSentenceInABatchOfManyTokens) {
  std::vector<std::span<const TokenId>> many;
  for (int i = 0; i < 20; ++i) many.insert(many.end(), kSources.begin(), kSources.end());
  const auto batch = network_->encode(*backend_, many, workspace_);
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    const auto alone = network_->encode(*backend_, std::span(&many[i], 1), workspace_);
    for (std::size_t copy = i; copy < many.size(); copy += kSources.size())
      EXPECT_EQ(keys_values_of(*alone[0]), keys_values_of(*batch[copy])) << "sentence " << copy;
  }
}

TEST_P(ForwardPass, TokenByTokenIsAllAtOnceInAnyCompany) {
  const std::vector<std::vector<TokenId>> targets{
      {7, 2, 2, 31, 12, 0}, {3}, {9, 9, 9, 9}, {30, 1, 0}};
  std::vector<std::vector<std::vector<float>>> expected;
  for (std::size_t s = 0; s < targets.size(); ++s)
    expected.push_back(forced_logits(*network_, *backend_, kSources[s], targets[s]));

  const std::vector<std::span<const TokenId>> all(kSources.begin(), kSources.end());
  const auto encoded = network_->encode(*backend_, all, workspace_);
  DecoderState state = network_->new_state(*backend_);
  std::vector<RowTables> tables(targets.size());
  for (std::size_t t = 0; t < 6; ++t) {
    std::vector<DecoderRow> rows;
    std::vector<TokenId> fed(targets.size());
    std::vector<std::size_t> sentences;
    state.reserve(static_cast<std::int64_t>(targets.size()));
    for (std::size_t s = 0; s < targets.size(); ++s) {
      if (t >= targets[s].size()) continue;
      const RowChange change{t == 0 ? -1 : 0, static_cast<int>(t), 1};
      tables[s].advance(state.pool(), std::span(&change, 1));
      fed[s] = t == 0 ? network_->spec().decoder_start_token : targets[s][t - 1];
      rows.push_back({encoded[s].get(), std::span(&fed[s], 1), tables[s].slots(0)});
      sentences.push_back(s);
    }
    const ConstMatrixView hidden = network_->decode(*backend_, rows, state, workspace_);
    std::vector<std::int32_t> numbers(rows.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    const MatrixView logits =
        network_->project(*backend_, hidden, numbers, network_->output(), workspace_);
    for (std::size_t r = 0; r < sentences.size(); ++r) {
      const float* row = logits.row<float>(static_cast<std::int64_t>(r));
      EXPECT_EQ(std::vector<float>(row, row + logits.cols()), expected[sentences[r]][t])
          << "sentence " << sentences[r] << ", position " << t;
    }
  }
}

TEST_P(ForwardPass, ProjectingSomeRowsGivesThoseRows) {
  const std::vector<TokenId> target{7, 2, 2, 31};
  const auto all = forced_logits(*network_, *backend_, kSources[0], target);
  const std::span<const TokenId> sources[] = {kSources[0]};
  const auto encoded = network_->encode(*backend_, sources, workspace_);
  const std::vector<TokenId> fed{network_->spec().decoder_start_token, 7, 2, 2};
  DecoderState state = network_->new_state(*backend_);
  state.reserve(4);
  RowTables tables;
  const RowChange change{-1, 0, 4};
  tables.advance(state.pool(), std::span(&change, 1));
  const DecoderRow row{encoded[0].get(), fed, tables.slots(0)};
  const ConstMatrixView hidden = network_->decode(*backend_, std::span(&row, 1), state, workspace_);
  const std::vector<std::int32_t> asked{3, 1};
  const MatrixView logits =
      network_->project(*backend_, hidden, asked, network_->output(), workspace_);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const float* found = logits.row<float>(static_cast<std::int64_t>(i));
    EXPECT_EQ(std::vector<float>(found, found + logits.cols()),
              all[static_cast<std::size_t>(asked[i])]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, ForwardPass,
    testing::Values(Numbers{"hugging_face_float32", ModelKind::hugging_face, ComputeType::float32},
                    Numbers{"hugging_face_int8", ModelKind::hugging_face, ComputeType::int8},
                    Numbers{"t5_float32", ModelKind::t5, ComputeType::float32},
                    Numbers{"t5_int8", ModelKind::t5, ComputeType::int8},
                    Numbers{"umt5_float32", ModelKind::umt5, ComputeType::float32},
                    Numbers{"native_ssru_float32", ModelKind::native_ssru, ComputeType::float32},
                    Numbers{"native_ssru_int8", ModelKind::native_ssru, ComputeType::int8}),
    [](const auto& numbers) { return std::string(numbers.param.name); });

TEST(ForwardPassRefusal, SourcesThatTheModelCannotTakeAreInvalidArguments) {
  const auto backend = make_reference_backend();
  const auto network = load(ModelKind::hugging_face, ComputeType::float32, *backend);
  EXPECT_EQ(network->max_source_positions(), 64);
  const auto check = [&](std::vector<TokenId> ids) { network->check_source(ids); };
  EXPECT_NO_THROW(check(std::vector<TokenId>(64, 3)));
  expect_error([&] { check(std::vector<TokenId>(65, 3)); }, ErrorCode::invalid_argument,
               "65 tokens");
  expect_error([&] { check(std::vector<TokenId>(65, 3)); }, ErrorCode::invalid_argument,
               "positions for 64");
  expect_error([&] { check({}); }, ErrorCode::invalid_argument, "no tokens");
  expect_error([&] { check({4, 120}); }, ErrorCode::invalid_argument, "120");
  expect_error([&] { check({-1}); }, ErrorCode::invalid_argument, "-1");
}

TEST(ForwardPassRefusal, TargetsBeyondThePositionsOrTheVocabularyAreInvalidArguments) {
  const auto backend = make_reference_backend();
  const auto network = load(ModelKind::hugging_face, ComputeType::float32, *backend);
  const std::vector<TokenId> source{5, 0};
  EXPECT_NO_THROW(forced_logits(*network, *backend, source, std::vector<TokenId>(64, 3)));
  expect_error([&] { forced_logits(*network, *backend, source, std::vector<TokenId>(65, 3)); },
               ErrorCode::invalid_argument, "positions for 64");
  expect_error(
      [&] {
        forced_logits(*network, *backend, source, std::vector<TokenId>{120, 0});
      },
      ErrorCode::invalid_argument, "120");
  expect_error(
      [&] {
        forced_logits(*network, *backend, source, std::vector<TokenId>{-2, 0});
      },
      ErrorCode::invalid_argument, "-2");
}

}  // namespace
}  // namespace tandem
