// Grammar: the text of the output is derived from a context-free grammar.
//
// Cost, sources and bounds: text_language.h.
// Laws: every output of every strategy is derived from the grammar (tests/api/
//       strategy_constraint_test.cc).
#include <utility>

#include <tandem/text_constraint.h>

#include "decoding/constraints/ebnf.h"
#include "decoding/constraints/text_language.h"

namespace tandem {

std::shared_ptr<const Constraint> make_grammar_constraint(std::shared_ptr<const TokenText> text,
                                                          std::string_view ebnf) {
  return make_text_constraint(std::move(text), parse_ebnf(ebnf));
}

}  // namespace tandem
