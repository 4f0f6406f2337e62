// Automaton: a network (network.h) made deterministic while it runs.
//
// What it does:  a state is the set of all places in the network where the text so far may stand,
//                each with the rules it will return to. States are numbered off once and remember
//                where each byte leads, so that a text that comes again costs one look-up a byte.
//                For a regular expression these are the states of its deterministic automaton; for
//                a grammar there may be any number of them, and only those that are met are made.
// Cost:          a new transition: the arcs of the places of a state. About 300 bytes a state.
// Bounds:        a text nests at most kMostDepth rules deep, and a state of a network with calls
//                has at most kMostPlaces places (an ambiguous grammar): what goes beyond leads
//                nowhere, the same on every run. The owner throws the states away when they get
//                too many.
// Source:        Thompson 1968; Cox 2010 (RE2) for the states on demand; stacks shared by hashing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <tandem/constraint.h>

#include "decoding/constraints/network.h"

namespace tandem {

struct TextState {
  struct Place {
    std::uint32_t state, frame;  // of the network, of the automaton
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;     // ascending; those that read a byte
  bool accepting = false;        // the text may end here
  std::uint32_t distance = 0;    // bytes to an end, at least
  std::vector<TextState*> next;  // by class of byte, when one was asked for; null: not known

  // What the vocabulary makes of it; filled by TextLanguage.
  struct Mask {
    bool is_known = false;
    TokenMask tokens;
    TokenId only = -1;  // the one token that is allowed; -1: none, or several
  };
  enum class Finish : std::uint8_t { unknown, yes, no };
  std::array<Mask, 3> masks;
  std::array<Finish, 2> can_finish{};
};

// Not thread-safe; states live as long as it.
class Automaton {
 public:
  static constexpr std::uint32_t kMostDepth = 512;
  static constexpr std::size_t kMostPlaces = 1024;

  // `network` must outlive it.
  explicit Automaton(const Network& network);
  Automaton(const Automaton&) = delete;
  Automaton& operator=(const Automaton&) = delete;

  TextState* start() { return start_; }
  // Where `byte` leads; null: nowhere. Inline: masks ask it for every byte of the vocabulary.
  TextState* step(TextState* from, std::uint8_t byte) {
    const std::size_t byte_class = network_.class_of[byte];
    if (!from->next.empty() && from->next[byte_class] != nullptr)
      return from->next[byte_class] == &nowhere_ ? nullptr : from->next[byte_class];
    return make_step(from, byte_class);
  }
  // The state of another automaton over the same network.
  TextState* adopt(const Automaton& other, const TextState& state);

  std::size_t bytes() const { return bytes_; }  // taken, about

 private:
  struct Frame {
    Network::State target = 0;  // where a rule returns to
    std::uint32_t below = 0;
    std::uint32_t depth = 0;
    std::uint32_t distance = 0;  // bytes from there to the end of the text, at least
  };
  static constexpr std::uint32_t kBottom = 0;

  TextState* make_step(TextState* from, std::size_t byte_class);
  void visit(TextState::Place place);
  void expand();
  TextState* intern();
  std::uint32_t push(std::uint32_t below, Network::State target);

  const Network& network_;
  std::deque<TextState> states_;
  std::unordered_multimap<std::size_t, TextState*> index_;  // by hash of the places
  std::vector<Frame> frames_;
  std::unordered_map<std::uint64_t, std::uint32_t> frame_index_;
  TextState nowhere_;
  TextState* start_ = nullptr;
  std::size_t bytes_ = 0;

  // The state that is being made.
  std::unordered_set<std::uint64_t> seen_;
  std::vector<TextState::Place> open_, places_;
  bool accepting_ = false;
};

}  // namespace tandem
