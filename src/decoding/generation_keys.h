// GenerationKeys: the value of one key of GenerationOptions for a request, which is the request's
// own, or the model's, or a default; and the checks of ranges, whose messages name the key, its
// value and what was expected. Used by the files that resolve options; see search_options.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tandem/options.h>

namespace tandem {

// Each throws Error{invalid_argument} where the value is out of range.
void check_range(const char* key, int value, int least, int most);
void check_at_least(const char* key, int value, int least);
void check_positive(const char* key, double value);
void check_finite(const char* key, double value);
void check_at_least_zero(const char* key, double value);
[[noreturn]] void out_of_range(const char* key, int value, const std::string& range);
[[noreturn]] void out_of_range(const char* key, double value, const std::string& range);

class GenerationKeys {
 public:
  // Both must outlive this.
  GenerationKeys(const GenerationOptions& request, const GenerationOptions& defaults)
      : request_(request), defaults_(defaults) {}

  // The request's value, or the model's, or `fallback`.
  template <typename T, typename U>
  U get(std::optional<T> GenerationOptions::*key, U fallback) const {
    if ((request_.*key).has_value()) return *(request_.*key);
    return (defaults_.*key).has_value() ? *(defaults_.*key) : fallback;
  }
  template <typename T>
  std::vector<T> get_list(std::optional<std::vector<T>> GenerationOptions::*key) const {
    return get(key, std::vector<T>{});
  }

  const GenerationOptions& request() const { return request_; }
  const GenerationOptions& defaults() const { return defaults_; }

 private:
  const GenerationOptions& request_;
  const GenerationOptions& defaults_;
};

}  // namespace tandem
