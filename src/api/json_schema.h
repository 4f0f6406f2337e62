// JSON Schema as a grammar of the texts that are values of it, in one canonical spelling. The
// subset and the spelling are described with make_json_schema_constraint (include/tandem/
// text_constraint.h).
//
// Cost:     linear in the schema; counts are written out (network.h bounds them).
// Source:   JSON Schema, draft 2020-12; RFC 8259.
// Departs:  objects hold their properties in the schema's order and nothing else, whatever
//           additionalProperties says by default there: a language to generate from, not to
//           validate by. Every text of it is a valid value.
#pragma once

#include <string_view>

#include "decoding/constraints/grammar.h"

namespace tandem {

// Throws Error: invalid_argument (no JSON, or no schema), unsupported (a keyword, with its path),
// resource_exhausted.
Grammar json_schema_grammar(std::string_view schema);

}  // namespace tandem
