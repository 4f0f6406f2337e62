// A callback that drafts is a stranger: whatever it returns, the output is greedy's; whatever it
// throws is a typed error of its own request.
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/error.h>

#include "decoding/drafters/callback.h"
#include "support/expect_error.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

using Tokens = std::vector<TokenId>;

SearchOptions with_callback(SearchOptions options, DraftFunction draft) {
  Aggressive aggressive;
  aggressive.drafter = DraftSource::callback;
  aggressive.draft = std::move(draft);
  options.strategy = aggressive;
  return options;
}

TEST(CallbackDrafter, SeesTheSourceTheOutputSoFarAndTheRoom) {
  const RandomCase random_case = plain_case(7);
  Tokens seen;
  const auto options = with_callback(
      random_case.options,
      [&](std::span<const TokenId> source, std::span<const TokenId> output, int limit) -> Tokens {
        EXPECT_EQ(Tokens(source.begin(), source.end()), random_case.options.source);
        EXPECT_GE(output.size(), seen.size());
        EXPECT_TRUE(std::equal(seen.begin(), seen.end(), output.begin()));
        seen.assign(output.begin(), output.end());
        const int generated = static_cast<int>(output.size() - random_case.options.prefix.size());
        EXPECT_GE(limit, 1);
        EXPECT_LT(limit + generated, random_case.options.max_new_tokens);
        return {};
      });
  expect_same(run(random_case.model, 0, random_case.options), run(random_case.model, 0, options));
}

TEST(CallbackDrafter, AWholeBlockAtOnceIsOnePass) {
  RandomCase random_case = plain_case(4);
  random_case.options.max_new_tokens = 12;
  const RunResult greedy = run(random_case.model, 0, random_case.options);
  auto options =
      with_callback(random_case.options, [&](auto, std::span<const TokenId> output, int) -> Tokens {
        return {greedy.best().ids.begin() + static_cast<std::ptrdiff_t>(output.size()),
                greedy.best().ids.end()};
      });
  std::get<Aggressive>(options.strategy).max_draft = 100;
  const RunResult drafted = run(random_case.model, 0, options);
  expect_same(greedy, drafted);
  EXPECT_EQ(drafted.stats.decoder_passes, 1);
}

TEST(CallbackDrafter, UnknownIdsEndTokensAndTooManyTokensAreCut) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase random_case = mixed_case(seed);
    auto random = std::make_shared<Random>(seed);
    const TokenId vocabulary = random_case.options.vocabulary_size;
    const auto options = with_callback(random_case.options, [=](auto, auto, int limit) -> Tokens {
      Tokens draft = random->tokens(0, 3 * limit, vocabulary);
      if (!draft.empty() && random->chance(50))
        draft[draft.size() / 2] = random->one_of<TokenId>({-1, vocabulary, kEos, 1 << 30});
      return draft;
    });
    expect_same(run(random_case.model, 0, random_case.options), run(random_case.model, 0, options));
  }
}

TEST(CallbackDrafter, WhatItThrowsIsATypedError) {
  const RandomCase random_case = plain_case(3);
  const auto run_with = [&](const DraftFunction& draft) {
    CallbackDrafter drafter(draft, random_case.options.source);
    drafter.propose(Tokens{}, 4);
  };
  expect_error(
      [&] {
        run_with([](auto, auto, int) -> Tokens { throw std::runtime_error("no memory file"); });
      },
      ErrorCode::invalid_argument, "no memory file");
  expect_error([&] { run_with([](auto, auto, int) -> Tokens { throw 7; }); },
               ErrorCode::invalid_argument, "no std::exception");
  expect_error(
      [&] {
        run_with([](auto, auto, int) -> Tokens {
          throw Error(ErrorCode::not_found, "the memory is gone");
        });
      },
      ErrorCode::not_found, "the memory is gone");
}

}  // namespace
}  // namespace tandem::testing
