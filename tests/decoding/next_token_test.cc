// The next token: the numbers of the model's own row, in the order in which they were asked for.
#include "decoding/next_token.h"

#include <vector>

#include <gtest/gtest.h>

#include "support/random_case.h"
#include "support/table_decoder.h"

namespace tandem::testing {
namespace {

std::vector<float> ask(const TableModel& model, std::span<const TokenId> prefix,
                       std::vector<TokenId> ids) {
  TableDecoder decoder(model);
  NextToken next(1, model.vocabulary_size, prefix, std::move(ids));
  std::vector<Candidates> answers(1);
  const SentenceRows rows{0, next.rows()};
  decoder.step({&rows, 1}, answers);
  next.advance(answers.front());
  EXPECT_TRUE(next.rows().empty());
  return next.log_probs();
}

TEST(NextToken, AnyIdsInAnyOrderHaveTheNumbersOfTheWholeRow) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const TableModel model = plain_case(seed).model;
    const std::vector<TokenId> prefix = random.tokens(0, 4, model.vocabulary_size);
    std::vector<TokenId> history{1};
    history.insert(history.end(), prefix.begin(), prefix.end());
    const auto row = log_softmax(model.logits(0, history));
    const std::vector<float> all = ask(model, prefix, {});
    ASSERT_EQ(all.size(), row.size());
    for (std::size_t token = 0; token < row.size(); ++token)
      EXPECT_EQ(all[token], static_cast<float>(row[token]));
    const std::vector<TokenId> ids = random.tokens(1, 6, model.vocabulary_size);  // repeats too
    const std::vector<float> some = ask(model, prefix, ids);
    ASSERT_EQ(some.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(some[i], all[static_cast<std::size_t>(ids[i])]);
  }
}

}  // namespace
}  // namespace tandem::testing
