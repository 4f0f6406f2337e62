// Random numbers that depend on where they are used and on nothing else.
#include "decoding/random_stream.h"

#include <cmath>
#include <cstddef>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "support/chi_square.h"

namespace tandem::testing {
namespace {

TEST(RandomStream, PhiloxGivesThePublishedAnswers) {
  // kat_vectors of the Random123 distribution, philox4x32-10.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, TheSamePlaceHasTheSameNumbersAndEveryOtherPlaceOthers) {
  std::set<double> seen;
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 40})
    for (int sample = 0; sample < 5; ++sample)
      for (int step = 0; step < 5; ++step) {
        RandomStream stream(seed, sample, step);
        RandomStream again(seed, sample, step);
        for (int i = 0; i < 5; ++i) {
          const double value = stream.uniform();
          EXPECT_EQ(value, again.uniform());
          EXPECT_TRUE(value > 0 && value < 1);
          seen.insert(value);
        }
      }
  EXPECT_EQ(seen.size(), 3U * 5 * 5 * 5);
}

TEST(RandomStream, NumbersAreUniformAlongEveryCounter) {
  const auto expect_uniform = [](auto draw) {
    std::vector<int> counts(16, 0);
    for (int i = 0; i < 16000; ++i) ++counts[static_cast<std::size_t>(16 * draw(i))];
    expect_fit(counts, std::vector<double>(16, 1.0 / 16));
  };
  RandomStream one(5, 0, 0);
  expect_uniform([&](int) { return one.uniform(); });
  expect_uniform([](int i) { return RandomStream(5, i, 0).uniform(); });
  expect_uniform([](int i) { return RandomStream(5, 0, i).uniform(); });
  expect_uniform([](int i) { return RandomStream(static_cast<std::uint64_t>(i), 0, 0).uniform(); });
}

TEST(RandomStream, TheLargestOfLogProbabilityPlusGumbelIsADraw) {
  const std::vector<double> p{0.5, 0.2, 0.2, 0.08, 0.02};
  std::vector<int> counts(p.size(), 0);
  for (int i = 0; i < 20000; ++i) {
    RandomStream random(9, i, 0);
    std::size_t best = 0;
    double best_key = -INFINITY;
    for (std::size_t token = 0; token < p.size(); ++token) {
      const double key = std::log(p[token]) + random.gumbel();
      if (key > best_key) best = token;
      best_key = std::max(key, best_key);
    }
    ++counts[best];
  }
  expect_fit(counts, p);
}

}  // namespace
}  // namespace tandem::testing
