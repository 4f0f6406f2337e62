// EditActions: the source's words in order, each kept or deleted, with insertions between.
//
// What it does:   admits i0 k1 i1 k2 ... kn in, where k1 ... kn are words of the source in their
//                 order, whole, and each i is at most `max_insertions` items of the insertions. The
//                 words that are left out are the deleted ones. As an insertion may look like a
//                 word, the set of places is kept where the output may stand.
// When to use:    correction and simplification, where the output must stay close to its source.
// Cost:           a step: the words that are left, and the insertions that may begin.
// Source:         the actions of Li et al. 2022, arXiv 2205.10884 (Sequence-to-Action), as a
//                 language; the bound on insertions in a row is ours, and keeps it one.
// Laws:           every output of every strategy is a way to keep, delete and insert, by a matcher
//                 of its own; without insertions it is a subsequence of the words (tests/decoding/
//                 edit_actions_test.cc).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <tandem/error.h>
#include <tandem/text_constraint.h>

#include "base/check.h"
#include "decoding/constraints/mask.h"
#include "decoding/constraints/sequence_trie.h"

namespace tandem {
namespace {

struct Language {
  std::vector<std::vector<TokenId>> words;
  SequenceTrie insertions;
  std::uint32_t max_insertions;
};

class EditActionsConstraint : public Constraint {
 public:
  explicit EditActionsConstraint(std::shared_ptr<const Language> language)
      : language_(std::move(language)) {
    places_.push_back({Mode::between, 0, 0, 0});
  }

  TokenMask allowed() const override {
    std::vector<TokenId> tokens;
    for (const Place& place : places_) {
      if (place.mode == Mode::keeping) {
        tokens.push_back(language_->words[place.word][place.progress]);
        continue;
      }
      if (place.mode == Mode::between)
        for (std::size_t word = place.word; word < language_->words.size(); ++word)
          tokens.push_back(language_->words[word].front());
      if (may_insert(place)) {
        const auto more = language_->insertions.tokens(place.progress);
        tokens.insert(tokens.end(), more.begin(), more.end());
      }
    }
    return mask_of(std::move(tokens));
  }
  void advance(TokenId token) override {
    const std::vector<Place> before = std::exchange(places_, {});
    for (const Place& place : before) {
      if (place.mode == Mode::keeping) {
        keep(place.word, place.progress, token);
        continue;
      }
      if (place.mode == Mode::between)
        for (std::uint32_t word = place.word; word < language_->words.size(); ++word)
          keep(word, 0, token);
      if (may_insert(place)) insert(place, token);
    }
    TANDEM_CHECK(!places_.empty());
  }
  bool can_end() const override {
    return std::any_of(places_.begin(), places_.end(),
                       [](const Place& place) { return place.mode == Mode::between; });
  }
  std::unique_ptr<Constraint> clone() const override {
    return std::make_unique<EditActionsConstraint>(*this);
  }
  std::vector<TokenId> forced_run() const override {
    EditActionsConstraint at(*this);
    return follow_only_tokens(at);
  }

 private:
  enum class Mode : std::uint8_t { between, keeping, inserting };
  struct Place {
    Mode mode;
    std::uint32_t word;      // the first that may be kept, or the one that is being kept
    std::uint32_t progress;  // tokens of the word that are written; node of the insertions
    std::uint32_t inserted;  // items since the last kept word
  };

  bool may_insert(const Place& place) const {
    return place.mode == Mode::inserting || place.inserted < language_->max_insertions;
  }

  void keep(std::uint32_t word, std::uint32_t progress, TokenId token) {
    const std::vector<TokenId>& tokens = language_->words[word];
    if (tokens[progress] != token) return;
    if (progress + 1 == tokens.size()) {
      add({Mode::between, word + 1, 0, 0});
    } else {
      add({Mode::keeping, word, progress + 1, 0});
    }
  }

  void insert(const Place& place, TokenId token) {
    const SequenceTrie::Node node = language_->insertions.child(place.progress, token);
    if (node == SequenceTrie::kNone) return;
    if (!language_->insertions.tokens(node).empty())
      add({Mode::inserting, place.word, node, place.inserted});
    if (language_->insertions.is_member(node))
      add({Mode::between, place.word, 0, place.inserted + 1});
  }

  // Of two places that differ only so, the one with more words and more insertions left serves.
  void add(const Place& place) {
    const auto serves = [](const Place& a, const Place& b) {
      const bool same_word = a.mode != Mode::keeping ? a.word <= b.word : a.word == b.word;
      return a.mode == b.mode && a.progress == b.progress && same_word && a.inserted <= b.inserted;
    };
    const auto better = [&](const Place& other) { return serves(other, place); };
    if (std::any_of(places_.begin(), places_.end(), better)) return;
    std::erase_if(places_, [&](const Place& other) { return serves(place, other); });
    places_.push_back(place);
  }

  std::shared_ptr<const Language> language_;
  std::vector<Place> places_;
};

}  // namespace

std::shared_ptr<const Constraint> make_edit_actions_constraint(EditActions actions) {
  const auto is_empty = [](const auto& tokens) { return tokens.empty(); };
  if (std::any_of(actions.words.begin(), actions.words.end(), is_empty))
    throw Error(ErrorCode::invalid_argument, "edit actions: a word is empty, expected its tokens");
  if (std::any_of(actions.insertions.begin(), actions.insertions.end(), is_empty))
    throw Error(ErrorCode::invalid_argument,
                "edit actions: an insertion is empty, expected its tokens");
  if (actions.max_insertions < 0)
    throw Error(ErrorCode::invalid_argument, "edit actions: max_insertions is negative");
  return std::make_shared<EditActionsConstraint>(std::make_shared<const Language>(
      Language{std::move(actions.words), SequenceTrie(std::move(actions.insertions)),
               static_cast<std::uint32_t>(actions.max_insertions)}));
}

}  // namespace tandem
