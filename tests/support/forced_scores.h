// Teacher forcing straight on the network, for tests below the API: logits and log-probabilities of
// a given target, all positions in one pass.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "models/encoder_decoder.h"
#include "support/host_rows.h"

namespace tandem {

// Runs the decoder over the start token and all tokens of `target` but the last, and lets
// `visit(hidden, workspace)` see its states.
template <typename Visit>
auto visit_forced_states(const EncoderDecoder& network, Backend& backend,
                         const EncoderInput& source, std::span<const TokenId> target,
                         const Visit& visit) {
  ModelWorkspace workspace;
  const EncoderInput sources[] = {source};
  const auto encoded = network.encode(backend, sources, workspace);
  std::vector<TokenId> fed{network.spec().decoder_start_token};
  fed.insert(fed.end(), target.begin(), target.end() - 1);
  DecoderState state = network.new_state(backend);
  state.reserve(static_cast<std::int64_t>(fed.size()));
  RowTables tables;
  const RowChange change{-1, 0, static_cast<int>(fed.size())};
  tables.advance(state.pool(), std::span(&change, 1));
  const DecoderRow row{encoded[0].get(), fed, tables.slots(0)};
  return visit(network.decode(backend, std::span(&row, 1), state, workspace), workspace);
}

// The states that predict the tokens of `target`.
inline std::vector<std::vector<float>> forced_states(const EncoderDecoder& network,
                                                     Backend& backend, const EncoderInput& source,
                                                     std::span<const TokenId> target) {
  return visit_forced_states(
      network, backend, source, target,
      [&](ConstMatrixView hidden, ModelWorkspace&) { return host_rows(backend, hidden); });
}

// The rows of logits after the start token and after each token of `target` but the last.
inline std::vector<std::vector<float>> forced_logits(const EncoderDecoder& network,
                                                     Backend& backend, const EncoderInput& source,
                                                     std::span<const TokenId> target) {
  return visit_forced_states(
      network, backend, source, target, [&](ConstMatrixView hidden, ModelWorkspace& workspace) {
        std::vector<std::int32_t> rows(target.size());
        std::iota(rows.begin(), rows.end(), 0);
        return host_rows(backend,
                         network.project(backend, hidden, rows, network.output(), workspace));
      });
}

inline std::vector<std::vector<float>> forced_logits(const EncoderDecoder& network,
                                                     Backend& backend,
                                                     std::span<const TokenId> source,
                                                     std::span<const TokenId> target) {
  return forced_logits(network, backend, EncoderInput{source}, target);
}

inline double log_sum_exp(const std::vector<float>& logits) {
  double largest = logits[0];
  for (const float value : logits) largest = std::max<double>(largest, value);
  double sum = 0;
  for (const float value : logits) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

inline std::vector<double> forced_log_probs(const EncoderDecoder& network, Backend& backend,
                                            const EncoderInput& source,
                                            std::span<const TokenId> target) {
  const auto logits = forced_logits(network, backend, source, target);
  std::vector<double> log_probs;
  for (std::size_t i = 0; i < target.size(); ++i)
    log_probs.push_back(logits[i][static_cast<std::size_t>(target[i])] - log_sum_exp(logits[i]));
  return log_probs;
}

inline std::vector<double> forced_log_probs(const EncoderDecoder& network, Backend& backend,
                                            std::span<const TokenId> source,
                                            std::span<const TokenId> target) {
  return forced_log_probs(network, backend, EncoderInput{source}, target);
}

}  // namespace tandem
