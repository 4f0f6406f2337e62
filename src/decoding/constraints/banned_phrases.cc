// BannedPhrases: none of the given phrases occurs in the output.
//
// Cost:     a step compares each phrase with the end of the output (the first token that differs
//           ends the comparison) and copies one bit for each token of the vocabulary.
// Laws:     no output holds a phrase; without a phrase nothing changes (tests/decoding/
//           constraint_test.cc). Hugging Face's bad_words_ids means the same.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/error.h>

namespace tandem {
namespace {

using Words = std::vector<std::uint64_t>;

struct Bans {
  std::vector<std::vector<TokenId>> phrases;  // of two tokens or more
  std::shared_ptr<const Words> tokens;        // a bit for each token that is never banned
};

void clear_bit(Words& words, TokenId token) {
  words[static_cast<std::size_t>(token) / 64] &= ~(std::uint64_t{1} << (token % 64));
}

class BannedPhrases : public Constraint {
 public:
  explicit BannedPhrases(std::shared_ptr<const Bans> bans) : bans_(std::move(bans)) {}

  TokenMask allowed() const override {
    std::shared_ptr<Words> words;  // copied from the shared ones only if a phrase is near its end
    for (const auto& phrase : bans_->phrases) {
      const std::size_t length = phrase.size() - 1;
      if (length > output_.size()) continue;
      const auto suffix = output_.end() - static_cast<std::ptrdiff_t>(length);
      if (!std::equal(phrase.begin(), phrase.end() - 1, suffix)) continue;
      if (!words) words = std::make_shared<Words>(*bans_->tokens);
      clear_bit(*words, phrase.back());
    }
    return TokenMask::bits(words ? std::move(words) : bans_->tokens);
  }
  void advance(TokenId token) override { output_.push_back(token); }
  bool can_end() const override { return true; }
  std::unique_ptr<Constraint> clone() const override {
    return std::make_unique<BannedPhrases>(*this);
  }

 private:
  std::shared_ptr<const Bans> bans_;
  std::vector<TokenId> output_;
};

}  // namespace

std::shared_ptr<const Constraint> make_banned_phrases_constraint(
    std::vector<std::vector<TokenId>> phrases, TokenId vocabulary_size) {
  auto words = std::make_shared<Words>((static_cast<std::size_t>(vocabulary_size) + 63) / 64,
                                       ~std::uint64_t{0});
  for (const auto& phrase : phrases) {
    if (phrase.empty())
      throw Error(ErrorCode::invalid_argument, "a banned phrase is empty, expected token ids");
    for (const TokenId token : phrase) {
      if (token < 0 || token >= vocabulary_size)
        throw Error(ErrorCode::invalid_argument,
                    "a banned phrase holds token " + std::to_string(token) +
                        ", expected from 0 to " + std::to_string(vocabulary_size - 1));
    }
    if (phrase.size() == 1) clear_bit(*words, phrase.front());
  }
  std::erase_if(phrases, [](const auto& phrase) { return phrase.size() == 1; });
  return std::make_shared<BannedPhrases>(
      std::make_shared<const Bans>(Bans{std::move(phrases), std::move(words)}));
}

}  // namespace tandem
