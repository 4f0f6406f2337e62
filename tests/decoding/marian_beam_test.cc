// Marian's beam search against a literal transcription of its rules on dense tables.
#include "decoding/marian_beam.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "support/huggingface_oracle.h"
#include "support/random_case.h"
#include "support/run_search.h"

namespace tandem::testing {
namespace {

struct Output {
  std::vector<TokenId> history;
  double sum = 0;
};

std::vector<OracleHypothesis> marian_oracle(const RandomCase& random_case, int sentence) {
  const SearchOptions& options = random_case.options;
  const auto result = [&](const Output& output) {
    const auto length = static_cast<double>(output.history.size() - 1);
    return OracleHypothesis{
        {output.history.begin() + 1, output.history.end()},
        (output.sum - options.word_penalty * length) / std::pow(length, options.length_penalty)};
  };
  std::vector<OracleHypothesis> finished;
  std::vector<Output> alive{{{options.start_token}, 0}};
  auto width = static_cast<std::size_t>(options.num_beams);
  for (int step = 1; step <= options.max_new_tokens && !alive.empty(); ++step) {
    std::vector<Output> extensions;
    for (const Output& output : alive) {
      const auto log_probs = log_softmax(random_case.model.logits(sentence, output.history));
      for (std::size_t token = 0; token < log_probs.size(); ++token) {
        const auto banned = static_cast<TokenId>(token);
        if (std::count(options.suppress_tokens.begin(), options.suppress_tokens.end(), banned) > 0)
          continue;
        Output next = output;
        next.history.push_back(banned);
        next.sum += static_cast<double>(static_cast<float>(log_probs[token]));
        extensions.push_back(std::move(next));
      }
    }
    std::stable_sort(extensions.begin(), extensions.end(),
                     [](const Output& a, const Output& b) { return a.sum > b.sum; });
    extensions.resize(std::min(extensions.size(), width));
    alive.clear();
    for (Output& output : extensions) {
      if (options.is_eos(output.history.back())) {
        finished.push_back(result(output));
        --width;
      } else {
        alive.push_back(std::move(output));
      }
    }
  }
  for (const Output& output : alive) finished.push_back(result(output));
  std::stable_sort(finished.begin(), finished.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  return finished;
}

TEST(MarianBeam, FollowsMarian) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    RandomCase random_case = plain_case(seed);
    Random random(seed ^ 0x42);
    SearchOptions& options = random_case.options;
    options.profile = Profile::marian;
    options.strategy = Beam{};
    options.start_token = -1;
    options.prefix.clear();
    options.suppress_tokens = {1};  // the unknown token
    options.num_beams = options.num_return_sequences = random.number(1, 6);
    options.length_penalty = random.one_of({0.0, 1.0, 0.6});
    options.word_penalty = random.one_of({0.0, 0.3, -0.2});
    const RunResult found = run(random_case.model, 2, options);
    const auto expected = marian_oracle(random_case, 2);
    expect_hypotheses(found, expected, 1e-9);
  }
}

}  // namespace
}  // namespace tandem::testing
