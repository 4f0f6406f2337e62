// TextLanguage: a language of texts, met by the tokens of a vocabulary.
//
// What it does:  for each state of the language's automaton, the tokens whose bytes it accepts and
//                after which tokens can still complete the text. Shared by all hypotheses, requests
//                and threads that obey one constraint.
// Cost:          a state that is known: a look-up under a lock. A new one: a walk over the
//                vocabulary's trie (bench/constraints_bench.cc prints both).
// Completion:    where every byte is a token, bytes decide. Else a state counts as alive if a
//                search over tokens, nearest end first, finds one. After kMostSearched states
//                without an answer it counts as alive too: such a search may then end unsatisfied,
//                but never with a text outside the language.
// Bounds:        kMostBytes for the states, then they are made anew; within one step at most
//                kMostStepBytes, else Error{resource_exhausted}.
// Source:        Willard & Louf 2023, arXiv 2307.09702 (a mask for each state, kept); here the
//                automaton is over bytes, so that no text depends on how it is cut into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/text_constraint.h>

#include "decoding/constraints/automaton.h"
#include "decoding/constraints/token_index.h"

namespace tandem {

class TextLanguage {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{32} << 20;
  static constexpr std::size_t kMostStepBytes = std::size_t{512} << 20;
  static constexpr std::size_t kMostSearched = 4096;
  static constexpr std::size_t kLongestRun = 64;

  // Throws Error as Network::compile, and unsatisfiable if the vocabulary writes no text of it.
  TextLanguage(std::shared_ptr<const TokenText> text, const Grammar& grammar);

  // How far an output has come.
  struct Position {
    enum class Phase : std::uint8_t { front, behind_blank, inside };
    std::shared_ptr<Automaton> automaton;  // keeps the state alive
    TextState* state = nullptr;
    Phase phase = Phase::front;
    bool is_cut = false;  // the last token would lose its space at the end

    bool can_end() const { return state->accepting && !is_cut; }
  };

  // All thread-safe.
  Position start() const;
  TokenMask allowed(const Position& position) const;
  void advance(Position& position, TokenId token) const;
  std::vector<TokenId> forced_run(Position position) const;

 private:
  using Phase = Position::Phase;
  struct Reached;

  const TextState::Mask& mask(Automaton& automaton, TextState* state, Phase phase) const;
  void read(Position& position, TokenId token) const;
  template <typename Found>
  void walk(Automaton& automaton, TextState* from, const TokenTrie& trie, const Found& found) const;
  bool can_finish(Automaton& automaton, TextState* state, bool is_cut) const;
  bool search(Automaton& automaton, TextState* state, bool is_cut, const TokenTrie& trie) const;
  void check_size(const Automaton& automaton) const;

  const std::shared_ptr<const TokenText> text_;
  const Network network_;
  mutable std::mutex mutex_;  // guards everything below and the automatons of positions
  mutable std::shared_ptr<Automaton> automaton_;
};

// A constraint in the language of `grammar`. Throws as TextLanguage does.
std::shared_ptr<const Constraint> make_text_constraint(std::shared_ptr<const TokenText> text,
                                                       const Grammar& grammar);

}  // namespace tandem
