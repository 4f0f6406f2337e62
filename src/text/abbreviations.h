// Words that end with a full stop inside a sentence, by language: short lists of our own.
#pragma once

#include <span>
#include <string_view>

namespace tandem {

// Without their last full stop; sorted by bytes.
struct Abbreviations {
  std::span<const std::string_view> always;          // "Dr. Smith"
  std::span<const std::string_view> before_numbers;  // "p. 12", and the end of a sentence elsewhere
  bool ordinals = false;  // a number with a full stop is an ordinal: "am 3. Oktober"

  bool is_always(std::string_view word) const noexcept;
  bool is_before_numbers(std::string_view word) const noexcept;
};

// For a language by its code of two or three letters, a region after it ignored ("pt-BR", "deu").
// English, German, French, Spanish and Portuguese have lists; any other code gets the English ones.
const Abbreviations& abbreviations_of(std::string_view language) noexcept;

}  // namespace tandem
