// Random models and random mixes of options: the inputs of the laws. The same seed gives the same
// case in every build.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "decoding/search_options.h"
#include "support/table_model.h"

namespace tandem::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mix(seed)) {}

  // From least to most, both included.
  int number(int least, int most) {
    state_ = mix(state_);
    const auto range = static_cast<std::uint64_t>(most - least + 1);
    return least + static_cast<int>((state_ >> 16) % range);
  }
  bool chance(int percent) { return number(1, 100) <= percent; }
  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[number(0, static_cast<int>(values.size()) - 1)];
  }
  std::vector<TokenId> tokens(int least_count, int most_count, TokenId vocabulary_size) {
    std::vector<TokenId> tokens(static_cast<std::size_t>(number(least_count, most_count)));
    for (TokenId& token : tokens) token = number(0, vocabulary_size - 1);
    return tokens;
  }

 private:
  std::uint64_t state_;
};

struct RandomCase {
  TableModel model;
  SearchOptions options;
};

inline constexpr TokenId kEos = 0;

// A model, a source, lengths and end tokens; no penalties and no bans.
inline RandomCase plain_case(std::uint64_t seed) {
  Random random(seed);
  RandomCase random_case;
  TableModel& model = random_case.model;
  model.vocabulary_size = random.number(16, 24);
  model.seed = seed;
  model.sharpness = random.one_of({1.0, 3.0, 6.0});
  SearchOptions& options = random_case.options;
  options.vocabulary_size = model.vocabulary_size;
  options.eos_tokens = {kEos};
  if (random.chance(25)) options.eos_tokens.push_back(3);
  options.start_token = random.one_of<TokenId>({1, 2, -1, kEos});
  options.pad_token = 1;
  options.source = random.tokens(0, 8, model.vocabulary_size);
  options.source.push_back(kEos);
  if (random.chance(30)) options.prefix = random.tokens(1, 3, model.vocabulary_size);
  options.max_new_tokens = random.number(1, 12);
  return random_case;
}

// Any mix of penalties, bans and forced tokens, such that no step runs out of tokens.
inline RandomCase mixed_case(std::uint64_t seed) {
  RandomCase random_case = plain_case(seed);
  Random random(seed ^ 0xabcdef);
  SearchOptions& options = random_case.options;
  const TokenId vocabulary = options.vocabulary_size;
  if (random.chance(30)) options.min_new_tokens = random.number(0, options.max_new_tokens);
  if (random.chance(30)) options.repetition_penalty = random.one_of({0.8, 1.2, 1.7});
  if (random.chance(20)) options.encoder_repetition_penalty = random.one_of({0.7, 1.5});
  if (random.chance(30)) options.no_repeat_ngram_size = random.number(2, 4);
  if (random.chance(20)) options.encoder_no_repeat_ngram_size = random.number(2, 3);
  if (random.chance(30)) {
    options.bad_words = {{4}, {random.number(5, 9), 6}, {7, 8, random.number(5, 9)}};
  }
  if (random.chance(20)) options.suppress_tokens = {random.number(4, vocabulary - 1)};
  if (random.chance(20)) options.begin_suppress_tokens = {random.number(0, vocabulary - 1)};
  if (random.chance(20)) options.forced_bos_token = random.number(4, 8);
  if (random.chance(20)) options.forced_eos_tokens = {kEos};
  if (random.chance(20))
    options.exponential_decay = {random.number(0, 4), random.one_of({0.9, 1.1, 1.4})};
  options.renormalize = random.chance(15);
  if (random.chance(20)) {
    options.sequence_bias = {{{random.number(0, 9)}, random.one_of({-2.0, 1.5})},
                             {{random.number(5, 9), random.number(5, 9)}, 3.0}};
  }
  return random_case;
}

inline void add_beams(std::uint64_t seed, SearchOptions& options) {
  Random random(seed ^ 0x123456);
  options.num_beams = random.number(1, 5);
  options.num_return_sequences = random.number(1, options.num_beams);
  options.early_stopping =
      random.one_of({EarlyStopping::no, EarlyStopping::yes, EarlyStopping::never});
  options.length_penalty = random.one_of({1.0, 0.0, 0.6, 2.0, -1.0});
}

// A case for beam search, from one without beams.
inline RandomCase beam_case(std::uint64_t seed, RandomCase random_case) {
  add_beams(seed, random_case.options);
  random_case.options.strategy = Beam{};
  return random_case;
}

// A model whose outputs are few enough to be enumerated.
inline RandomCase tiny_case(std::uint64_t seed, TokenId vocabulary_size, int max_new_tokens) {
  RandomCase random_case;
  random_case.model.vocabulary_size = vocabulary_size;
  random_case.model.seed = seed;
  random_case.model.sharpness = 1.5;
  SearchOptions& options = random_case.options;
  options.vocabulary_size = vocabulary_size;
  options.eos_tokens = {kEos};
  options.start_token = 1;
  options.max_new_tokens = max_new_tokens;
  return random_case;
}

}  // namespace tandem::testing
