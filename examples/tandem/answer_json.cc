#include "answer_json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

template <class T>
void append_number(std::string& json, T value) {
  if constexpr (std::numeric_limits<T>::is_iec559) {
    if (!std::isfinite(value)) {
      json += "null";
      return;
    }
  }
  char digits[32];  // the shortest form that reads back the same: 24 characters at most
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  json.append(digits, end.ptr);
}

template <class T>
void append_field(std::string& json, const char* name, const std::optional<T>& value) {
  if (!value) return;
  json += std::string(",\"") + name + "\":";
  append_number(json, *value);
}

template <class T>
void append_list(std::string& json, std::span<const T> values) {
  json += '[';
  for (const T& value : values) {
    if (json.back() != '[') json += ',';
    append_number(json, value);
  }
  json += ']';
}

void append_rows(std::string& json, const char* name, const std::vector<std::vector<float>>& rows) {
  json += std::string(",\"") + name + "\":[";
  for (const std::vector<float>& row : rows) {
    if (json.back() != '[') json += ',';
    append_json(json, row);
  }
  json += ']';
}

void append_states(std::string& json, const HiddenStates& states) {
  json += ",\"hidden_states\":[";
  for (std::size_t position = 0; position < states.positions; ++position) {
    if (position > 0) json += ',';
    append_json(json, states.at(position));
  }
  json += ']';
}

// Nothing where none was asked for.
void append_alignment(std::string& json, const std::vector<std::vector<float>>& alignment) {
  if (alignment.empty()) return;
  json += ",\"alignment\":";
  append_json(json, to_pharaoh(hard_alignment(alignment)));
  append_rows(json, "alignment_weights", alignment);
}

void append_hypothesis(std::string& json, const Hypothesis& hypothesis) {
  json += "{\"text\":";
  append_json(json, hypothesis.text);
  json += ",\"ids\":";
  append_json(json, hypothesis.ids);
  json += ",\"token_log_probs\":";
  append_json(json, hypothesis.token_log_probs);
  json += ",\"sum_log_prob\":";
  append_json(json, hypothesis.sum_log_prob);
  json += ",\"score\":";
  append_json(json, hypothesis.score);
  json += ",\"finish_reason\":";
  append_json(json, to_string(hypothesis.finish_reason));
  append_field(json, "group", hypothesis.group);
  append_field(json, "diversity_score", hypothesis.diversity_score);
  append_field(json, "weight", hypothesis.weight);
  append_field(json, "expected_utility", hypothesis.expected_utility);
  append_alignment(json, hypothesis.alignment);
  json += '}';
}

void append_stats(std::string& json, const Stats& stats) {
  json += "{\"decoder_passes\":" + std::to_string(stats.decoder_passes);
  json += ",\"encoder_runs\":" + std::to_string(stats.encoder_runs);
  json += ",\"draft_tokens\":" + std::to_string(stats.draft_tokens);
  json += ",\"accepted_tokens\":" + std::to_string(stats.accepted_tokens);
  json += ",\"generated_tokens\":" + std::to_string(stats.generated_tokens) + '}';
}

// The members of an object, without its braces.
void append_target(std::string& json, const TargetScore& target) {
  json += "\"token_log_probs\":";
  append_json(json, target.token_log_probs);
  json += ",\"sum_log_prob\":";
  append_json(json, target.sum_log_prob);
  json += ",\"mean_log_prob\":";
  append_json(json, target.mean_log_prob());
  append_alignment(json, target.alignment);
  if (target.hidden_states.positions > 0) append_states(json, target.hidden_states);
  if (target.ranks.empty()) return;
  json += ",\"ranks\":";
  append_list(json, std::span<const int>(target.ranks));
  json += ",\"entropies\":";
  append_json(json, target.entropies);
}

}  // namespace

void append_json(std::string& json, std::string_view text) {
  json += nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                                    nlohmann::json::error_handler_t::replace);
}

void append_json(std::string& json, double value) {
  append_number(json, value);
}
void append_json(std::string& json, float value) {
  append_number(json, value);
}
void append_json(std::string& json, std::span<const float> values) {
  append_list(json, values);
}
void append_json(std::string& json, std::span<const TokenId> ids) {
  append_list(json, ids);
}

std::string format_answer(const Output& output) {
  if (output.error) return format_answer(*output.error);
  std::string json = "\"hypotheses\":[";
  for (const Hypothesis& hypothesis : output.hypotheses) {
    if (json.back() != '[') json += ',';
    append_hypothesis(json, hypothesis);
  }
  json += "],\"stats\":";
  append_stats(json, output.stats);
  if (output.truncated_tokens > 0)
    json += ",\"truncated_tokens\":" + std::to_string(output.truncated_tokens);
  append_field(json, "log_evidence", output.log_evidence);
  return json;
}

std::string format_answer(const ScoreAnswer& answer) {
  if (answer.error) return format_answer(*answer.error);
  const std::vector<TargetScore>& targets = answer.scores.targets;
  std::string json;
  if (!answer.has_several) {
    append_target(json, targets.front());
    return json;
  }
  json = "\"targets\":[";
  for (const TargetScore& target : targets) {
    json += json.back() == '[' ? "{" : ",{";
    append_target(json, target);
    json += '}';
  }
  json += "],\"most_probable\":" + std::to_string(answer.scores.most_probable());
  json += ",\"least_perplexing\":" + std::to_string(answer.scores.least_perplexing());
  json += ",\"stats\":";
  append_stats(json, answer.scores.stats);
  return json;
}

std::string format_answer(const EncodeAnswer& answer) {
  if (answer.error) return format_answer(*answer.error);
  std::string json = "\"ids\":";
  append_json(json, answer.encoding.ids);
  json += ",\"embedding\":";
  append_json(json, answer.encoding.states.mean());
  if (answer.has_states) append_states(json, answer.encoding.states);
  return json;
}

std::string format_answer(const AttributionAnswer& answer) {
  if (answer.error) return format_answer(*answer.error);
  const Attribution& found = answer.attribution;
  std::string json = "\"ids\":";
  append_json(json, found.ids);
  json += ",\"importance\":";
  append_list(json, std::span<const double>(found.importance));
  json += ",\"target_id\":" + std::to_string(found.target);
  json += ",\"trials\":" + std::to_string(found.trials);
  json += std::string(",\"is_sufficient\":") + (found.is_sufficient ? "true" : "false");
  return json;
}

std::string format_answer(const Error& error) {
  std::string json = "\"error\":{\"code\":";
  append_json(json, to_string(error.code()));
  json += ",\"message\":";
  append_json(json,
              error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")");
  json += '}';
  return json;
}

}  // namespace tandem::cli
