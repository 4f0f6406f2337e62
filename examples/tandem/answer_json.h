// Answers as compact JSON: UTF-8 as it is, numbers with as many digits as it takes to read the same
// value back, and null for a number that JSON cannot write.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tandem/tandem.h>

namespace tandem::cli {

void append_json(std::string& json, std::string_view text);
void append_json(std::string& json, double value);
void append_json(std::string& json, float value);
void append_json(std::string& json, std::span<const float> values);
void append_json(std::string& json, std::span<const TokenId> ids);

// Members of an answer object, without its braces and its id.
std::string format_answer(const Output& output);

// The answer to a line of `tandem score`: that of one target, or a list.
struct ScoreAnswer {
  TargetScores scores;
  bool has_several = false;
  std::optional<Error> error;
};
std::string format_answer(const ScoreAnswer& answer);

// The answer to a line of `tandem encode`.
struct EncodeAnswer {
  Encoding encoding;
  bool has_states = false;  // also those of single positions
  std::optional<Error> error;
};
std::string format_answer(const EncodeAnswer& answer);

// The answer to a line of `tandem attribute`.
struct AttributionAnswer {
  Attribution attribution;
  std::optional<Error> error;
};
std::string format_answer(const AttributionAnswer& answer);

std::string format_answer(const Error& error);

}  // namespace tandem::cli
