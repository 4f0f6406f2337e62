// Regular expressions, grammars and JSON schemas as they come from outside; the first byte says
// which. What compiles runs on a few texts.
#include <string_view>

#include "api/json_schema.h"
#include "decoding/constraints/automaton.h"
#include "decoding/constraints/ebnf.h"
#include "decoding/constraints/network.h"
#include "decoding/constraints/regex.h"
#include "fuzz/fuzz_target.h"

namespace tandem {
namespace {

Grammar parse(char kind, std::string_view text) {
  if (kind % 3 == 1) return parse_ebnf(text);
  if (kind % 3 == 2) return json_schema_grammar(text);
  Grammar grammar;
  const Grammar::Rule root = grammar.add_rule("root");
  grammar.define(root, parse_regex(grammar, text));
  return grammar;
}

}  // namespace

void fuzz_one(const FileBytes& file) {
  const std::string_view content(reinterpret_cast<const char*>(file.bytes().data()),
                                 file.bytes().size());
  if (content.empty()) return;
  const Network network = Network::compile(parse(content[0], content.substr(1)));
  Automaton automaton(network);
  for (const std::string_view text :
       {std::string_view("aaaaaaaa"), std::string_view("{\"a\": [1]}"), content}) {
    TextState* state = automaton.start();
    for (const char byte : text.substr(0, 64)) {
      state = automaton.step(state, static_cast<std::uint8_t>(byte));
      if (state == nullptr) break;
    }
  }
}

}  // namespace tandem
