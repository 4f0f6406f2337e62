// Character properties and normal forms, as the tokenizers ask for them.
//
// What it does:  the general category through utf8proc (Unicode 15.0 in Debian 12), White_Space
//                from its list, normal forms C, D, KC and KD, lower case, extended grapheme
//                clusters.
// Cost:          a property is one or two table loads; a normal form is linear and allocates.
// Source:        Unicode Standard Annexes 15 (normal forms) and 29 (grapheme clusters).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem::unicode {

bool is_letter(char32_t c) noexcept;           // L*
bool is_number(char32_t c) noexcept;           // N*
bool is_mark(char32_t c) noexcept;             // M*
bool is_nonspacing_mark(char32_t c) noexcept;  // Mn
bool is_punctuation(char32_t c) noexcept;      // P*, and the ASCII symbols such as $ and +
bool is_invisible(char32_t c) noexcept;        // Cc, Cf, Co
bool is_word(char32_t c) noexcept;             // \w of UTS 18: letters, marks, digits, connectors
bool is_cjk_ideograph(char32_t c) noexcept;    // the blocks that BERT treats as words of their own

bool is_decimal_digit(char32_t c) noexcept;  // Nd
// The property White_Space: \s of regular expressions. Python's str.isspace has four more.
bool is_white_space(char32_t c) noexcept;

// `text` without the characters for which `is_space` holds at its front, at its end.
using Property = bool (*)(char32_t) noexcept;
std::string_view strip_front(std::string_view text, Property is_space) noexcept;
std::string_view strip_back(std::string_view text, Property is_space) noexcept;

// The character that ends `text`, which must not be empty and must be valid UTF-8.
char32_t last_char(std::string_view text) noexcept;

enum class NormalForm { c, d, kc, kd };
// `text` must be valid UTF-8. Throws Error{resource_exhausted} where there is no memory.
std::string normalize(std::string_view text, NormalForm form);

// Each character in its full lower case, whatever its neighbours (so a final sigma is not special).
std::string to_lower(std::string_view text);

// The length in bytes of the first extended grapheme cluster of `text`, which is not empty.
std::size_t first_grapheme(std::string_view text) noexcept;

// Bytes as text, where each maximal part of a broken character becomes one U+FFFD: the substitution
// that the Unicode Standard recommends (3.9, table 3-8), Python's errors="replace", Rust's
// from_utf8_lossy. Differs from with_replacements of base/utf8.h, which counts bytes.
std::string decode_lossy(std::string_view bytes);

// The same with broken characters left out, Python's errors="ignore".
std::string decode_ignoring_errors(std::string_view bytes);

}  // namespace tandem::unicode
