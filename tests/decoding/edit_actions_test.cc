// Edits: words kept or deleted in order, with bounded insertions, by a matcher of its own.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/text_constraint.h>

#include "decoding/constraints/sequence_trie.h"
#include "support/all_strategies.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;

bool continues(const Ids& ids, std::size_t at, const Ids& part) {
  return ids.size() - at >= part.size() &&
         std::equal(part.begin(), part.end(), ids.begin() + static_cast<std::ptrdiff_t>(at));
}

// Reads `ids` from `at` on with the words from `word` on, behind `inserted` insertions.
bool reads(const Ids& ids, std::size_t at, const EditActions& actions, std::size_t word,
           int inserted) {
  if (at == ids.size()) return true;
  if (inserted < actions.max_insertions)
    for (const Ids& item : actions.insertions)
      if (continues(ids, at, item) && reads(ids, at + item.size(), actions, word, inserted + 1))
        return true;
  for (std::size_t i = word; i < actions.words.size(); ++i)
    if (continues(ids, at, actions.words[i]) &&
        reads(ids, at + actions.words[i].size(), actions, i + 1, 0))
      return true;
  return false;
}

EditActions random_actions(std::uint64_t seed) {
  Random random(seed ^ 0xed17);
  EditActions actions;
  for (int i = random.number(0, 5); i > 0; --i) actions.words.push_back(random.tokens(1, 3, 5));
  for (int i = random.number(0, 3); i > 0; --i)
    actions.insertions.push_back(random.tokens(1, 3, 6));
  for (auto* list : {&actions.words, &actions.insertions})
    for (Ids& tokens : *list)
      for (TokenId& token : tokens) token += 4;
  actions.max_insertions = random.number(0, 2);
  return actions;
}

TEST(EditActions, EveryOutputOfEveryStrategyIsAnEdit) {
  int edited = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const EditActions actions = random_actions(seed);
    SearchOptions options = random_case.options;
    options.prefix.clear();
    options.eos_tokens = {kEos};
    options.max_new_tokens = 12;
    options.constraint = make_edit_actions_constraint(actions);
    for (const SearchOptions& each : all_strategies(options)) {
      for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses) {
        if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
        Ids ids = hypothesis.ids;
        if (!ids.empty() && each.is_eos(ids.back())) ids.pop_back();
        EXPECT_TRUE(reads(ids, 0, actions, 0, 0));
        edited += ids.empty() ? 0 : 1;
      }
    }
  }
  EXPECT_GT(edited, 500);
}

// Masks against the matcher, on everything that is short.
TEST(EditActions, AllowsExactlyTheBeginningsOfEdits) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const EditActions actions = random_actions(seed);
    const auto start = make_edit_actions_constraint(actions);
    std::vector<std::pair<Ids, std::shared_ptr<Constraint>>> open{{{}, start->clone()}};
    for (int length = 0; length < 5; ++length) {
      std::vector<std::pair<Ids, std::shared_ptr<Constraint>>> next;
      for (const auto& [ids, at] : open) {
        ASSERT_EQ(at->can_end(), reads(ids, 0, actions, 0, 0));
        for (TokenId token = 4; token < 11; ++token) {
          Ids more = ids;
          more.push_back(token);
          if (!at->allowed().allows(token)) {
            ASSERT_FALSE(reads(more, 0, actions, 0, 0));
            continue;
          }
          next.emplace_back(more, at->clone());
          next.back().second->advance(token);
        }
      }
      open = std::move(next);
    }
  }
}

TEST(EditActions, KeepingEverythingAndDeletingEverythingAreEdits) {
  const auto start = make_edit_actions_constraint({{{4, 5}, {6}}, {{7}}, 1});
  EXPECT_TRUE(start->can_end());
  const auto at = start->clone();
  for (const TokenId token : {4, 5, 7, 6}) {
    ASSERT_TRUE(at->allowed().allows(token));
    at->advance(token);
  }
  EXPECT_TRUE(at->can_end());
  EXPECT_EQ(*at->allowed().list(), (Ids{7}));
}

TEST(EditActions, EmptyPartsAreErrors) {
  const auto code = ErrorCode::invalid_argument;
  expect_error([] { make_edit_actions_constraint({{{}}, {}, 1}); }, code, "a word is empty");
  expect_error([] { make_edit_actions_constraint({{}, {{}}, 1}); }, code, "an insertion is empty");
  expect_error([] { make_edit_actions_constraint({{}, {}, -1}); }, code, "negative");
}

TEST(SequenceTrie, AMillionSequencesAreFoundAgain) {
  Random random(5);
  std::vector<Ids> sequences;
  for (int i = 0; i < 1'000'000; ++i) sequences.push_back(random.tokens(1, 5, 32'000));
  const SequenceTrie trie(sequences);
  for (std::size_t i = 0; i < sequences.size(); i += 97) {
    SequenceTrie::Node node = SequenceTrie::kRoot;
    for (const TokenId token : sequences[i]) {
      node = trie.child(node, token);
      ASSERT_NE(node, SequenceTrie::kNone);
    }
    EXPECT_TRUE(trie.is_member(node));
  }
  EXPECT_FALSE(trie.is_member(SequenceTrie::kRoot));
  EXPECT_EQ(trie.child(SequenceTrie::kRoot, 32'000), SequenceTrie::kNone);
}

}  // namespace
}  // namespace tandem::testing
