#include "decoding/constraints/text_language.h"

#include <algorithm>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include <tandem/error.h>

#include "base/check.h"
#include "decoding/constraints/mask.h"

namespace tandem {
TextLanguage::TextLanguage(std::shared_ptr<const TokenText> text, const Grammar& grammar)
    : text_(std::move(text)),
      network_(Network::compile(grammar)),
      automaton_(std::make_shared<Automaton>(network_)) {
  const Position position = start();
  const TokenMask first = allowed(position);
  if (!position.can_end() && first.list() != nullptr && first.list()->empty())
    throw Error(ErrorCode::unsatisfiable,
                "no text that meets the constraint can be written with this vocabulary");
}

TextLanguage::Position TextLanguage::start() const {
  const std::lock_guard lock(mutex_);
  return {automaton_, automaton_->start(), Phase::front, false};
}

TokenMask TextLanguage::allowed(const Position& position) const {
  const std::lock_guard lock(mutex_);
  return mask(*position.automaton, position.state, position.phase).tokens;
}

void TextLanguage::advance(Position& position, TokenId token) const {
  const std::lock_guard lock(mutex_);
  if (automaton_->bytes() > kMostBytes) automaton_ = std::make_shared<Automaton>(network_);
  if (position.automaton != automaton_) {
    position.state = automaton_->adopt(*position.automaton, *position.state);
    position.automaton = automaton_;
  }
  read(position, token);
}

std::vector<TokenId> TextLanguage::forced_run(Position position) const {
  const std::lock_guard lock(mutex_);
  std::vector<TokenId> run;
  while (!position.can_end() && run.size() < kLongestRun) {
    const TokenId only = mask(*position.automaton, position.state, position.phase).only;
    if (only < 0) break;
    run.push_back(only);
    read(position, only);
  }
  return run;
}

void TextLanguage::read(Position& position, TokenId token) const {
  const TokenBytes& bytes = (*text_)[token];
  TANDEM_CHECK(bytes.is_text);
  const bool at_front = position.phase == Phase::front;
  for (const char byte : at_front ? bytes.first : bytes.middle) {
    position.state = position.automaton->step(position.state, static_cast<std::uint8_t>(byte));
    TANDEM_CHECK(position.state != nullptr);
  }
  const bool is_blank = at_front && bytes.first.empty();
  position.phase = is_blank ? Phase::behind_blank : Phase::inside;
  position.is_cut = !is_blank && bytes.is_cut_at_end;
}

void TextLanguage::check_size(const Automaton& automaton) const {
  if (automaton.bytes() > kMostStepBytes)
    throw Error(ErrorCode::resource_exhausted,
                "one step of a constraint needs more than " + std::to_string(kMostStepBytes) +
                    " bytes of states",
                "simplify the pattern or the grammar");
}

// Calls found(token, state) for each token that `from` accepts, until it returns false.
template <typename Found>
void TextLanguage::walk(Automaton& automaton, TextState* from, const TokenTrie& trie,
                        const Found& found) const {
  std::vector<TextState*> path(trie.max_depth() + 1);  // path[d]: behind d bytes
  path[0] = from;
  bool goes_on = true;
  trie.walk(
      [&](std::size_t depth, std::uint8_t byte) {
        path[depth + 1] = automaton.step(path[depth], byte);
        return goes_on && path[depth + 1] != nullptr;
      },
      [&](std::size_t depth, TokenId token) {
        goes_on = goes_on && found(token, path[depth + 1]);
      });
  check_size(automaton);
}

const TextState::Mask& TextLanguage::mask(Automaton& automaton, TextState* state,
                                          Phase phase) const {
  TextState::Mask& known = state->masks[static_cast<std::size_t>(phase)];
  if (known.is_known) return known;
  const TokenIndex& index = text_->index();
  const TokenTrie& trie = phase == Phase::front          ? index.front
                          : phase == Phase::behind_blank ? index.behind_blank
                                                         : index.middle;
  std::vector<TokenId> tokens;
  walk(automaton, state, trie, [&](TokenId token, TextState* next) {
    const bool is_cut = index.cut_at_end[static_cast<std::size_t>(token)];
    if (can_finish(automaton, next, is_cut)) tokens.push_back(token);
    return true;
  });
  if (phase == Phase::front && !index.blanks.empty()) {
    const TokenMask behind = mask(automaton, state, Phase::behind_blank).tokens;
    if (state->accepting || behind.list() == nullptr || !behind.list()->empty())
      tokens.insert(tokens.end(), index.blanks.begin(), index.blanks.end());
  }
  known.only = tokens.size() == 1 ? tokens.front() : -1;
  known.tokens = mask_of(std::move(tokens));
  known.is_known = true;
  return known;
}

bool TextLanguage::can_finish(Automaton& automaton, TextState* state, bool is_cut) const {
  if (text_->index().writes_every_byte || (state->accepting && !is_cut)) return true;
  const TextState::Finish known = state->can_finish[is_cut ? 1 : 0];
  if (known != TextState::Finish::unknown) return known == TextState::Finish::yes;
  // Single characters nearly always suffice, and are few.
  return search(automaton, state, is_cut, text_->index().characters) ||
         search(automaton, state, is_cut, text_->index().middle);
}

// A state that a search has come to, and from where.
struct TextLanguage::Reached {
  TextState* state;
  bool is_cut;
  std::size_t from;

  TextState::Finish& known() const { return state->can_finish[is_cut ? 1 : 0]; }
};

bool TextLanguage::search(Automaton& automaton, TextState* state, bool is_cut,
                          const TokenTrie& trie) const {
  using Finish = TextState::Finish;
  const TokenIndex& index = text_->index();
  std::vector<Reached> reached;
  std::set<std::pair<TextState*, bool>> seen;
  // The nearest to an end first, then the first that was reached.
  std::priority_queue<std::pair<std::uint32_t, std::size_t>,
                      std::vector<std::pair<std::uint32_t, std::size_t>>, std::greater<>>
      open;
  const auto reach = [&](TextState* next, bool cut, std::size_t from) {
    if (!seen.emplace(next, cut).second) return;
    open.emplace(next->distance, reached.size());
    reached.push_back({next, cut, from});
  };
  reach(state, is_cut, 0);
  for (std::size_t searched = 0; !open.empty(); ++searched) {
    if (searched == kMostSearched) return true;
    const std::size_t at = open.top().second;
    open.pop();
    bool found = false;
    walk(automaton, reached[at].state, trie, [&](TokenId token, TextState* next) {
      const bool cut = index.cut_at_end[static_cast<std::size_t>(token)];
      const Finish known = next->can_finish[cut ? 1 : 0];
      found = (next->accepting && !cut) || known == Finish::yes;
      if (!found && known == Finish::unknown) reach(next, cut, at);
      return !found;
    });
    if (!found) continue;
    for (std::size_t i = at; i != 0; i = reached[i].from) reached[i].known() = Finish::yes;
    reached[0].known() = Finish::yes;
    return true;
  }
  // Nothing is left to try. With all tokens that is a proof, for everything that was reached.
  if (&trie == &index.middle)
    for (const Reached& each : reached) each.known() = Finish::no;
  return false;
}

namespace {

class TextConstraint : public Constraint {
 public:
  explicit TextConstraint(std::shared_ptr<const TextLanguage> language)
      : language_(std::move(language)), at_(language_->start()) {}

  TokenMask allowed() const override { return language_->allowed(at_); }
  void advance(TokenId token) override { language_->advance(at_, token); }
  bool can_end() const override { return at_.can_end(); }
  std::unique_ptr<Constraint> clone() const override {
    return std::make_unique<TextConstraint>(*this);
  }
  std::vector<TokenId> forced_run() const override { return language_->forced_run(at_); }

 private:
  std::shared_ptr<const TextLanguage> language_;
  TextLanguage::Position at_;
};

}  // namespace

std::shared_ptr<const Constraint> make_text_constraint(std::shared_ptr<const TokenText> text,
                                                       const Grammar& grammar) {
  return std::make_shared<TextConstraint>(
      std::make_shared<const TextLanguage>(std::move(text), grammar));
}

}  // namespace tandem
