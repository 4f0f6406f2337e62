// Regular expressions as expressions of a grammar. The syntax is described with
// make_regex_constraint (include/tandem/text_constraint.h).
//
// Cost:   linear in the pattern; groups nest at most kMostGroups deep. No pattern takes long to
//         match: there is no backtracking behind it (automaton.h).
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "decoding/constraints/grammar.h"

namespace tandem {

inline constexpr int kMostGroups = 100;

struct RegexRules {
  // Matches anywhere in the text, as JSON Schema has it, and not the whole text.
  bool is_searched = false;
  // How one of a set of characters is written; null: as it is.
  std::function<Grammar::Node(Grammar&, const CodePoints&)> write;
};

// Throws Error: invalid_argument, unsupported (both with the byte position), resource_exhausted.
Grammar::Node parse_regex(Grammar& grammar, std::string_view pattern, const RegexRules& rules = {});

// The class that begins with the '[' at `at`; moves `at` behind its ']'. Throws as above.
CodePoints parse_character_class(std::string_view pattern, std::size_t& at);

}  // namespace tandem
