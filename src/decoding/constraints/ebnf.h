// Grammars in extended Backus-Naur form. The syntax is described with make_grammar_constraint
// (include/tandem/text_constraint.h); it is that of the W3C's XML recommendation, section 6, with
// counted repetitions and regular expressions as terminals.
//
// Cost:   linear; groups nest at most kMostGroups deep (regex.h).
#pragma once

#include <string_view>

#include "decoding/constraints/grammar.h"

namespace tandem {

// Throws Error: invalid_argument (with the line), unsupported, resource_exhausted.
Grammar parse_ebnf(std::string_view text);

}  // namespace tandem
