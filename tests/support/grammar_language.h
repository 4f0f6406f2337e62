// Whether a text is in the language of a grammar, byte by byte.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "decoding/constraints/automaton.h"
#include "decoding/constraints/network.h"

namespace tandem::testing {

class Language {
 public:
  explicit Language(const Grammar& grammar)
      : network_(Network::compile(grammar)), automaton_(network_) {}

  bool contains(std::string_view text) {
    TextState* state = automaton_.start();
    for (const char byte : text) {
      state = automaton_.step(state, static_cast<std::uint8_t>(byte));
      if (state == nullptr) return false;
    }
    return state->accepting;
  }

 private:
  Network network_;
  Automaton automaton_;
};

// All strings over `alphabet` of at most `length` characters, the shortest first.
inline std::vector<std::string> all_strings(std::string_view alphabet, std::size_t length) {
  std::vector<std::string> all{""};
  std::size_t begin = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t end = all.size();
    for (; begin < end; ++begin)
      for (const char c : alphabet) all.push_back(all[begin] + c);
  }
  return all;
}

}  // namespace tandem::testing
