// The rules of CTranslate2's greedy and beam search on dense tables, as literally as C++ allows:
// every score of every token, a beam that is always full, slots with a score of -1e10. Slow and
// obvious on purpose; it shares nothing with src/decoding but the options.
// Rules: OpenNMT/CTranslate2 4.8, src/decoding.cc, as a behaviour.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "decoding/search_options.h"
#include "support/huggingface_oracle.h"
#include "support/table_model.h"

namespace tandem::testing {

class CTranslate2Oracle {
 public:
  CTranslate2Oracle(const TableModel& model, int sentence, const SearchOptions& options)
      : model_(model), sentence_(sentence), options_(options) {
    last_step_ = options.prefix.size() + static_cast<std::size_t>(options.max_new_tokens) - 1;
  }

  OracleHypothesis greedy() const {
    Beam beam;
    for (std::size_t step = 0;; ++step) {
      const auto scores = step_scores(beam.ids, step);
      const auto best = std::max_element(scores.begin(), scores.end());
      const bool forced = step < options_.prefix.size();
      beam.ids.push_back(forced ? options_.prefix[step]
                                : static_cast<TokenId>(best - scores.begin()));
      if (!forced) beam.score += *best;
      if ((!forced && is_eos(beam)) || step == last_step_) return finished(beam);
    }
  }

  std::vector<OracleHypothesis> beam_search() const {
    const auto width = static_cast<std::size_t>(options_.num_beams);
    const auto enough =
        static_cast<std::size_t>(std::lround(options_.num_beams * options_.patience));
    std::vector<OracleHypothesis> recorded;
    std::vector<Beam> beams(1);
    bool top_has_finished = false;
    for (std::size_t step = 0;; ++step) {
      std::vector<Beam> candidates = best_candidates(beams, step);
      std::vector<Beam> next;
      std::size_t secondary = width;
      for (std::size_t k = 0; k < width; ++k) {
        std::size_t place = k;
        const bool ends = step >= options_.prefix.size() && is_eos(candidates[k]);
        if (ends || step == last_step_) {
          if (k == 0) top_has_finished = true;
          recorded.push_back(finished(candidates[k]));
          for (std::size_t j = secondary; j < candidates.size(); ++j) {
            if (is_eos(candidates[j])) continue;
            place = j;
            secondary = j + 1;
            break;
          }
          if (place == k && step < last_step_)
            throw std::logic_error("no candidate is left for the place of an ended one");
        }
        next.push_back(candidates[place]);
      }
      beams = std::move(next);
      const bool early = options_.length_penalty == 0;
      const auto wanted = static_cast<std::size_t>(options_.num_return_sequences);
      const bool full =
          early ? top_has_finished && recorded.size() >= wanted : recorded.size() >= enough;
      if (full || step == last_step_) return ranked(recorded, wanted);
    }
  }

 private:
  struct Beam {
    Tokens ids;  // the prefix included, the start token not
    double score = 0;
  };
  static constexpr double kDead = -1e10;

  bool is_eos(const Beam& beam) const { return options_.is_eos(beam.ids.back()); }

  OracleHypothesis finished(const Beam& beam) const {
    const auto length = static_cast<double>(beam.ids.size());
    return {beam.ids, beam.score / std::pow(length, options_.length_penalty)};
  }

  // Log-softmax of the logits after bans and penalties, in float32.
  std::vector<double> step_scores(const Tokens& ids, std::size_t step) const {
    Tokens history{options_.start_token};
    history.insert(history.end(), ids.begin(), ids.end());
    std::vector<double> scores = model_.logits(sentence_, history);
    std::vector<bool> seen(scores.size(), false), banned(scores.size(), false);
    for (const TokenId id : ids) seen[static_cast<std::size_t>(id)] = true;
    const auto penalty = static_cast<double>(static_cast<float>(options_.repetition_penalty));
    for (std::size_t token = 0; token < scores.size(); ++token)
      if (seen[token])
        scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty;
    if (step < options_.prefix.size() + static_cast<std::size_t>(options_.min_new_tokens))
      for (const TokenId eos : options_.eos_tokens) banned[static_cast<std::size_t>(eos)] = true;
    ban_repetitions(ids, banned);
    for (const TokenId token : options_.suppress_tokens)
      banned[static_cast<std::size_t>(token)] = true;
    for (const Tokens& sequence : options_.bad_words)
      if (sequence.size() <= ids.size() + 1 &&
          std::equal(sequence.begin(), sequence.end() - 1,
                     ids.end() - (static_cast<std::ptrdiff_t>(sequence.size()) - 1)))
        banned[static_cast<std::size_t>(sequence.back())] = true;
    for (std::size_t token = 0; token < scores.size(); ++token)
      if (banned[token]) scores[token] = -INFINITY;
    scores = log_softmax(std::move(scores));
    for (double& score : scores) score = static_cast<double>(static_cast<float>(score));
    const Tokens& soft = options_.soft_prefix;
    if (step >= soft.size() || !std::equal(ids.begin(), ids.end(), soft.begin())) return scores;
    for (std::size_t token = 0; token < scores.size(); ++token) {
      if (banned[token]) continue;  // CTranslate2 lifts the ban of a preferred token
      const double share = static_cast<TokenId>(token) == soft[step] ? options_.prefix_bias : 0;
      const double mixed = (1 - options_.prefix_bias) * std::exp(scores[token]) + share;
      scores[token] = static_cast<double>(static_cast<float>(std::log(mixed)));
    }
    return scores;
  }

  void ban_repetitions(const Tokens& ids, std::vector<bool>& banned) const {
    const auto n = static_cast<std::size_t>(options_.no_repeat_ngram_size);
    if (n == 0 || ids.size() + 1 < n) return;
    for (std::size_t i = 0; i + n <= ids.size(); ++i)
      if (std::equal(ids.end() - (static_cast<std::ptrdiff_t>(n) - 1), ids.end(),
                     ids.begin() + static_cast<std::ptrdiff_t>(i)))
        banned[static_cast<std::size_t>(ids[i + n - 1])] = true;
  }

  // The best 2 * num_beams, best first, with the prefix forced upon them.
  std::vector<Beam> best_candidates(const std::vector<Beam>& beams, std::size_t step) const {
    const auto width = static_cast<std::size_t>(options_.num_beams);
    const std::size_t prefix = options_.prefix.size();
    std::vector<Beam> candidates;
    for (const Beam& beam : beams) {
      const auto scores = step_scores(beam.ids, step);
      for (std::size_t token = 0; token < scores.size(); ++token) {
        Beam candidate = beam;
        candidate.ids.push_back(static_cast<TokenId>(token));
        candidate.score += scores[token];
        candidates.push_back(std::move(candidate));
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    candidates.resize(2 * width);
    for (std::size_t k = 0; k < candidates.size() && step <= prefix; ++k) {
      if (step < prefix) {
        candidates[k].ids = beams[std::min(k, beams.size() - 1)].ids;
        candidates[k].ids.push_back(options_.prefix[step]);
        candidates[k].score = k == 0 ? 0 : kDead;
      } else if (prefix > 0 && k > 0 && is_eos(candidates[k])) {
        candidates[k].ids.back() = 0;
        candidates[k].score = kDead;
      }
    }
    return candidates;
  }

  static std::vector<OracleHypothesis> ranked(std::vector<OracleHypothesis> recorded,
                                              std::size_t wanted) {
    std::erase_if(recorded, [](const OracleHypothesis& h) { return h.score < kDead / 1000; });
    std::stable_sort(recorded.begin(), recorded.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    if (recorded.size() > wanted) recorded.resize(wanted);
    return recorded;
  }

  TableModel model_;
  int sentence_;
  SearchOptions options_;
  std::size_t last_step_ = 0;
};

}  // namespace tandem::testing
