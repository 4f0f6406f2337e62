// Network: a grammar as a recursive transition network over bytes: one small automaton for each
// rule, whose arcs read a byte or call a rule.
//
// What it does:  a regular expression is a network of one rule without calls, so one machine
//                (automaton.h) serves all constraints over text. States from which no text can be
//                completed are left out, so that every arc leads somewhere.
// Cost:          linear in the expanded grammar; counted repetitions are written out, at most
//                kMostStates states.
// Source:        Thompson 1968 (the fragments), Woods 1970 (recursive transition networks); the
//                distances by relaxation in the manner of Knuth 1977.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "decoding/constraints/grammar.h"

namespace tandem {

struct Network {
  using State = std::uint32_t;
  static constexpr std::size_t kMostStates = 1 << 15;
  static constexpr std::uint32_t kUnreachable = UINT32_MAX;  // a distance
  static constexpr std::uint32_t kFar = UINT32_MAX - 1;      // this or more

  struct Arc {
    std::uint8_t low, high;  // reads one of these bytes
    State target;
  };
  struct Call {
    Grammar::Rule rule;
    State target;  // where it goes on behind the rule
  };
  struct StateArcs {
    std::vector<Arc> arcs;
    std::vector<State> jumps;  // read nothing
    std::vector<Call> calls;
    bool is_final = false;       // its rule may end here
    std::uint32_t distance = 0;  // bytes to the end of its rule, at least; kFar: many
    bool only_returns() const { return is_final && arcs.empty() && jumps.empty() && calls.empty(); }
  };

  // Throws Error: unsatisfiable if no text is derived, unsupported for left recursion (names the
  // rule), resource_exhausted.
  static Network compile(const Grammar& grammar);

  std::vector<StateArcs> states;
  std::vector<State> starts;  // of each rule
  bool has_calls = false;
  // Bytes that no arc tells apart share a class.
  std::array<std::uint8_t, 256> class_of{};
  std::vector<std::uint8_t> byte_of_class;  // one of each
};

// The sum of two distances.
inline std::uint32_t add_distances(std::uint32_t a, std::uint32_t b) {
  if (a == Network::kUnreachable || b == Network::kUnreachable) return Network::kUnreachable;
  return a >= Network::kFar - b ? Network::kFar : a + b;
}

}  // namespace tandem
