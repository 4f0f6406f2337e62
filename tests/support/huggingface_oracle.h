// The published rules of Hugging Face's greedy and beam search, on dense tables, as literally as
// C++ allows: every score of every token, padded beams with scores of -1e9, no row and no cache.
// Slow and obvious on purpose; it shares nothing with src/decoding but the options.
// Rules: transformers 5, generation/utils.py and generation/logits_process.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <vector>

#include "decoding/search_options.h"
#include "support/table_model.h"

namespace tandem::testing {

using Tokens = std::vector<TokenId>;

struct OracleHypothesis {
  Tokens ids;  // after the start token
  double score = 0;
};

class HuggingFaceOracle {
 public:
  HuggingFaceOracle(const TableModel& model, int sentence, const SearchOptions& options)
      : model_(model), sentence_(sentence), options_(options) {
    prompt_.push_back(options.start_token);
    prompt_.insert(prompt_.end(), options.prefix.begin(), options.prefix.end());
    max_length_ = prompt_.size() + static_cast<std::size_t>(options.max_new_tokens);
  }

  // Nothing if all tokens are banned at some step, where transformers takes one at -infinity.
  std::optional<Tokens> greedy() const {
    Tokens ids = prompt_;
    while (ids.size() < max_length_) {
      const auto scores = process(ids, model_.logits(sentence_, ids));
      const auto best = std::max_element(scores.begin(), scores.end());
      if (*best == -INFINITY) return std::nullopt;
      ids.push_back(static_cast<TokenId>(best - scores.begin()));
      if (options_.is_eos(ids.back())) break;
    }
    return Tokens(ids.begin() + 1, ids.end());
  }

  std::vector<OracleHypothesis> beam_search() const;

  // All processors, in the order of _get_logits_processor.
  std::vector<double> process(const Tokens& ids, std::vector<double> scores) const;

 private:
  struct Beam {
    Tokens ids;
    double score = kPadding;
    bool finished = false;
  };
  static constexpr double kPadding = -1e9;

  // Factors are float32, as in the edits of a query.
  static void penalize(double& score, float penalty) {
    score = score < 0 ? score * penalty : score / penalty;
  }
  // The n-gram table of _get_ngrams, read at the last n - 1 tokens.
  static Tokens repeated(const Tokens& text, const Tokens& ids, std::size_t n) {
    std::map<Tokens, Tokens> continuations;
    for (std::size_t i = 0; i + n <= text.size(); ++i) {
      const auto first = text.begin() + static_cast<std::ptrdiff_t>(i);
      const auto last = first + static_cast<std::ptrdiff_t>(n - 1);
      continuations[Tokens(first, last)].push_back(*last);
    }
    if (ids.size() + 1 < n) return {};
    return continuations[Tokens(ids.end() - static_cast<std::ptrdiff_t>(n - 1), ids.end())];
  }
  void ban(TokenId token, std::vector<double>& scores) const {
    if (token >= 0) scores.at(static_cast<std::size_t>(token)) = -INFINITY;
  }
  static void keep_best(std::vector<Beam>& beams, std::size_t count) {
    std::stable_sort(beams.begin(), beams.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    beams.resize(count);
  }

  TableModel model_;
  int sentence_;
  SearchOptions options_;
  Tokens prompt_;
  std::size_t max_length_ = 0;
};

inline std::vector<double> HuggingFaceOracle::process(const Tokens& ids,
                                                      std::vector<double> scores) const {
  const auto unique = [](Tokens tokens) {
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    return tokens;
  };
  const std::size_t length = ids.size();
  const auto generated = static_cast<int>(length - prompt_.size());
  for (const auto& [sequence, bias] : options_.sequence_bias) {
    if (sequence.size() > 1 && sequence.size() > length) continue;
    const Tokens last(ids.end() - static_cast<std::ptrdiff_t>(sequence.size() - 1), ids.end());
    if (last == Tokens(sequence.begin(), sequence.end() - 1))
      scores.at(static_cast<std::size_t>(sequence.back())) += static_cast<float>(bias);
  }
  for (const TokenId token : unique(options_.source))
    penalize(scores.at(static_cast<std::size_t>(token)),
             static_cast<float>(1 / options_.encoder_repetition_penalty));
  for (const TokenId token : unique(ids))
    if (token >= 0)
      penalize(scores.at(static_cast<std::size_t>(token)),
               static_cast<float>(options_.repetition_penalty));
  if (options_.no_repeat_ngram_size > 0) {
    const auto n = static_cast<std::size_t>(options_.no_repeat_ngram_size);
    for (const TokenId token : repeated(ids, ids, n)) ban(token, scores);
  }
  if (options_.encoder_no_repeat_ngram_size > 0) {
    const auto n = static_cast<std::size_t>(options_.encoder_no_repeat_ngram_size);
    for (const TokenId token : repeated(options_.source, ids, n)) ban(token, scores);
  }
  for (const Tokens& word : options_.bad_words) {
    if (word.size() > 1 && word.size() > length) continue;
    const Tokens last(ids.end() - static_cast<std::ptrdiff_t>(word.size() - 1), ids.end());
    if (last == Tokens(word.begin(), word.end() - 1)) ban(word.back(), scores);
  }
  if (generated < options_.min_new_tokens)
    for (const TokenId eos : options_.eos_tokens) ban(eos, scores);
  if (length == 1 && options_.forced_bos_token >= 0) {
    std::fill(scores.begin(), scores.end(), -INFINITY);
    scores.at(static_cast<std::size_t>(options_.forced_bos_token)) = 0;
  }
  if (length == max_length_ - 1 && !options_.forced_eos_tokens.empty()) {
    std::fill(scores.begin(), scores.end(), -INFINITY);
    for (const TokenId eos : options_.forced_eos_tokens)
      scores.at(static_cast<std::size_t>(eos)) = 0;
  }
  if (options_.exponential_decay && generated > options_.exponential_decay->first) {
    const int over = generated - options_.exponential_decay->first;
    const auto gain = static_cast<float>(std::pow(options_.exponential_decay->second, over) - 1);
    for (const TokenId eos : options_.eos_tokens) {
      double& score = scores.at(static_cast<std::size_t>(eos));
      if (score != -INFINITY) score += std::abs(score) * gain;
    }
  }
  for (const TokenId token : options_.suppress_tokens) ban(token, scores);
  std::size_t begin = prompt_.size();
  if (begin == 1 && options_.forced_bos_token >= 0) ++begin;
  if (length == begin)
    for (const TokenId token : options_.begin_suppress_tokens) ban(token, scores);
  if (options_.renormalize) scores = log_softmax(std::move(scores));
  // Scores are float32, there and here.
  for (double& score : scores) score = static_cast<double>(static_cast<float>(score));
  return scores;
}

inline std::vector<OracleHypothesis> HuggingFaceOracle::beam_search() const {
  const auto beams = static_cast<std::size_t>(options_.num_beams);
  const std::size_t kept = std::max<std::size_t>(2, 1 + options_.eos_tokens.size()) * beams;
  std::vector<Beam> running(beams, Beam{prompt_, kPadding, false});
  running[0].score = 0;
  std::vector<Beam> done(beams, Beam{prompt_, kPadding, false});

  for (std::size_t length = prompt_.size();;) {
    std::vector<Beam> candidates;
    for (const Beam& beam : running) {
      const auto scores = process(beam.ids, log_softmax(model_.logits(sentence_, beam.ids)));
      for (std::size_t token = 0; token < scores.size(); ++token) {
        Beam candidate{beam.ids, beam.score + scores[token], false};
        candidate.ids.push_back(static_cast<TokenId>(token));
        candidates.push_back(std::move(candidate));
      }
    }
    keep_best(candidates, kept);
    for (Beam& candidate : candidates)
      candidate.finished = length + 1 >= max_length_ || options_.is_eos(candidate.ids.back());
    const bool all_hit = std::all_of(candidates.begin(), candidates.end(),
                                     [](const Beam& beam) { return beam.finished; });

    running = candidates;
    for (Beam& beam : running) {
      if (beam.finished) beam.score += kPadding;
      beam.finished = false;
    }
    keep_best(running, beams);

    const bool full =
        std::all_of(done.begin(), done.end(), [](const Beam& beam) { return beam.finished; }) &&
        options_.early_stopping == EarlyStopping::yes;
    const auto generated = static_cast<double>(length + 1 - prompt_.size());
    for (std::size_t rank = 0; rank < candidates.size(); ++rank) {
      Beam& candidate = candidates[rank];
      candidate.finished = candidate.finished && rank < beams;
      candidate.score /= std::pow(generated, options_.length_penalty);
      if (full) candidate.score += kPadding;
      if (!candidate.finished) candidate.score += kPadding;
    }
    done.insert(done.end(), candidates.begin(), candidates.end());
    keep_best(done, beams);

    ++length;
    const bool use_longest =
        options_.early_stopping == EarlyStopping::never && options_.length_penalty > 0;
    const double best_length =
        static_cast<double>((use_longest ? max_length_ : length) - prompt_.size());
    const double best = running[0].score / std::pow(best_length, options_.length_penalty);
    double worst = done[0].score;
    for (const Beam& beam : done) worst = std::min(worst, beam.score);
    const bool improvable = std::any_of(done.begin(), done.end(), [&](const Beam& beam) {
      return best > (beam.finished ? worst : kPadding);
    });
    const bool all_done =
        std::all_of(done.begin(), done.end(), [](const Beam& beam) { return beam.finished; });
    const bool open = !(all_done && options_.early_stopping == EarlyStopping::yes);
    if (!(improvable && open && !all_hit)) break;
  }

  std::vector<OracleHypothesis> hypotheses;
  for (const Beam& beam : done) {
    if (beam.score < kPadding / 100) continue;  // padding, and what grew from it
    hypotheses.push_back({Tokens(beam.ids.begin() + 1, beam.ids.end()), beam.score});
  }
  const auto wanted = static_cast<std::size_t>(options_.num_return_sequences);
  if (hypotheses.size() > wanted) hypotheses.resize(wanted);
  return hypotheses;
}

}  // namespace tandem::testing
