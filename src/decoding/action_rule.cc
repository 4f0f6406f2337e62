#include "decoding/action_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <tandem/error.h>

#include "base/check.h"
#include "decoding/user_callback.h"

namespace tandem {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// The log of the mass of all tokens but two; -infinity for none.
double log_mass_without(std::span<const Candidate> row, TokenId first, TokenId second) {
  double mass = 0;
  for (const Candidate& candidate : row)
    if (candidate.token != first && candidate.token != second)
      mass += std::exp(static_cast<double>(candidate.log_prob));
  return std::log(mass);
}

}  // namespace

void ActionRule::begin_step(std::span<Row> rows) {
  histories_.advance(rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t fed = 0; fed < rows[r].feed.size(); ++fed) {
      if (rows[r].keep + fed == 0) continue;  // the start token, which may look like a blank
      std::span<const TokenId> output = histories_.output(r, fed);
      while (!output.empty() && output.back() == actions_.blank)
        output = output.first(output.size() - 1);
      rows[r].feed[fed] = output.empty() ? histories_.start(r) : output.back();
    }
  }
}

TokenId ActionRule::pointed_at(std::span<const TokenId> output) const {
  std::size_t place = 0;
  for (const TokenId token : output)
    if (place + 1 < source_.size() && (token == actions_.blank || token == source_[place])) ++place;
  return source_[place];
}

ActionProbabilities ActionRule::ask_head(std::span<const float> state, TokenId token) const {
  const char* what = "decides between skipping, copying and generating";
  ActionProbabilities actions = call_user(what, [&] { return actions_.head(state, token); });
  const double sum = actions.skip + actions.copy + actions.generate;
  const bool is_distribution = actions.skip >= 0 && actions.copy >= 0 && actions.generate >= 0 &&
                               std::abs(sum - 1) <= 1e-4;  // false for NaN
  if (!is_distribution)
    throw Error(ErrorCode::invalid_argument,
                std::string("the callback that ") + what + " gave " + std::to_string(actions.skip) +
                    ", " + std::to_string(actions.copy) + " and " +
                    std::to_string(actions.generate) + "; expected probabilities that sum to 1");
  return {actions.skip / sum, actions.copy / sum, actions.generate / sum};
}

void ActionRule::mix(std::span<const Candidates* const> parts, std::size_t row, std::size_t fed,
                     std::vector<Candidate>& mixed) {
  const TokenId token = pointed_at(histories_.output(row, fed));
  const ActionProbabilities actions = ask_head(parts.front()->hidden(row, fed), token);
  const double log_mass = log_mass_without(mixed, actions_.blank, token);
  const double shift = std::log(actions.generate) - log_mass;
  for (Candidate& candidate : mixed) {
    double chosen = 0;  // a source may hold the blank
    if (candidate.token == actions_.blank) chosen += actions.skip;
    if (candidate.token == token) chosen += actions.copy;
    const bool is_generated = candidate.token != actions_.blank && candidate.token != token;
    if (!is_generated)
      candidate.log_prob = static_cast<float>(std::log(chosen));
    else
      candidate.log_prob = candidate.log_prob == kNever || actions.generate == 0
                               ? kNever
                               : static_cast<float>(candidate.log_prob + shift);
  }
}

}  // namespace tandem
