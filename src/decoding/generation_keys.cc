#include "decoding/generation_keys.h"

#include <cmath>

#include <tandem/error.h>

namespace tandem {
namespace {

[[noreturn]] void refuse(const char* key, const std::string& value, const std::string& range) {
  throw Error(ErrorCode::invalid_argument,
              std::string("option ") + key + " is " + value + ", expected " + range);
}

std::string to_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text += '0';
  return text;
}

}  // namespace

void out_of_range(const char* key, int value, const std::string& range) {
  refuse(key, std::to_string(value), range);
}

void out_of_range(const char* key, double value, const std::string& range) {
  refuse(key, to_text(value), range);
}

void check_range(const char* key, int value, int least, int most) {
  if (value < least || value > most)
    out_of_range(key, value, "from " + std::to_string(least) + " to " + std::to_string(most));
}

void check_at_least(const char* key, int value, int least) {
  if (value < least) out_of_range(key, value, "at least " + std::to_string(least));
}

void check_positive(const char* key, double value) {
  if (!std::isfinite(value) || value <= 0) out_of_range(key, value, "a number above 0");
}

void check_finite(const char* key, double value) {
  if (!std::isfinite(value)) out_of_range(key, value, "a finite number");
}

void check_at_least_zero(const char* key, double value) {
  check_finite(key, value);
  if (value < 0) out_of_range(key, value, "at least 0");
}

}  // namespace tandem
