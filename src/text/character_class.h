// The few classes of characters that tokenizers and the sentence splitter ask for.
#pragma once

#include <string_view>

namespace tandem {

// White space as Python's str.strip and str.split see it: Unicode's White_Space without a few
// controls, and U+001C to U+001F.
bool is_space(char32_t c) noexcept;

// Letters of the scripts that have two cases: Latin, Greek, Cyrillic, Armenian. Decided by ranges
// and by the alternation of cases in the extended blocks, so a few historic letters are missed.
bool is_upper(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;

// Decimal digits of ASCII and the full-width forms.
bool is_digit(char32_t c) noexcept;

// `text` without white space at both ends.
std::string_view strip(std::string_view text) noexcept;

}  // namespace tandem
