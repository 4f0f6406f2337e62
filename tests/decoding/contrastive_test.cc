// Contrastive search against greedy search and against a literal transcription of its rule.
#include "decoding/contrastive.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "support/huggingface_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  const double aa = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
  const double bb = std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / std::sqrt(aa * bb);
}

// Equation 5 of the paper, over whole rows. Margins near zero are left to rounding: `is_close`.
Ids transcription(const TableModel& model, const SearchOptions& options, const Contrastive& rule,
                  bool& is_close) {
  const HuggingFaceOracle processors(model, 0, options);
  Ids ids{options.start_token};
  ids.insert(ids.end(), options.prefix.begin(), options.prefix.end());
  const std::size_t prompt = ids.size();
  while (ids.size() < prompt + static_cast<std::size_t>(options.max_new_tokens)) {
    const auto log_p = log_softmax(processors.process(ids, model.logits(0, ids)));
    std::vector<std::size_t> order(log_p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return log_p[a] > log_p[b]; });
    std::vector<double> values;
    for (int k = 0; k < rule.top_k && log_p[order[static_cast<std::size_t>(k)]] > -INFINITY; ++k) {
      const std::size_t token = order[static_cast<std::size_t>(k)];
      Ids extended = ids;
      extended.push_back(static_cast<TokenId>(token));
      double largest = -1;
      for (std::size_t j = 1; j <= ids.size(); ++j)
        largest = std::max(
            largest, cosine(model.hidden(0, extended), model.hidden(0, std::span(ids).first(j))));
      values.push_back((1 - rule.alpha) * std::exp(log_p[token]) - rule.alpha * largest);
    }
    if (values.empty()) return {};  // nothing is allowed: no output
    const auto best = std::max_element(values.begin(), values.end());
    for (const double& value : values)
      if (&value != &*best && *best - value < 1e-6) is_close = true;
    ids.push_back(static_cast<TokenId>(order[static_cast<std::size_t>(best - values.begin())]));
    if (options.is_eos(ids.back())) break;
  }
  return Ids(ids.begin() + 1, ids.end());
}

TEST(Contrastive, FollowsTheRuleOfThePaper) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    Random random(seed);
    const Contrastive rule{random.one_of({0.1, 0.5, 0.6, 1.0}), random.number(1, 6)};
    bool is_close = false;
    const Ids expected = transcription(random_case.model, random_case.options, rule, is_close);
    random_case.options.strategy = rule;
    const RunResult found = run(random_case.model, 0, random_case.options);
    if (is_close) continue;
    ++compared;
    EXPECT_EQ(found.best().ids, expected);
    const std::size_t prompt = random_case.options.prefix.size();
    if (expected.empty()) continue;
    EXPECT_EQ(found.stats.decoder_passes, static_cast<std::int64_t>(expected.size() - prompt) + 1);
  }
  EXPECT_GE(compared, 290);
}

TEST(Contrastive, WithoutAPenaltyOrAChoiceItIsGreedy) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    const RunResult greedy = run(random_case.model, 0, random_case.options);
    for (const Contrastive rule : {Contrastive{0.0, 4}, Contrastive{0.7, 1}}) {
      random_case.options.strategy = rule;
      expect_same(run(random_case.model, 0, random_case.options), greedy);
    }
  }
}

TEST(Contrastive, HoldsAConstraint) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    random_case.options.prefix.clear();
    random_case.options.strategy = Contrastive{0.6, 4};
    random_case.options.constraint = make_trie_constraint({{5, 6, 7}, {5, 8}, {9}});
    const Hypothesis best = run(random_case.model, 0, random_case.options).best();
    if (best.finish_reason == FinishReason::constraint_unsatisfied) continue;
    Ids ids = best.ids;
    if (random_case.options.is_eos(ids.back())) ids.pop_back();
    EXPECT_TRUE(ids == Ids({5, 6, 7}) || ids == Ids({5, 8}) || ids == Ids({9}));
  }
}

}  // namespace
}  // namespace tandem::testing
