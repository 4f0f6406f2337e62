// Hooks with known effects, a witness of what they should see, and a run of searches with them over
// table models.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/logits_hook.h>

#include "decoding/copy_rule.h"
#include "decoding/geometric_mean.h"
#include "decoding/hook_decoder.h"
#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "decoding/mixture_decoder.h"
#include "decoding/weighted_mean.h"
#include "support/run_search.h"

namespace tandem::testing {

using Histories = std::vector<std::vector<TokenId>>;

struct Idle : LogitsHook {
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Idle>(); }
  void advance(TokenId) override {}
  void change(std::span<float>) const override {}
};

// Adds to the scores of given tokens.
struct Bias : LogitsHook {
  std::map<TokenId, float> added;
  explicit Bias(std::map<TokenId, float> values) : added(std::move(values)) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Bias>(*this); }
  void advance(TokenId) override {}
  void change(std::span<float> scores) const override {
    for (const auto& [token, value] : added) scores[static_cast<std::size_t>(token)] += value;
  }
};

// Remembers its hypothesis, writes it down at each call, and pushes the scores about by a hash of
// it, so that hypotheses overtake each other.
struct Moody : LogitsHook {
  std::vector<TokenId> history;
  Histories* calls;
  explicit Moody(Histories* where) : calls(where) {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Moody>(*this); }
  void advance(TokenId token) override { history.push_back(token); }
  void change(std::span<float> scores) const override {
    if (calls != nullptr) calls->push_back(history);
    std::uint64_t state = history.size();
    for (const TokenId token : history) state = mix(state ^ static_cast<std::uint64_t>(token));
    for (std::size_t token = 0; token < scores.size(); ++token)
      scores[token] += 4 * static_cast<float>(mix(state + token) >> 40) * 0x1.0p-24F;
  }
};

// Writes the scores of another model, as log-probabilities. Knows that outputs begin after `start`.
struct Impostor : LogitsHook {
  TableModel model;
  int sentence;
  std::vector<TokenId> history;
  Impostor(TableModel other, int number, TokenId start)
      : model(std::move(other)), sentence(number), history{start} {}
  std::unique_ptr<LogitsHook> clone() const override { return std::make_unique<Impostor>(*this); }
  void advance(TokenId token) override { history.push_back(token); }
  void change(std::span<float> scores) const override {
    const std::vector<double> log_probs = log_softmax(model.logits(sentence, history));
    for (std::size_t token = 0; token < scores.size(); ++token)
      scores[token] = static_cast<float>(log_probs[token]);
  }
};

// Stands between the hooks and the model and replays every row from its beginning by the protocol
// of decoders alone: the histories about which something is asked, in order.
class Witness : public StepDecoder {
 public:
  explicit Witness(StepDecoder& inner) : inner_(inner) {}

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override {
    for (const SentenceRows& lines : sentences) {
      const Histories before = std::exchange(caches_[lines.sentence], {});
      for (const Row& row : lines.rows) {
        std::vector<TokenId> cache = row.parent < 0
                                         ? std::vector<TokenId>{}
                                         : before.at(static_cast<std::size_t>(row.parent));
        cache.resize(static_cast<std::size_t>(row.keep));
        for (std::size_t i = 0; i < row.feed.size(); ++i) {
          cache.push_back(row.feed[i]);
          if (row.queries[i].top_k > 0)
            asked[lines.sentence].emplace_back(cache.begin() + 1, cache.end());
        }
        caches_[lines.sentence].push_back(std::move(cache));
      }
    }
    inner_.step(sentences, answers);
  }
  void release(int sentence) override { inner_.release(sentence); }

  std::map<int, Histories> asked;

 private:
  StepDecoder& inner_;
  std::map<int, Histories> caches_;
};

// Whose rows of scores a search is over: those of a sentence, or what a rule makes of them.
enum class RowsOf { sentence, weighted_mean, geometric_mean, copying };

struct Hooked {
  SearchOptions options;
  std::shared_ptr<const LogitsHook> hook;  // null: none
  std::unique_ptr<Search> search;          // null: make_search(options)
  RowsOf rows = RowsOf::sentence;
};

// The handle of sentence `number` of `decoder`, or of a mixture that it is part of.
inline int mix_rows(RowsOf rows, int number, const SearchOptions& options, TableDecoder& decoder,
                    MixtureDecoder& mixtures) {
  constexpr int kOther = 1000;
  std::vector<MixtureDecoder::Part> parts{{&decoder, number}};
  switch (rows) {
    case RowsOf::sentence:
      return number;
    case RowsOf::weighted_mean:
      return mixtures.mix({number, number + kOther}, {std::log(0.75), std::log(0.25)});
    case RowsOf::geometric_mean:
      parts.push_back({&decoder, number + kOther});
      return mixtures.mix(parts, std::make_unique<GeometricMean>(std::vector<double>{0.6, 0.4}));
    case RowsOf::copying:
      return mixtures.mix(parts, std::make_unique<CopyRule>(options.source, CopyMixture{0.6, {}}));
  }
  return number;
}

// Searches over sentences 0, 1, ... in one batch, whose sources are equally long if one copies.
// `asked`: null, or receives for each of them what the model was asked about.
inline std::vector<RunResult> run_hooked(const TableModel& model, std::vector<Hooked> sentences,
                                         std::vector<Histories>* asked = nullptr) {
  TableDecoder decoder(model);
  decoder.source_length = sentences.front().options.source.size();
  MixtureDecoder mixtures(decoder, model.vocabulary_size);
  Witness witness(mixtures);
  HookDecoder hooks(witness, model.vocabulary_size);
  Loop loop(hooks);
  std::vector<int> handles;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    Hooked& each = sentences[i];
    handles.push_back(mix_rows(each.rows, static_cast<int>(i), each.options, decoder, mixtures));
    if (each.hook != nullptr) hooks.attach(handles.back(), each.hook);
    auto search = each.search ? std::move(each.search) : make_search(each.options);
    loop.add(handles.back(), i, std::move(search));
  }
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  EXPECT_FALSE(decoder.holds_sentences());
  std::vector<RunResult> results(sentences.size());
  for (const Loop::Entry& entry : finished) {
    results[entry.tag].hypotheses = entry.search->results();
    results[entry.tag].stats = entry.search->stats();
    results[entry.tag].stats.decoder_passes = entry.decoder_passes;
  }
  if (asked == nullptr) return results;
  for (const int handle : handles) asked->push_back(witness.asked[handle]);
  return results;
}

// One search over sentence 0.
inline RunResult run_hooked(const TableModel& model, const SearchOptions& options,
                            std::shared_ptr<const LogitsHook> hook,
                            RowsOf rows = RowsOf::sentence) {
  std::vector<Hooked> one;
  one.push_back({options, std::move(hook), nullptr, rows});
  return std::move(run_hooked(model, std::move(one)).front());
}

}  // namespace tandem::testing
