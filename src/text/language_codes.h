// Language codes in messages: which known codes somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tandem {

// "the nearest of 120 languages are deu, dan, ...": the hint of an error about `unknown`, the
// codes with the smallest edit distance (Levenshtein), at most five. Cost: codes times the square
// of their length; codes longer than 32 bytes are not compared.
std::string language_hint(std::string_view unknown, std::span<const std::string> known);

}  // namespace tandem
