// Laws that every sub-layer keeps: token by token is all at once, a sentence alone is a sentence in
// a batch, and a rolled-back row goes on as if the rejected tokens had never been. Bit for bit.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "nn/attention.h"
#include "nn/decoder_state.h"
#include "nn/feed_forward.h"
#include "nn/relative_positions.h"
#include "nn/ssru.h"
#include "support/backends.h"
#include "support/random_tensors.h"

namespace tandem {
namespace {

constexpr std::int64_t kDim = 24;
constexpr int kHeads = 3;

using Values = std::vector<float>;

SublayerNorm random_norm(Backend& backend, RandomTensors& random, NormPlacement placement) {
  const NormWeights weights{random.normal({kDim}, 0.2F, 1.0F), random.normal({kDim}, 0.2F)};
  return SublayerNorm(Norm(backend, weights, 1e-5F), placement);
}

LinearWeights square(RandomTensors& random, ComputeType type) {
  return type == ComputeType::int8 ? random.int8_linear(kDim, kDim, 40.0F)
                                   : random.linear(kDim, kDim);
}

AttentionWeights random_attention(RandomTensors& random, ComputeType type) {
  AttentionWeights weights;
  weights.query = square(random, type);
  weights.key = square(random, type);
  weights.value = square(random, type);
  weights.output = square(random, type);
  weights.name = "test";
  return weights;
}

AttentionSettings settings_for(ComputeType type, KeyInput keys) {
  AttentionSettings settings;
  settings.shape = {kHeads, static_cast<std::int32_t>(kDim / kHeads), 0.35F};
  settings.keys = keys;
  settings.type = type;
  return settings;
}

// A decoder sub-layer and its state, fed row by row.
struct DecoderLayerUnderTest {
  std::function<void(MatrixView, const StepBatch&, MatrixView, Workspace&)> decode;
  std::int64_t state_columns = 0;
};

struct Variant {
  const char* name;
  ComputeType type;
  NormPlacement placement;
  bool ssru;
  KeyInput keys;
  bool relative = false;  // a bias by distance, of so short a reach that rows grow beyond it
};
void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.name;
}

class DecoderSublayer : public testing::TestWithParam<std::tuple<BackendChoice, Variant>> {
 protected:
  DecoderSublayer() : backend_(std::get<0>(GetParam()).make()) {
    const Variant& variant = std::get<1>(GetParam());
    RandomTensors random(17);
    SublayerNorm norm = random_norm(*backend_, random, variant.placement);
    if (variant.ssru) {
      SsruWeights weights{square(random, variant.type), square(random, variant.type), {}, "test"};
      weights.candidate.bias = {};
      auto layer = std::make_shared<Ssru>(*backend_, weights, norm, variant.type);
      layer_.state_columns = layer->state_columns();
      layer_.decode = [this, layer](MatrixView x, const StepBatch& batch, MatrixView state,
                                    Workspace& workspace) {
        layer->decode(*backend_, x, batch, state, workspace);
      };
    } else {
      AttentionSettings settings = settings_for(variant.type, variant.keys);
      if (variant.relative)
        settings.distance_bias = Parameter(
            *backend_,
            bias_by_distance(random.normal({6, kHeads}, 1.0F), {Direction::backward, 6, 5}));
      auto layer = std::make_shared<SelfAttention>(
          *backend_, random_attention(random, variant.type), settings, norm);
      layer_.state_columns = layer->state_columns();
      layer_.decode = [this, layer](MatrixView x, const StepBatch& batch, MatrixView state,
                                    Workspace& workspace) {
        layer->decode(*backend_, x, batch, state, workspace);
      };
    }
    state_ = std::make_unique<DecoderState>(
        *backend_, std::vector<LayerState>{{StateKind::key_value, layer_.state_columns}});
    input_ = random.normal({64, kDim}, 1.0F);
  }

  // The input row of a token: its number picks one of the random rows.
  const float* input_of(int token) const { return input_.data<float>().data() + token * kDim; }

  // One step of one sentence: what each row feeds. Returns one output row for each fed token.
  std::vector<std::vector<Values>> step(RowTables& tables, const std::vector<RowChange>& changes,
                                        const std::vector<std::vector<int>>& feeds) {
    std::int64_t total = 0;
    for (const auto& feed : feeds) total += static_cast<std::int64_t>(feed.size());
    state_->reserve(total);
    tables.advance(state_->pool(), changes);
    std::vector<StepRow> rows;
    std::vector<std::int32_t> new_slots, previous;
    Values x;
    for (std::size_t r = 0; r < feeds.size(); ++r) {
      const auto slots = tables.slots(r);
      const std::size_t cached = slots.size() - feeds[r].size();
      rows.push_back({static_cast<std::int64_t>(new_slots.size()),
                      static_cast<std::int32_t>(feeds[r].size()), static_cast<std::int32_t>(cached),
                      slots.data()});
      for (std::size_t i = 0; i < feeds[r].size(); ++i) {
        new_slots.push_back(slots[cached + i]);
        previous.push_back(cached + i == 0 ? -1 : slots[cached + i - 1]);
        x.insert(x.end(), input_of(feeds[r][i]), input_of(feeds[r][i]) + kDim);
      }
    }
    layer_.decode(MatrixView(x.data(), total, kDim), {rows, new_slots, previous}, state_->layer(0),
                  workspace_);
    std::vector<std::vector<Values>> outputs(feeds.size());
    std::size_t at = 0;
    for (std::size_t r = 0; r < feeds.size(); ++r)
      for (std::size_t i = 0; i < feeds[r].size(); ++i, at += kDim)
        outputs[r].emplace_back(x.begin() + static_cast<std::ptrdiff_t>(at),
                                x.begin() + static_cast<std::ptrdiff_t>(at + kDim));
    return outputs;
  }

  // The outputs for a whole sequence, fed at once into an empty row.
  std::vector<Values> at_once(const std::vector<int>& tokens) {
    RowTables tables;
    auto outputs = step(tables, {{-1, 0, static_cast<int>(tokens.size())}}, {tokens});
    tables.clear(state_->pool());
    return outputs[0];
  }

  std::unique_ptr<Backend> backend_;
  DecoderLayerUnderTest layer_;
  std::unique_ptr<DecoderState> state_;
  Workspace workspace_;
  Tensor input_;
};

TEST_P(DecoderSublayer, TokenByTokenIsAllAtOnce) {
  const std::vector<int> tokens{4, 9, 9, 1, 30, 2, 63};
  const std::vector<Values> expected = at_once(tokens);
  RowTables tables;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const RowChange change{i == 0 ? -1 : 0, static_cast<int>(i), 1};
    EXPECT_EQ(step(tables, {change}, {{tokens[i]}})[0][0], expected[i]) << "position " << i;
  }
}

TEST_P(DecoderSublayer, ForkedAndRolledBackRowsGoOnLikeFreshOnes) {
  std::mt19937 random(23);
  RowTables tables;
  std::vector<std::vector<int>> rows;  // the tokens of each live row
  for (int round = 0; round < 12; ++round) {
    const auto pick = [&](int lowest, int highest) {
      return std::uniform_int_distribution<int>(lowest, highest)(random);
    };
    std::vector<RowChange> changes;
    std::vector<std::vector<int>> feeds, next;
    for (int n = pick(1, 4); n > 0; --n) {
      RowChange change;
      change.parent = rows.empty() ? -1 : pick(0, static_cast<int>(rows.size()) - 1);
      std::vector<int> row;
      if (change.parent >= 0) row = rows[static_cast<std::size_t>(change.parent)];
      change.keep =
          pick(0, 2) == 0 ? pick(0, static_cast<int>(row.size())) : static_cast<int>(row.size());
      row.resize(static_cast<std::size_t>(change.keep));
      std::vector<int> feed(static_cast<std::size_t>(pick(1, 4)));
      for (int& token : feed) token = pick(0, 63);
      change.append = static_cast<int>(feed.size());
      row.insert(row.end(), feed.begin(), feed.end());
      changes.push_back(change);
      feeds.push_back(feed);
      next.push_back(row);
    }
    const auto outputs = step(tables, changes, feeds);
    rows = next;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::vector<Values> expected = at_once(rows[r]);
      for (std::size_t i = 0; i < feeds[r].size(); ++i)
        ASSERT_EQ(outputs[r][i], expected[rows[r].size() - feeds[r].size() + i])
            << "round " << round << ", row " << r;
    }
  }
}

constexpr Variant kVariants[] = {
    {"attention_post_norm", ComputeType::float32, NormPlacement::post, false, KeyInput::normalized},
    {"attention_pre_norm", ComputeType::float32, NormPlacement::pre, false, KeyInput::normalized},
    {"attention_raw_keys", ComputeType::float32, NormPlacement::pre, false, KeyInput::raw},
    {"attention_relative", ComputeType::float32, NormPlacement::pre, false, KeyInput::normalized,
     true},
    {"attention_int8", ComputeType::int8, NormPlacement::post, false, KeyInput::normalized},
    {"ssru_post_norm", ComputeType::float32, NormPlacement::post, true, KeyInput::normalized},
    {"ssru_pre_norm", ComputeType::float32, NormPlacement::pre, true, KeyInput::normalized},
    {"ssru_int8", ComputeType::int8, NormPlacement::post, true, KeyInput::normalized}};

INSTANTIATE_TEST_SUITE_P(All, DecoderSublayer,
                         testing::Combine(testing::ValuesIn(all_backends()),
                                          testing::ValuesIn(kVariants)),
                         [](const auto& choice) {
                           return std::string(std::get<0>(choice.param).name) + "_" +
                                  std::get<1>(choice.param).name;
                         });

class EncoderSublayer : public testing::TestWithParam<BackendChoice> {};

TEST_P(EncoderSublayer, ASentenceAloneIsTheSentenceInABatch) {
  const auto backend = GetParam().make();
  RandomTensors random(29);
  AttentionSettings settings = settings_for(ComputeType::float32, KeyInput::normalized);
  settings.distance_bias = Parameter(
      *backend, bias_by_distance(random.normal({6, kHeads}, 1.0F), {Direction::both, 6, 4}));
  const SelfAttention attention(*backend, random_attention(random, ComputeType::float32), settings,
                                random_norm(*backend, random, NormPlacement::post));
  const Tensor input = random.normal({12, kDim}, 1.0F);
  const std::vector<RowRange> sentences{{0, 5}, {5, 1}, {6, 6}};
  Workspace workspace;
  Values batch(input.data<float>().begin(), input.data<float>().end());
  attention.encode(*backend, MatrixView(batch.data(), 12, kDim), sentences, workspace);
  for (const RowRange& sentence : sentences) {
    const auto first = batch.begin() + sentence.first * kDim;
    Values alone(input.data<float>().begin() + sentence.first * kDim,
                 input.data<float>().begin() + (sentence.first + sentence.count) * kDim);
    const RowRange whole{0, sentence.count};
    attention.encode(*backend, MatrixView(alone.data(), sentence.count, kDim), std::span(&whole, 1),
                     workspace);
    EXPECT_EQ(alone, Values(first, first + sentence.count * kDim));
  }
}

TEST_P(EncoderSublayer, CrossAttentionOfASentenceDoesNotSeeItsNeighbours) {
  const auto backend = GetParam().make();
  RandomTensors random(31);
  const CrossAttention attention(*backend, random_attention(random, ComputeType::float32),
                                 settings_for(ComputeType::float32, KeyInput::normalized),
                                 random_norm(*backend, random, NormPlacement::pre));
  Workspace workspace;
  std::vector<Values> memories;
  std::vector<CrossAttention::Source> sources;
  std::int64_t row = 0;
  for (const std::int32_t length : {3, 1, 7}) {
    const Tensor encoded = random.normal({length, kDim}, 1.0F);
    memories.emplace_back(static_cast<std::size_t>(length * attention.source_columns()));
    const MatrixView keys_values(memories.back().data(), length, attention.source_columns());
    attention.project_source(*backend, ConstMatrixView(encoded), keys_values);
    sources.push_back({{row, 2}, keys_values});
    row += 2;
  }
  const Tensor input = random.normal({row, kDim}, 1.0F);
  const auto values = input.data<float>();
  Values batch(values.begin(), values.end());
  attention.forward(*backend, MatrixView(batch.data(), row, kDim), sources, workspace);
  for (const CrossAttention::Source& source : sources)
    for (int query = 0; query < 2; ++query) {
      const std::int64_t at = (source.queries.first + query) * kDim;
      Values alone(values.begin() + at, values.begin() + at + kDim), weights(7);
      float* const weights_row = weights.data();
      const CrossAttention::Source single{{0, 1}, source.keys_values};
      attention.forward(*backend, MatrixView(alone.data(), 1, kDim), std::span(&single, 1),
                        workspace, {.weights = &weights_row, .observed = query, .masked = {}});
      EXPECT_EQ(alone, Values(batch.begin() + at, batch.begin() + at + kDim));
      EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1.0, 1e-5);
    }
}

TEST_P(EncoderSublayer, FeedForwardOfAnyDepthIsTheChainOfItsProducts) {
  const auto backend = GetParam().make();
  RandomTensors random(37);
  FeedForwardWeights weights;
  for (const auto& [out, in] : {std::pair{40, 24}, std::pair{33, 40}, std::pair{24, 33}})
    weights.linears.push_back(random.linear(out, in));
  const SublayerNorm norm = random_norm(*backend, random, NormPlacement::post);
  const FeedForward layer(*backend, weights, Activation::relu, norm, ComputeType::float32);
  const Tensor input = random.normal({2, kDim}, 1.0F);
  Values x(input.data<float>().begin(), input.data<float>().end());
  const Values before = x;
  Workspace workspace;
  layer.forward(*backend, MatrixView(x.data(), 2, kDim), workspace);

  Values expected;
  for (int r = 0; r < 2; ++r) {
    std::vector<double> y(before.begin() + r * kDim, before.begin() + (r + 1) * kDim);
    for (std::size_t i = 0; i < weights.linears.size(); ++i) {
      const auto w = weights.linears[i].weight.data<float>();
      const auto b = weights.linears[i].bias.data<float>();
      std::vector<double> next(b.begin(), b.end());
      for (std::size_t o = 0; o < next.size(); ++o) {
        for (std::size_t k = 0; k < y.size(); ++k) next[o] += w[o * y.size() + k] * y[k];
        if (i + 1 < weights.linears.size()) next[o] = std::max(next[o], 0.0);
      }
      y = next;
    }
    for (int c = 0; c < kDim; ++c)
      expected.push_back(static_cast<float>(y[static_cast<std::size_t>(c)] +
                                            before[static_cast<std::size_t>(r * kDim + c)]));
  }
  norm.after(*backend, MatrixView(expected.data(), 2, kDim));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], expected[i], 1e-4);
}

// An rms norm of gain 1 divides by the root mean square; the gate passes through the activation.
TEST_P(EncoderSublayer, AGatedFeedForwardMultipliesItsTwoProducts) {
  const auto backend = GetParam().make();
  RandomTensors random(41);
  FeedForwardWeights weights;
  weights.gate = random.linear(40, kDim);
  weights.linears = {random.linear(40, kDim), random.linear(kDim, 40)};
  const NormWeights gain{random.normal({kDim}, 0.2F, 1.0F), {}};
  const SublayerNorm norm(Norm(*backend, gain, 1e-6F, NormKind::rms), NormPlacement::pre);
  const FeedForward layer(*backend, weights, Activation::relu, norm, ComputeType::float32);
  const Tensor input = random.normal({2, kDim}, 1.0F);
  Values x(input.data<float>().begin(), input.data<float>().end());
  const Values before = x;
  Workspace workspace;
  layer.forward(*backend, MatrixView(x.data(), 2, kDim), workspace);

  const auto product = [](const LinearWeights& linear, const std::vector<double>& y) {
    const auto w = linear.weight.data<float>();
    const auto b = linear.bias.data<float>();
    std::vector<double> result(b.begin(), b.end());
    for (std::size_t o = 0; o < result.size(); ++o)
      for (std::size_t k = 0; k < y.size(); ++k) result[o] += w[o * y.size() + k] * y[k];
    return result;
  };
  for (std::size_t r = 0; r < 2; ++r) {
    const auto row = before.begin() + static_cast<std::ptrdiff_t>(r * kDim);
    std::vector<double> normed(row, row + kDim);
    double squares = 0;
    for (const double value : normed) squares += value * value;
    for (std::size_t c = 0; c < kDim; ++c)
      normed[c] *= gain.gain.data<float>()[c] / std::sqrt(squares / kDim + 1e-6);
    std::vector<double> inner = product(weights.linears[0], normed);
    const std::vector<double> gate = product(weights.gate, normed);
    for (std::size_t i = 0; i < inner.size(); ++i) inner[i] *= std::max(gate[i], 0.0);
    const std::vector<double> added = product(weights.linears[1], inner);
    for (std::size_t c = 0; c < kDim; ++c)
      EXPECT_NEAR(x[r * kDim + c], before[r * kDim + c] + added[c], 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, EncoderSublayer, testing::ValuesIn(all_backends()),
                         [](const auto& choice) { return std::string(choice.param.name); });

}  // namespace
}  // namespace tandem
