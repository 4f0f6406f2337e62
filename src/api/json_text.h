// JSON values as parts of a grammar: the spellings that json_schema.h puts together.
#pragma once

#include <optional>
#include <string_view>

#include "decoding/constraints/grammar.h"

namespace tandem {

class JsonText {
 public:
  using Node = Grammar::Node;

  explicit JsonText(Grammar& grammar) : grammar_(grammar) {}

  // One of the characters, as it is written between the quotes of a string.
  static Node character(Grammar& grammar, const CodePoints& set);

  Node string(int least, int most);  // of so many characters; most may be Grammar::kUnbounded
  Node string_matching(std::string_view pattern);  // anywhere in it, as JSON Schema has it
  Node integer();
  Node number();
  Node boolean();
  Node null() { return grammar_.bytes("null"); }
  // [least..most] items; most may be Grammar::kUnbounded.
  Node array(Node item, int least, int most);
  // An object of any number of members with any keys.
  Node map(Node value);
  // Any value, nested as deep as the machine goes.
  Node any();

  // At most one space.
  Node space() { return grammar_.optional(grammar_.bytes(" ")); }
  // What stands between two members or items.
  Node comma() { return grammar_.sequence({grammar_.bytes(","), space()}); }
  Node braces(Node members) { return enclosed("{", members, "}"); }

 private:
  Node enclosed(std::string_view open, Node content, std::string_view close);
  Node list(Node item, int least, int most);

  Grammar& grammar_;
  std::optional<Grammar::Rule> any_;
};

}  // namespace tandem
