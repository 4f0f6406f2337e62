// Hugging Face's families against transformers' own numbers: every hidden state of one input, and
// the log-probabilities of given targets.
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/encoder_decoder.h"
#include "models/load_model.h"
#include "models/readers/npz.h"
#include "support/device_backends.h"
#include "support/forced_scores.h"
#include "support/host_rows.h"

namespace tandem {
namespace {

constexpr double kTolerance = 1e-4;

using Case = std::tuple<std::string, BackendChoice>;

class HuggingFaceGolden : public testing::TestWithParam<Case> {
 protected:
  const std::string directory_ =
      std::string(TANDEM_GOLDEN_DIR) + "/hf/" + std::get<std::string>(GetParam());
  std::unique_ptr<Backend> backend_ = std::get<BackendChoice>(GetParam()).make();
  LoadedModel model_ = load_model(directory_, Limits{}, ComputeType::float32, *backend_);
  ModelWorkspace workspace_;
};

std::map<std::string, Tensor> recorded(const std::string& directory) {
  std::map<std::string, Tensor> arrays;
  for (NpzArray& array : read_npz(directory + "/debug.npz", Limits{}))
    arrays[array.name] = array.tensor;
  return arrays;
}

std::vector<TokenId> ids_of(const Tensor& tensor) {
  const auto values = tensor.data<std::int64_t>();
  return {values.begin(), values.end()};
}

// The source of a recorded pass: token ids, or the features of a model that reads them.
class RecordedSource {
 public:
  explicit RecordedSource(const std::map<std::string, Tensor>& arrays) {
    if (arrays.at("input_ids").shape().elements() > 0) {
      ids_ = ids_of(arrays.at("input_ids"));
      return;
    }
    const Tensor& features = arrays.at("input_features");  // [channels, frames]
    const auto values = features.data<float>();
    features_ = {features.shape()[0], features.shape()[1], {values.begin(), values.end()}};
  }
  RecordedSource(const std::string& directory, const nlohmann::json& request) {
    if (request.contains("input_ids"))
      ids_ = request["input_ids"].get<std::vector<TokenId>>();
    else
      features_ =
          Features::read_npy(directory + "/" + request["input_features"].get<std::string>());
  }

  EncoderInput input() const { return {ids_, features_.empty() ? nullptr : &features_}; }

 private:
  std::vector<TokenId> ids_;
  Features features_;
};

using Rows = std::vector<std::vector<float>>;

void expect_near(const Rows& found, const Tensor& expected, const std::string& what) {
  const auto values = expected.data<float>();
  const std::size_t columns = found.at(0).size();
  ASSERT_EQ(found.size() * columns, values.size()) << what;
  for (std::size_t r = 0; r < found.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c)
      ASSERT_NEAR(found[r][c], values[r * columns + c], kTolerance)
          << what << " at row " << r << ", column " << c;
}

TEST_P(HuggingFaceGolden, EveryHiddenStateAndTheLogitsAreThoseOfTransformers) {
  const auto arrays = recorded(directory_);
  std::map<std::string, int> seen;
  const ModelSpec& spec = model_.network->spec();
  workspace_.layers.probe = [&](std::string_view stage, int layer, ConstMatrixView value) {
    // transformers records the last layer's output after the stack's final norm.
    const bool is_encoder = stage.starts_with("encoder");
    const int layers = is_encoder ? spec.encoder.layers : spec.decoder.layers;
    if (stage !=
        (is_encoder ? "encoder" : "decoder") + std::string(layer == layers ? ".output" : ""))
      return;
    const std::string name = (is_encoder ? "enc" : "dec") + std::to_string(layer);
    expect_near(host_rows(*backend_, value), arrays.at(name), name);
    ++seen[name];
  };
  const RecordedSource source(arrays);
  const std::vector<TokenId> target = ids_of(arrays.at("decoder_input_ids"));
  const EncoderInput sources[] = {source.input()};
  const auto encoded = model_.network->encode(*backend_, sources, workspace_);
  DecoderState state = model_.network->new_state(*backend_);
  state.reserve(static_cast<std::int64_t>(target.size()));
  RowTables tables;
  const RowChange change{-1, 0, static_cast<int>(target.size())};
  tables.advance(state.pool(), std::span(&change, 1));
  const DecoderRow row{encoded[0].get(), target, tables.slots(0)};
  const ConstMatrixView hidden =
      model_.network->decode(*backend_, std::span(&row, 1), state, workspace_);
  const std::vector<std::int32_t> rows{0, 1, 2};
  const MatrixView logits =
      model_.network->project(*backend_, hidden, rows, model_.network->output(), workspace_);
  expect_near(host_rows(*backend_, logits), arrays.at("logits"), "logits");
  const int layers = spec.encoder.layers + spec.decoder.layers;
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(2 + layers))
      << "embeddings and every layer of both sides";
}

TEST_P(HuggingFaceGolden, GivenTargetsHaveTheLogProbabilitiesOfTransformers) {
  std::ifstream file(directory_ + "/score_cases.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto json = nlohmann::json::parse(line);
    const RecordedSource source(directory_, json["request"]);
    const auto target = json["request"]["target_ids"].get<std::vector<TokenId>>();
    const auto expected = json["expected"]["token_log_probs"].get<std::vector<double>>();
    const std::vector<double> found =
        forced_log_probs(*model_.network, *backend_, source.input(), target);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], expected[i], kTolerance * std::max(1.0, std::abs(expected[i])))
          << json["id"] << ", token " << i;
  }
  EXPECT_GT(cases, 0);
}

struct Numbers {
  ComputeType type;
  double tolerance;  // of a logit; they reach 20 here
};

class FastNumerics : public testing::TestWithParam<std::tuple<std::string, Numbers>> {};

// Eight copies of the recorded pass are rows enough for the products of the library, in the encoder
// and in the decoder.
TEST_P(FastNumerics, LogitsOfManyRowsStayCloseToTransformers) {
  constexpr int kCopies = 8;
  const auto& [family, numbers] = GetParam();
  const std::string directory = std::string(TANDEM_GOLDEN_DIR) + "/hf/" + family;
  const auto arrays = recorded(directory);
  const auto backend = cuda::open_on_host(Numerics::fast);
  const LoadedModel model = load_model(directory, Limits{}, numbers.type, *backend);
  ModelWorkspace workspace;
  const RecordedSource source(arrays);
  const std::vector<TokenId> target = ids_of(arrays.at("decoder_input_ids"));
  const auto width = static_cast<int>(target.size());
  const std::vector<EncoderInput> sources(kCopies, source.input());
  const auto encoded = model.network->encode(*backend, sources, workspace);
  DecoderState state = model.network->new_state(*backend);
  state.reserve(kCopies * width);
  RowTables tables;
  tables.advance(state.pool(), std::vector<RowChange>(kCopies, RowChange{-1, 0, width}));
  std::vector<DecoderRow> rows;
  std::vector<std::int32_t> asked;
  for (int copy = 0; copy < kCopies; ++copy) {
    rows.push_back({encoded[static_cast<std::size_t>(copy)].get(), target, tables.slots(copy)});
    for (int i = 0; i < width; ++i) asked.push_back(copy * width + i);
  }
  const ConstMatrixView hidden = model.network->decode(*backend, rows, state, workspace);
  const Rows logits = host_rows(
      *backend,
      model.network->project(*backend, hidden, asked, model.network->output(), workspace));
  const auto expected = arrays.at("logits").data<float>();
  const std::size_t columns = logits.at(0).size();
  ASSERT_EQ(columns * target.size(), expected.size());
  for (std::size_t r = 0; r < logits.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c)
      ASSERT_NEAR(logits[r][c], expected[r % target.size() * columns + c], numbers.tolerance)
          << "row " << r << ", column " << c;
}

std::vector<std::string> families() {
  return {"marian",  "bart",       "bart_forced_bos",  "mbart",   "m2m100",  "nllb",
          "pegasus", "blenderbot", "blenderbot_small", "t5_v1_0", "t5_v1_1", "mt5",
          "byt5",    "umt5",       "whisper"};
}

std::string case_name(const testing::TestParamInfo<Case>& choice) {
  return std::get<std::string>(choice.param) + "_" + std::get<BackendChoice>(choice.param).name;
}

INSTANTIATE_TEST_SUITE_P(Families, HuggingFaceGolden,
                         testing::Combine(testing::ValuesIn(families()),
                                          testing::ValuesIn(all_backends())),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Families, FastNumerics,
                         testing::Combine(testing::ValuesIn(families()),
                                          testing::Values(Numbers{ComputeType::float32, kTolerance},
                                                          Numbers{ComputeType::bfloat16, 1e-1},
                                                          Numbers{ComputeType::float16, 1e-2})),
                         [](const auto& choice) {
                           return std::get<std::string>(choice.param) + "_" +
                                  std::string(to_string(std::get<Numbers>(choice.param).type));
                         });
INSTANTIATE_TEST_SUITE_P(FamiliesOnDevices, HuggingFaceGolden,
                         testing::Combine(testing::ValuesIn(families()),
                                          testing::ValuesIn(device_backends())),
                         case_name);

}  // namespace
}  // namespace tandem
