// TableDecoder: a StepDecoder over a TableModel that trusts nobody. It keeps a cache of its own for
// each row, computes every row from that cache alone, and throws on any breach of the protocol of
// decoding/step_decoder.h: a parent that does not exist, more positions kept than there are, a
// query too few, a sentence that is stepped after its release or never released.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/candidate.h"
#include "decoding/step_decoder.h"
#include "support/table_model.h"

namespace tandem::testing {

// The five steps of CandidateQuery over one dense row, in double.
inline std::vector<Candidate> answer(const CandidateQuery& query,
                                     const std::vector<double>& logits) {
  const std::vector<double> log_probs = log_softmax(logits);
  std::vector<double> scores = query.space == ScoreSpace::logits ? logits : log_probs;
  for (std::size_t token = 0; token < scores.size(); ++token)
    if (!query.mask.allows(static_cast<TokenId>(token))) scores[token] = -INFINITY;
  for (const ScoreEdit& edit : query.edits) {
    double& score = scores.at(static_cast<std::size_t>(edit.token));
    const double value = edit.value;
    switch (edit.kind) {
      case ScoreEdit::Kind::ban:
        score = -INFINITY;
        break;
      case ScoreEdit::Kind::penalize:
        score = score < 0 ? score * value : score / value;
        break;
      case ScoreEdit::Kind::add:
        score += value;
        break;
      case ScoreEdit::Kind::add_relative:
        score += std::abs(score) * value;
        break;
      case ScoreEdit::Kind::force:
        std::fill(scores.begin(), scores.end(), -INFINITY);
        score = 0;
        break;
    }
    if (std::isnan(score)) throw std::logic_error("an edit made a score that is no number");
  }
  if (query.renormalize) scores = log_softmax(std::move(scores));

  std::vector<Candidate> best;
  for (std::size_t token = 0; token < scores.size(); ++token) {
    const bool is_allowed = query.mask.allows(static_cast<TokenId>(token));
    if (query.ranked ? scores[token] == -INFINITY : !is_allowed) continue;
    best.push_back({static_cast<TokenId>(token), static_cast<float>(log_probs[token]),
                    static_cast<float>(scores[token])});
  }
  if (!query.ranked) return best;
  std::stable_sort(best.begin(), best.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  if (best.size() > static_cast<std::size_t>(query.top_k))
    best.resize(static_cast<std::size_t>(query.top_k));
  return best;
}

class TableDecoder : public StepDecoder {
 public:
  explicit TableDecoder(TableModel model) : model_(std::move(model)) {}

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override {
    require(!sentences.empty(), "a step without sentences");
    require(sentences.size() == answers.size(), "one answer for each sentence");
    ++passes;
    for (std::size_t i = 0; i < sentences.size(); ++i) step_sentence(sentences[i], answers[i]);
  }

  void release(int sentence) override {
    require(!is_released_[sentence], "a sentence is released twice");
    is_released_[sentence] = true;
    caches_.erase(sentence);
  }

  bool holds_sentences() const { return !caches_.empty(); }

  std::size_t source_length = 0;  // of every sentence, for attention
  int passes = 0;
  std::size_t fed_tokens = 0;

 private:
  using Cache = std::vector<TokenId>;  // the tokens whose positions a row holds

  static void require(bool condition, const char* what) {
    if (!condition)
      throw std::logic_error(std::string("breach of the decoder's protocol: ") + what);
  }

  void step_sentence(const SentenceRows& sentence, Candidates& answers) {
    require(!is_released_[sentence.sentence], "a released sentence is stepped");
    require(!sentence.rows.empty(), "a sentence without rows");
    answers.clear();
    const bool is_first = caches_.count(sentence.sentence) == 0;
    const std::vector<Cache> previous = std::move(caches_[sentence.sentence]);
    std::vector<Cache> next;
    for (const Row& row : sentence.rows) {
      require(!row.feed.empty() && row.feed.size() == row.queries.size(), "a query for each token");
      Cache cache;
      if (is_first) {
        require(row.parent == -1 && row.keep == 0, "a first step continues nothing");
      } else {
        require(row.parent >= 0 && static_cast<std::size_t>(row.parent) < previous.size(),
                "a parent that does not exist");
        cache = previous[static_cast<std::size_t>(row.parent)];
        require(row.keep > 0 && static_cast<std::size_t>(row.keep) <= cache.size(),
                "more positions are kept than there are");
        cache.resize(static_cast<std::size_t>(row.keep));
      }
      for (std::size_t i = 0; i < row.feed.size(); ++i) {
        require(row.feed[i] >= -1 && row.feed[i] < model_.vocabulary_size, "a token is unknown");
        cache.push_back(row.feed[i]);
        ++fed_tokens;
        if (row.wants_hidden) answers.set_hidden(model_.hidden(sentence.sentence, cache));
        if (row.wants_attention)
          answers.set_attention(model_.attention(sentence.sentence, cache, source_length));
        const auto logits = model_.logits(sentence.sentence, cache);
        answers.append(row.queries[i].top_k > 0 ? answer(row.queries[i], logits)
                                                : std::vector<Candidate>{});
      }
      answers.end_row();
      next.push_back(std::move(cache));
    }
    caches_[sentence.sentence] = std::move(next);
  }

  TableModel model_;
  std::map<int, std::vector<Cache>> caches_;
  std::map<int, bool> is_released_;
};

}  // namespace tandem::testing
