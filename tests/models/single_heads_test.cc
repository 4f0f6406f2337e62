// Single heads against a transcription of the forward pass: the weights of any head of any layer,
// and masked heads against models whose matrices were changed by hand.
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "models/encoder_decoder.h"
#include "models/load_model.h"
#include "support/backends.h"
#include "support/expect_error.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {
namespace {

const std::vector<TokenId> kSource{5, 17, 3, 29, 0}, kTarget{7, 2, 31, 0};

class SingleHeads : public testing::TestWithParam<BackendChoice> {
 protected:
  std::shared_ptr<const EncoderDecoder> load(const MarianOracle& oracle) {
    const TemporaryFolder folder;
    folder.write("model.bin", oracle.binary());
    return load_model(folder.path(), Limits{}, ComputeType::float32, *backend_).network;
  }

  // Logits of the target, all rows.
  std::vector<float> logits(const EncoderDecoder& network, std::vector<MaskedHead> masked,
                            const ObservedAttention& observed = {}) {
    ModelWorkspace workspace;
    workspace.masked_heads = std::move(masked);
    const std::span<const TokenId> sources[] = {kSource};
    const auto encoded = network.encode(*backend_, sources, workspace);
    std::vector<TokenId> fed{-1};
    fed.insert(fed.end(), kTarget.begin(), kTarget.end() - 1);
    DecoderState state = network.new_state(*backend_);
    state.reserve(static_cast<std::int64_t>(fed.size()));
    RowTables tables;
    const RowChange change{-1, 0, static_cast<int>(fed.size())};
    tables.advance(state.pool(), std::span(&change, 1));
    const DecoderRow row{encoded[0].get(), fed, tables.slots(0)};
    const ConstMatrixView hidden =
        network.decode(*backend_, std::span(&row, 1), state, workspace, observed);
    const std::vector<std::int32_t> rows{0, 1, 2, 3};
    const MatrixView found = network.project(*backend_, hidden, rows, network.output(), workspace);
    std::vector<float> all;
    for (std::int64_t r = 0; r < found.rows(); ++r)
      all.insert(all.end(), found.row<float>(r), found.row<float>(r) + found.cols());
    return all;
  }

  std::unique_ptr<Backend> backend_ = GetParam().make();
};

// The prefix of an attention's tensors.
std::string prefix_of(AttentionKind attention, int layer) {
  const char* const side = attention == AttentionKind::encoder ? "encoder" : "decoder";
  const char* const part = attention == AttentionKind::cross ? "_context" : "_self";
  return std::string(side) + "_l" + std::to_string(layer + 1) + part;
}

TEST_P(SingleHeads, AnyHeadOfAnyLayerHasTheWeightsOfTheTranscription) {
  const MarianOracle oracle({}, 5);
  oracle.logits(kSource, kTarget);
  const auto network = load(oracle);
  const std::vector<float> unobserved = logits(*network, {});
  for (int layer = 0; layer < 2; ++layer) {
    for (int head = 0; head < 4; ++head) {
      SCOPED_TRACE(testing::Message() << "layer " << layer << ", head " << head);
      std::vector<std::vector<float>> weights(4, std::vector<float>(kSource.size()));
      std::vector<float*> places;
      for (auto& row : weights) places.push_back(row.data());
      EXPECT_EQ(logits(*network, {}, {places.data(), layer, head}), unobserved);
      const Dense& expected = oracle.attention().at(
          prefix_of(AttentionKind::cross, layer))[static_cast<std::size_t>(head)];
      for (int t = 0; t < 4; ++t) {
        double sum = 0;
        for (int s = 0; s < 5; ++s) {
          const float weight = weights[static_cast<std::size_t>(t)][static_cast<std::size_t>(s)];
          EXPECT_NEAR(weight, expected.at(t, s), 1e-5);
          sum += weight;
        }
        EXPECT_NEAR(sum, 1.0, 1e-6);
      }
    }
  }
}

// Every head of the model, one after another.
template <class Test>
void for_each_head(const Test& test) {
  for (const auto attention :
       {AttentionKind::encoder, AttentionKind::decoder, AttentionKind::cross})
    for (int layer = 0; layer < 2; ++layer)
      for (int head = 0; head < 4; ++head) {
        SCOPED_TRACE(testing::Message() << prefix_of(attention, layer) << ", head " << head);
        test(attention, layer, head);
      }
}

TEST_P(SingleHeads, AZeroedHeadIsAnOutputProjectionWithoutIt) {
  const auto network = load(MarianOracle({}, 5));
  const std::vector<float> whole = logits(*network, {});
  for_each_head([&](AttentionKind attention, int layer, int head) {
    MarianOracle changed({}, 5);
    Dense& output = changed.tensors().at(prefix_of(attention, layer) + "_Wo");  // [in, out]
    for (int in = 4 * head; in < 4 * head + 4; ++in)
      for (int out = 0; out < output.cols; ++out) output.at(in, out) = 0;
    const std::vector<float> masked = logits(*network, {{attention, layer, head, HeadMask::zero}});
    EXPECT_EQ(masked, logits(*load(changed), {}));
    EXPECT_NE(masked, whole);
  });
}

TEST_P(SingleHeads, AUniformHeadIsOneWhoseQueriesSayNothing) {
  const auto network = load(MarianOracle({}, 5));
  const std::vector<float> whole = logits(*network, {});
  for_each_head([&](AttentionKind attention, int layer, int head) {
    MarianOracle changed({}, 5);
    for (const char* const part : {"_Wq", "_bq"}) {
      Dense& query = changed.tensors().at(prefix_of(attention, layer) + part);
      for (int in = 0; in < query.rows; ++in)
        for (int out = 4 * head; out < 4 * head + 4; ++out) query.at(in, out) = 0;
    }
    const std::vector<float> masked =
        logits(*network, {{attention, layer, head, HeadMask::uniform}});
    EXPECT_EQ(masked, logits(*load(changed), {}));
    EXPECT_NE(masked, whole);
  });
}

TEST_P(SingleHeads, SeveralMasksHoldTogether) {
  const auto network = load(MarianOracle({}, 5));
  MarianOracle changed({}, 5);
  for (Dense* output : {&changed.tensors().at("encoder_l1_self_Wo"),
                        &changed.tensors().at("decoder_l2_context_Wo")})
    output->values.assign(output->values.size(), 0);
  std::vector<MaskedHead> masked;
  for (int head = 0; head < 4; ++head) {
    masked.push_back({AttentionKind::encoder, 0, head, HeadMask::zero});
    masked.push_back({AttentionKind::cross, 1, head, HeadMask::zero});
  }
  EXPECT_EQ(logits(*network, masked), logits(*load(changed), {}));
}

INSTANTIATE_TEST_SUITE_P(Backends, SingleHeads, testing::ValuesIn(all_backends()),
                         [](const auto& choice) { return std::string(choice.param.name); });

TEST(CheckHead, NamesWhatIsThere) {
  ModelSpec spec;
  spec.encoder.layers = 3;
  spec.encoder.heads = spec.decoder.heads = 4;
  spec.decoder.layers = 2;
  check_head(spec, AttentionKind::encoder, 2, 3);
  expect_error([&] { check_head(spec, AttentionKind::cross, 2, 0); }, ErrorCode::invalid_argument,
               "the decoder has layers 0 to 1 with heads 0 to 3");
  expect_error([&] { check_head(spec, AttentionKind::encoder, 0, -1); },
               ErrorCode::invalid_argument, "the encoder has layers 0 to 2");
  spec.decoder_mixer = DecoderMixer::ssru;
  check_head(spec, AttentionKind::cross, 1, 0);
  expect_error([&] { check_head(spec, AttentionKind::decoder, 1, 0); }, ErrorCode::unsupported,
               "no self-attention");
}

}  // namespace
}  // namespace tandem
