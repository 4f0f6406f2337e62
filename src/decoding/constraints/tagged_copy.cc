// TaggedCopy: the source's words, unchanged and in order, with pairs of tags around runs of words.
//
// What it does:   keeps the set of places where the output may stand, because a tag may begin like
//                 the next word; each place is one row of this table:
//                   between   no tag is open; the next word, an opening tag, or behind the last
//                   word
//                             the end
//                   opening   within an opening tag
//                   copying   within a word, or before the first word of a tag: exactly its tokens
//                   inside    a tag is open and holds a word; the next word or the closing tag
//                   closing   within the closing tag
// When to use:    sequence labelling, and carrying labels over, with any model of text to text.
// Cost:           a step: the number of tags, in an ambiguous place times the places.
// Source:         the automaton of Garcia-Ferrero et al. (Sequence-Labeling-LLMs). Departs from its
//                 code, where a tag cannot follow a closing tag of several tokens at once.
// Laws:           without its tags an output is the source, token for token; tags are balanced, not
//                 nested and not empty; adjacent ones are possible (tests/decoding/
//                 tagged_copy_test.cc).
#include <algorithm>
#include <cstdint>
#include <utility>

#include <tandem/error.h>
#include <tandem/text_constraint.h>

#include "base/check.h"
#include "decoding/constraints/mask.h"

namespace tandem {
namespace {

struct Source {
  std::vector<std::vector<TokenId>> words;
  std::vector<TagTokens> tags;
};

class TaggedCopy : public Constraint {
 public:
  explicit TaggedCopy(std::shared_ptr<const Source> source) : source_(std::move(source)) {
    places_.push_back({Mode::between, kNoTag, 0, 0});
  }

  TokenMask allowed() const override {
    std::vector<TokenId> tokens;
    for (const Place& place : places_)
      for_each_step(place, [&](TokenId token, const Place&) { tokens.push_back(token); });
    return mask_of(std::move(tokens));
  }
  void advance(TokenId token) override {
    std::vector<Place> next;
    for (const Place& place : places_) {
      for_each_step(place, [&](TokenId candidate, const Place& target) {
        if (candidate != token) return;
        if (std::find(next.begin(), next.end(), target) == next.end()) next.push_back(target);
      });
    }
    TANDEM_CHECK(!next.empty());
    places_ = std::move(next);
  }
  bool can_end() const override {
    return std::any_of(places_.begin(), places_.end(), [this](const Place& place) {
      return place.mode == Mode::between && place.word == source_->words.size();
    });
  }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<TaggedCopy>(*this); }
  std::vector<TokenId> forced_run() const override {
    TaggedCopy at(*this);
    return follow_only_tokens(at);
  }

 private:
  static constexpr std::uint32_t kNoTag = UINT32_MAX;
  enum class Mode : std::uint8_t { between, opening, copying, inside, closing };
  struct Place {
    Mode mode;
    std::uint32_t tag;       // that is open, or being written
    std::uint32_t word;      // the next word, or the one being copied
    std::uint32_t progress;  // tokens of the word or of the tag that are written
    bool operator==(const Place&) const = default;
  };

  // Calls found(token, target) for each token that may come at `place`.
  template <typename Found>
  void for_each_step(const Place& place, const Found& found) const {
    switch (place.mode) {
      case Mode::between:
        step_copy({Mode::copying, kNoTag, place.word, 0}, found);
        if (place.word == source_->words.size()) return;
        for (std::uint32_t tag = 0; tag < source_->tags.size(); ++tag)
          step_tag({Mode::opening, tag, place.word, 0}, found);
        return;
      case Mode::inside:
        step_copy({Mode::copying, place.tag, place.word, 0}, found);
        return step_tag({Mode::closing, place.tag, place.word, 0}, found);
      case Mode::copying:
        return step_copy(place, found);
      case Mode::opening:
      case Mode::closing:
        return step_tag(place, found);
    }
  }

  template <typename Found>
  void step_copy(Place place, const Found& found) const {
    if (place.word == source_->words.size()) return;
    const std::vector<TokenId>& word = source_->words[place.word];
    const TokenId token = word[place.progress];
    if (++place.progress == word.size())
      place = {place.tag == kNoTag ? Mode::between : Mode::inside, place.tag, place.word + 1, 0};
    found(token, place);
  }

  template <typename Found>
  void step_tag(Place place, const Found& found) const {
    const TagTokens& tag = source_->tags[place.tag];
    const bool opens = place.mode == Mode::opening;
    const std::vector<TokenId>& tokens = opens ? tag.open : tag.close;
    const TokenId token = tokens[place.progress];
    if (++place.progress == tokens.size())
      place = opens ? Place{Mode::copying, place.tag, place.word, 0}
                    : Place{Mode::between, kNoTag, place.word, 0};
    found(token, place);
  }

  std::shared_ptr<const Source> source_;
  std::vector<Place> places_;
};

}  // namespace

std::shared_ptr<const Constraint> make_tagged_copy_constraint(
    std::vector<std::vector<TokenId>> words, std::vector<TagTokens> tags) {
  for (const auto& word : words)
    if (word.empty())
      throw Error(ErrorCode::invalid_argument, "tagged copy: a word is empty, expected its tokens");
  for (const TagTokens& tag : tags)
    if (tag.open.empty() || tag.close.empty())
      throw Error(ErrorCode::invalid_argument, "tagged copy: a tag is empty, expected its tokens");
  return std::make_shared<TaggedCopy>(
      std::make_shared<const Source>(Source{std::move(words), std::move(tags)}));
}

}  // namespace tandem
