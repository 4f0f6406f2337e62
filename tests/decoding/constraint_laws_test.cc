// Laws of all constraints over text, on table models where every token but the end is text.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/text_constraint.h>

#include "support/all_strategies.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

// Id 0 ends the sentence; the others are letters, pairs of letters and a few signs.
std::shared_ptr<const TokenText> text_of(TokenId vocabulary_size) {
  constexpr std::string_view kSigns = "(){}[]:,\"1";
  std::vector<TokenBytes> tokens(1);
  for (TokenId id = 1; id < vocabulary_size; ++id) {
    TokenBytes token;
    token.is_text = true;
    const auto index = static_cast<std::size_t>(id) - 1;
    token.middle = index < kSigns.size()
                       ? std::string(1, kSigns[index])
                       : std::string(1 + index % 2, static_cast<char>('a' + index / 3));
    token.first = token.middle;
    tokens.push_back(token);
  }
  return std::make_shared<const TokenText>(std::move(tokens));
}

SearchOptions options_of(RandomCase& random_case) {
  SearchOptions options = random_case.options;
  options.prefix.clear();
  options.eos_tokens = {kEos};
  options.max_new_tokens = 10;
  return options;
}

TEST(ConstraintLaws, A13AConstraintThatAcceptsEverythingChangesNothing) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions options = options_of(random_case);
    // A forced first token that ends the sentence or a suppressed one is no text either way.
    const auto text = text_of(options.vocabulary_size);
    const std::vector<std::shared_ptr<const Constraint>> everything{
        make_regex_constraint(text, "[\\s\\S]*"),
        make_grammar_constraint(text, "root ::= part*\npart ::= [^x] | 'x' root"),
        make_banned_phrases_constraint({}, options.vocabulary_size)};
    for (SearchOptions each : all_strategies(options)) {
      each.constraint = nullptr;
      const RunResult free = run(random_case.model, 0, each);
      for (const auto& constraint : everything) {
        each.constraint = constraint;
        expect_same(free, run(random_case.model, 0, each));
      }
    }
  }
}

TEST(ConstraintLaws, A15DraftsDoNotChangeAConstrainedOutput) {
  int drafted = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = mixed_case(seed);
    SearchOptions options = options_of(random_case);
    options.source = run(random_case.model, 0, options).best().ids;
    const auto text = text_of(options.vocabulary_size);
    const std::vector<std::shared_ptr<const Constraint>> constraints{
        make_regex_constraint(text, "[a-z]{0,3}[(\\[].*"),
        make_grammar_constraint(text, "root ::= ([a-z] | '(' root ')' | '[' root ']')*"),
        make_tagged_copy_constraint({{4, 5}, {6}, {7}}, {{{8, 9}, {10, 9}}}),
        make_edit_actions_constraint({{{4, 5}, {6}, {7}, {8}}, {{9}, {4}}, 2})};
    for (const auto& constraint : constraints) {
      options.constraint = constraint;
      drafted += expect_drafts_change_nothing(random_case.model, options) ? 1 : 0;
    }
  }
  EXPECT_GT(drafted, 100);
}

}  // namespace
}  // namespace tandem::testing
