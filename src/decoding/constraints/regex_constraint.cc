// Regex: the text of the output matches a regular expression.
//
// Cost, sources and bounds: text_language.h.
// Laws: every output of every strategy matches the pattern by another engine's judgement; a pattern
//       that matches everything changes nothing (tests/api/strategy_constraint_test.cc).
#include <utility>

#include <tandem/text_constraint.h>

#include "decoding/constraints/regex.h"
#include "decoding/constraints/text_language.h"

namespace tandem {

std::shared_ptr<const Constraint> make_regex_constraint(std::shared_ptr<const TokenText> text,
                                                        std::string_view pattern) {
  Grammar grammar;
  const Grammar::Rule root = grammar.add_rule("root");
  grammar.define(root, parse_regex(grammar, pattern));
  return make_text_constraint(std::move(text), grammar);
}

}  // namespace tandem
