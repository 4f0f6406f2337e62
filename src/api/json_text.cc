#include "api/json_text.h"

#include <utility>
#include <vector>

#include "decoding/constraints/regex.h"

namespace tandem {
namespace {

using Node = Grammar::Node;

const CodePoints kControls{{0, 0x1F}};
const CodePoints kEscaped{{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}};

CodePoints intersection(const CodePoints& a, const CodePoints& b) {
  CodePoints outside = a.complement();
  outside.add(b.complement());
  return outside.complement();
}

}  // namespace

// What needs no escape has none, so that there is one spelling but for control characters.
Node JsonText::character(Grammar& grammar, const CodePoints& set) {
  constexpr std::pair<char32_t, std::string_view> kShort[] = {
      {U'"', "\\\""}, {U'\\', "\\\\"}, {U'\b', "\\b"}, {U'\f', "\\f"},
      {U'\n', "\\n"}, {U'\r', "\\r"},  {U'\t', "\\t"}};
  std::vector<Node> ways{grammar.characters(intersection(set, kEscaped.complement()))};
  for (const auto& [character, escape] : kShort)
    if (set.contains(character)) ways.push_back(grammar.bytes(escape));
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (intersection(set, kControls).ranges() == kControls.ranges()) {
    ways.push_back(parse_regex(grammar, "\\\\u00[01][0-9a-f]"));
  } else {
    for (char32_t c = 0; c < 0x20; ++c)
      if (set.contains(c))
        ways.push_back(grammar.bytes(std::string("\\u00") + kDigits[c >> 4] + kDigits[c & 15]));
  }
  return grammar.choice(std::move(ways));
}

Node JsonText::string(int least, int most) {
  const Node any_character = character(grammar_, CodePoints{{0, 0x10FFFF}});
  const Node quote = grammar_.bytes("\"");
  return grammar_.sequence({quote, grammar_.repeat(any_character, least, most), quote});
}

Node JsonText::string_matching(std::string_view pattern) {
  RegexRules rules;
  rules.is_searched = true;
  rules.write = character;
  const Node quote = grammar_.bytes("\"");
  return grammar_.sequence({quote, parse_regex(grammar_, pattern, rules), quote});
}

// 15 digits are exact in a double, and a bound ends every number.
Node JsonText::integer() {
  return parse_regex(grammar_, "-?(0|[1-9]\\d{0,14})");
}

Node JsonText::number() {
  return parse_regex(grammar_, "-?(0|[1-9]\\d{0,14})(\\.\\d{1,15})?([eE][+-]?\\d{1,2})?");
}

Node JsonText::boolean() {
  return grammar_.choice({grammar_.bytes("true"), grammar_.bytes("false")});
}

Node JsonText::enclosed(std::string_view open, Node content, std::string_view close) {
  return grammar_.sequence(
      {grammar_.bytes(open), space(), content, space(), grammar_.bytes(close)});
}

Node JsonText::list(Node item, int least, int most) {
  if (most == 0) return grammar_.empty();
  const Node more = grammar_.sequence({comma(), item});
  const int most_more = most == Grammar::kUnbounded ? most : most - 1;
  const Node filled =
      grammar_.sequence({item, grammar_.repeat(more, least > 0 ? least - 1 : 0, most_more)});
  return least > 0 ? filled : grammar_.optional(filled);
}

Node JsonText::array(Node item, int least, int most) {
  return enclosed("[", list(item, least, most), "]");
}

Node JsonText::map(Node value) {
  const Node member =
      grammar_.sequence({string(0, Grammar::kUnbounded), grammar_.bytes(":"), space(), value});
  return braces(list(member, 0, Grammar::kUnbounded));
}

Node JsonText::any() {
  if (!any_) {
    any_ = grammar_.add_rule("any JSON value");
    const Node self = grammar_.call(*any_);
    grammar_.define(*any_,
                    grammar_.choice({map(self), array(self, 0, Grammar::kUnbounded),
                                     string(0, Grammar::kUnbounded), number(), boolean(), null()}));
  }
  return grammar_.call(*any_);
}

}  // namespace tandem
