// Whether two engines mean the same by a token id of the target side.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include <tandem/tokenizer.h>

namespace tandem {

struct EngineState;

// A number that stands for all tokens of a vocabulary (FNV-1a, 64 bits), made when it is first
// asked for. Thread-safe.
class VocabularyFingerprint {
 public:
  // None where there is no tokenizer that knows the tokens.
  std::optional<std::uint64_t> get(const Tokenizer& tokenizer) const;

 private:
  mutable std::once_flag made_;
  mutable std::optional<std::uint64_t> value_;
};

// Throws Error{invalid_argument} where `other` has another target vocabulary than `engine`: another
// size, or, where both have tokenizers, other tokens. `what` names `other`.
void check_same_target_vocabulary(const EngineState& engine, const EngineState& other,
                                  const char* what);

}  // namespace tandem
