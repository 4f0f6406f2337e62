// Runs searches on table models and checks on the way what every search promises: hypotheses whose
// numbers agree with the model, and settled tokens that are never taken back.
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/search.h"
#include "support/table_decoder.h"
#include "support/table_model.h"

namespace tandem::testing {

struct RunResult {
  std::vector<Hypothesis> hypotheses;
  Stats stats;

  const Hypothesis& best() const { return hypotheses.at(0); }
};

// One sentence and how it is to be searched.
struct Job {
  int sentence = 0;
  SearchOptions options;
  std::unique_ptr<Search> search;  // null: make_search(options)
};

inline void expect_sound(const TableModel& model, const Job& job, const Hypothesis& hypothesis) {
  ASSERT_EQ(hypothesis.ids.size(), hypothesis.token_log_probs.size());
  if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) {
    EXPECT_TRUE(hypothesis.ids.empty());
  }
  std::vector<TokenId> history{job.options.start_token};
  double sum = 0;
  for (std::size_t i = 0; i < hypothesis.ids.size(); ++i) {
    const auto log_probs = log_softmax(model.logits(job.sentence, history));
    EXPECT_FLOAT_EQ(hypothesis.token_log_probs[i],
                    static_cast<float>(log_probs.at(static_cast<std::size_t>(hypothesis.ids[i]))));
    sum += hypothesis.token_log_probs[i];
    history.push_back(hypothesis.ids[i]);
  }
  EXPECT_NEAR(hypothesis.sum_log_prob, sum, 1e-9);
}

inline void expect_settled(std::vector<TokenId>& before, const Search& search) {
  const auto settled = search.settled();
  ASSERT_GE(settled.size(), before.size()) << "settled tokens were taken back";
  EXPECT_TRUE(std::equal(before.begin(), before.end(), settled.begin()));
  before.assign(settled.begin(), settled.end());
  for (const Hypothesis& hypothesis : search.results()) {
    ASSERT_GE(hypothesis.ids.size(), settled.size());
    EXPECT_TRUE(std::equal(settled.begin(), settled.end(), hypothesis.ids.begin()));
  }
}

// All jobs in one batch; answers in the order of the jobs.
inline std::vector<RunResult> run_batch(const TableModel& model, std::vector<Job> jobs) {
  TableDecoder decoder(model);
  Loop loop(decoder);
  std::vector<std::vector<TokenId>> settled(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto search = jobs[i].search ? std::move(jobs[i].search) : make_search(jobs[i].options);
    loop.add(jobs[i].sentence, i, std::move(search));
  }
  std::vector<RunResult> results(jobs.size());
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) {
    finished.clear();
    loop.step(finished);
    for (const Loop::Entry& entry : finished) {
      expect_settled(settled[entry.tag], *entry.search);
      results[entry.tag].hypotheses = entry.search->results();
      results[entry.tag].stats = entry.search->stats();
      results[entry.tag].stats.decoder_passes = entry.decoder_passes;
    }
    for (const Loop::Entry& entry : loop.entries())
      expect_settled(settled[entry.tag], *entry.search);
  }
  EXPECT_FALSE(decoder.holds_sentences()) << "a sentence was not released";
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_FALSE(results[i].hypotheses.empty());
    for (const Hypothesis& hypothesis : results[i].hypotheses)
      expect_sound(model, jobs[i], hypothesis);
  }
  return results;
}

inline RunResult run(const TableModel& model, int sentence, const SearchOptions& options,
                     std::unique_ptr<Search> search = nullptr) {
  std::vector<Job> jobs;
  jobs.push_back({sentence, options, std::move(search)});
  return std::move(run_batch(model, std::move(jobs)).front());
}

inline void expect_same(const RunResult& a, const RunResult& b) {
  ASSERT_EQ(a.hypotheses.size(), b.hypotheses.size());
  for (std::size_t i = 0; i < a.hypotheses.size(); ++i) {
    EXPECT_EQ(a.hypotheses[i].ids, b.hypotheses[i].ids);
    EXPECT_EQ(a.hypotheses[i].token_log_probs, b.hypotheses[i].token_log_probs);
    EXPECT_EQ(a.hypotheses[i].score, b.hypotheses[i].score);
    EXPECT_EQ(a.hypotheses[i].finish_reason, b.hypotheses[i].finish_reason);
  }
}

// Expects the output of aggressive decoding to be that of greedy search, in no more passes. Returns
// whether it took fewer.
inline bool expect_drafts_change_nothing(const TableModel& model, SearchOptions options) {
  options.strategy = Greedy{};
  const RunResult greedy = run(model, 0, options);
  options.strategy = Aggressive{};
  const RunResult aggressive = run(model, 0, options);
  expect_same(greedy, aggressive);
  EXPECT_LE(aggressive.stats.decoder_passes, greedy.stats.decoder_passes);
  return aggressive.stats.decoder_passes < greedy.stats.decoder_passes;
}

// `expected`: what an oracle found, with `ids` and `score` each.
template <typename Expected>
void expect_hypotheses(const RunResult& found, const std::vector<Expected>& expected,
                       double tolerance) {
  ASSERT_EQ(found.hypotheses.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found.hypotheses[i].ids, expected[i].ids) << "hypothesis " << i;
    EXPECT_NEAR(found.hypotheses[i].score, expected[i].score, tolerance) << "hypothesis " << i;
  }
}

}  // namespace tandem::testing
