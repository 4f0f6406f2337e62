// Tagged copies: tags around unchanged words, by a matcher of its own, in every strategy.
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/text_constraint.h>

#include "support/all_strategies.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Ids = std::vector<TokenId>;
using Words = std::vector<Ids>;

bool continues(const Ids& ids, std::size_t at, const Ids& part) {
  return ids.size() - at >= part.size() &&
         std::equal(part.begin(), part.end(), ids.begin() + static_cast<std::ptrdiff_t>(at));
}

// Reads `ids` from `at` on as the words from `word` on, between tags or (tag >= 0) within one that
// holds `held` words. Tries everything.
bool reads(const Ids& ids, std::size_t at, const Words& words, std::size_t word,
           const std::vector<TagTokens>& tags, int tag, int held) {
  if (at == ids.size() && word == words.size() && tag < 0) return true;
  if (word < words.size() && continues(ids, at, words[word]) &&
      reads(ids, at + words[word].size(), words, word + 1, tags, tag, held + 1))
    return true;
  if (tag >= 0) {
    const Ids& close = tags[static_cast<std::size_t>(tag)].close;
    return held > 0 && continues(ids, at, close) &&
           reads(ids, at + close.size(), words, word, tags, -1, 0);
  }
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (continues(ids, at, tags[i].open) &&
        reads(ids, at + tags[i].open.size(), words, word, tags, static_cast<int>(i), 0))
      return true;
  return false;
}

Ids text_of(const SearchOptions& options, const Hypothesis& hypothesis) {
  Ids ids = hypothesis.ids;
  if (!ids.empty() && options.is_eos(ids.back())) ids.pop_back();
  return ids;
}

// The same constraint, without a word about what is certain.
class WithoutForcedRuns : public Constraint {
 public:
  explicit WithoutForcedRuns(std::unique_ptr<Constraint> inner) : inner_(std::move(inner)) {}
  TokenMask allowed() const override { return inner_->allowed(); }
  void advance(TokenId token) override { inner_->advance(token); }
  bool can_end() const override { return inner_->can_end(); }
  std::unique_ptr<Constraint> clone() const override {
    return std::make_unique<WithoutForcedRuns>(inner_->clone());
  }

 private:
  std::unique_ptr<Constraint> inner_;
};

struct TagCase {
  Words words;
  std::vector<TagTokens> tags;
};

// Tags share their first tokens with each other and with words.
TagCase random_tag_case(std::uint64_t seed) {
  Random random(seed ^ 0x7a67);
  TagCase tag_case;
  for (int i = random.number(0, 4); i > 0; --i) {
    tag_case.words.push_back(random.tokens(1, 3, 6));
    for (TokenId& token : tag_case.words.back()) token += 4;
  }
  const std::vector<TagTokens> tags{{{10, 11}, {12, 11}}, {{10, 13}, {12, 13}}, {{5}, {6, 5}}};
  for (const TagTokens& tag : tags)
    if (random.chance(60)) tag_case.tags.push_back(tag);
  return tag_case;
}

SearchOptions options_of(const RandomCase& random_case) {
  SearchOptions options = random_case.options;
  options.prefix.clear();
  options.eos_tokens = {kEos};
  options.max_new_tokens = 40;
  return options;
}

TEST(TaggedCopy, A14TagsAreBalancedAndTheWordsUnchangedInEveryStrategy) {
  int tagged = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const TagCase tag_case = random_tag_case(seed);
    SearchOptions options = options_of(random_case);
    options.constraint = make_tagged_copy_constraint(tag_case.words, tag_case.tags);
    std::size_t words = 0;
    for (const Ids& word : tag_case.words) words += word.size();
    for (const SearchOptions& each : all_strategies(options)) {
      for (const Hypothesis& hypothesis : run(random_case.model, 0, each).hypotheses) {
        if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
        const Ids ids = text_of(each, hypothesis);
        EXPECT_TRUE(reads(ids, 0, tag_case.words, 0, tag_case.tags, -1, 0));
        tagged += ids.size() > words ? 1 : 0;
      }
    }
  }
  EXPECT_GT(tagged, 300);
}

TEST(TaggedCopy, A14AdjacentTagsOfSeveralTokensArePossible) {
  const auto at = make_tagged_copy_constraint({{4}, {5, 6}}, {{{10, 11}, {12, 13}}})->clone();
  for (const TokenId token : {10, 11, 4, 12, 13, 10, 11, 5, 6, 12, 13}) {
    EXPECT_FALSE(at->can_end());
    ASSERT_TRUE(at->allowed().allows(token)) << token;
    at->advance(token);
  }
  EXPECT_TRUE(at->can_end());
  EXPECT_TRUE(at->allowed().list()->empty());
}

TEST(TaggedCopy, A14NoTagIsEmptyNestedOrInsideAWord) {
  const auto start = make_tagged_copy_constraint({{4}, {5, 6}}, {{{10}, {12}}});
  const auto after = [&](const Ids& ids) {
    const auto at = start->clone();
    for (const TokenId token : ids) at->advance(token);
    return *at->allowed().list();
  };
  EXPECT_EQ(after({}), (Ids{4, 10}));
  EXPECT_EQ(after({10}), (Ids{4})) << "an empty tag";
  EXPECT_EQ(after({10, 4}), (Ids{5, 12})) << "a nested tag";
  EXPECT_EQ(after({4, 5}), (Ids{6})) << "a tag inside a word";
  EXPECT_EQ(after({4, 10, 5, 6}), (Ids{12})) << "a tag left open";
  EXPECT_EQ(after({4, 5, 6}), (Ids{})) << "a tag behind the last word";
}

TEST(TaggedCopy, A14JumpingForwardChangesNothingButThePasses) {
  std::int64_t jumped = 0, stepped = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = plain_case(seed);
    const TagCase tag_case = random_tag_case(seed);
    SearchOptions options = options_of(random_case);
    options.constraint = make_tagged_copy_constraint(tag_case.words, tag_case.tags);
    const RunResult with = run(random_case.model, 0, options);
    options.constraint = std::make_shared<WithoutForcedRuns>(options.constraint->clone());
    const RunResult without = run(random_case.model, 0, options);
    expect_same(with, without);
    jumped += with.stats.decoder_passes;
    stepped += without.stats.decoder_passes;
  }
  EXPECT_LT(jumped * 3, stepped * 2);
}

TEST(TaggedCopy, WithoutTagsTheOutputIsTheSourceInOnePass) {
  const RandomCase random_case = plain_case(1);
  SearchOptions options = options_of(random_case);
  options.constraint = make_tagged_copy_constraint({{4, 5}, {6}, {4}}, {});
  const RunResult result = run(random_case.model, 0, options);
  EXPECT_EQ(result.best().ids, (Ids{4, 5, 6, 4, kEos}));
  EXPECT_EQ(result.stats.decoder_passes, 1);
  EXPECT_TRUE(make_tagged_copy_constraint({}, {{{4}, {5}}})->can_end());
}

TEST(TaggedCopy, EmptyWordsAndTagsAreErrors) {
  const auto code = ErrorCode::invalid_argument;
  expect_error([] { make_tagged_copy_constraint({{4}, {}}, {}); }, code, "a word is empty");
  expect_error([] { make_tagged_copy_constraint({{4}}, {{{}, {5}}}); }, code, "a tag is empty");
  expect_error([] { make_tagged_copy_constraint({{4}}, {{{5}, {}}}); }, code, "a tag is empty");
}

}  // namespace
}  // namespace tandem::testing
