#include "decoding/constraints/regex.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"

namespace tandem {
namespace {

using Node = Grammar::Node;

const CodePoints kDigits{{U'0', U'9'}};
const CodePoints kWord{{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}};
const CodePoints kSpace{{U'\t', U'\r'}, {U' ', U' '}};
const CodePoints kLineEnd{{U'\n', U'\n'}};
const CodePoints kEverything{{0, 0x10FFFF}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Reads a pattern from left to right.
class Reader {
 public:
  explicit Reader(std::string_view pattern, std::size_t at = 0) : pattern_(pattern), at_(at) {}

  bool at_end() const { return at_ >= pattern_.size(); }
  std::size_t position() const { return at_; }
  char peek() const { return at_end() ? '\0' : pattern_[at_]; }
  bool starts_with(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t take_character() {
    if (at_end()) fail("more was expected");
    const Utf8Char c = first_char(pattern_.substr(at_));
    if (!c.valid) fail("the pattern is no UTF-8");
    at_ += c.bytes;
    return c.code_point;
  }

  [[noreturn]] void fail(const std::string& what,
                         ErrorCode code = ErrorCode::invalid_argument) const {
    throw Error(code, "regular expression " + quote(pattern_) + ", at byte " + std::to_string(at_) +
                          ": " + what);
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    fail(what + " cannot be used in a constraint", ErrorCode::unsupported);
  }

  // What a backslash, which is taken, and the characters behind it stand for.
  CodePoints take_escape();
  // A class, whose '[' is taken.
  CodePoints take_class();
  // A count such as 12; nothing if there is no digit.
  std::optional<int> take_count();

 private:
  char32_t take_hexadecimal(std::size_t digits);
  char32_t take_braced_hexadecimal();
  CodePoints take_class_item();

  std::string_view pattern_;
  std::size_t at_;
};

int hexadecimal_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char32_t Reader::take_hexadecimal(std::size_t digits) {
  char32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int digit = hexadecimal_value(peek());
    if (digit < 0) fail("a hexadecimal digit was expected");
    value = value * 16 + static_cast<char32_t>(digit);
    ++at_;
  }
  return value;
}

char32_t Reader::take_braced_hexadecimal() {
  char32_t value = 0;
  do {
    value = value * 16 + take_hexadecimal(1);
    if (value > 0x10FFFF) fail("a character up to 10FFFF was expected");
  } while (!take("}"));
  return value;
}

CodePoints Reader::take_escape() {
  const char letter = peek();
  if (at_end()) fail("a backslash ends the pattern");
  if (!is_digit(letter) && !is_letter(letter)) return CodePoints(take_character());
  ++at_;
  switch (letter) {
    case 'd':
      return kDigits;
    case 'D':
      return kDigits.complement();
    case 'w':
      return kWord;
    case 'W':
      return kWord.complement();
    case 's':
      return kSpace;
    case 'S':
      return kSpace.complement();
    case 'n':
      return CodePoints(U'\n');
    case 'r':
      return CodePoints(U'\r');
    case 't':
      return CodePoints(U'\t');
    case 'f':
      return CodePoints(U'\f');
    case 'v':
      return CodePoints(U'\v');
    case '0':
      return CodePoints(U'\0');
    case 'x':
      return CodePoints(take_hexadecimal(2));
    case 'u':
      return CodePoints(take("{") ? take_braced_hexadecimal() : take_hexadecimal(4));
    default:
      break;
  }
  --at_;
  if (letter == 'b' || letter == 'B') unsupported("a word boundary");
  if (is_digit(letter) || letter == 'k') unsupported("a back-reference");
  if (letter == 'p' || letter == 'P') unsupported("a Unicode property");
  unsupported("the escape \\" + std::string(1, letter));
}

CodePoints Reader::take_class_item() {
  if (starts_with("[:")) unsupported("a POSIX class");
  return take("\\") ? take_escape() : CodePoints(take_character());
}

CodePoints Reader::take_class() {
  const bool is_negated = take("^");
  CodePoints set;
  if (peek() == ']') fail("a class is empty; write \\] for the bracket itself");
  while (!take("]")) {
    const CodePoints low = take_class_item();
    if (peek() != '-' || starts_with("-]")) {
      set.add(low);
      continue;
    }
    take("-");
    const CodePoints high = take_class_item();
    const auto one = [](const CodePoints& points) {
      return points.ranges().size() == 1 && points.ranges()[0].first == points.ranges()[0].second;
    };
    if (!one(low) || !one(high) || low.ranges()[0].first > high.ranges()[0].first)
      fail("a range from a lower to a higher character was expected");
    set.add(low.ranges()[0].first, high.ranges()[0].first);
  }
  return is_negated ? set.complement() : set;
}

std::optional<int> Reader::take_count() {
  if (!is_digit(peek())) return std::nullopt;
  int count = 0;
  for (; is_digit(peek()); ++at_) {
    count = count * 10 + (peek() - '0');
    if (count > Grammar::kMostRepeats)
      fail("at most " + std::to_string(Grammar::kMostRepeats) + " repetitions are possible",
           ErrorCode::resource_exhausted);
  }
  return count;
}

class RegexParser {
 public:
  RegexParser(Grammar& grammar, std::string_view pattern, const RegexRules& rules)
      : grammar_(grammar), reader_(pattern), rules_(rules) {}

  Node parse() {
    const Node node = choice(0);
    if (!reader_.at_end()) reader_.fail("a ) without its (");
    return node;
  }

 private:
  Node characters(const CodePoints& set) {
    return rules_.write ? rules_.write(grammar_, set) : grammar_.characters(set);
  }
  Node anything() { return grammar_.repeat(characters(kEverything), 0, Grammar::kUnbounded); }

  // Recursion goes with the groups, which are bounded.
  Node choice(int depth) {
    if (depth > kMostGroups)
      reader_.fail("groups are nested more than " + std::to_string(kMostGroups) + " deep",
                   ErrorCode::resource_exhausted);
    std::vector<Node> alternatives;
    do {
      alternatives.push_back(depth == 0 ? outer_sequence() : grammar_.sequence(sequence(depth)));
    } while (reader_.take("|"));
    return grammar_.choice(std::move(alternatives));
  }

  // An alternative of the whole pattern, where anchors may stand.
  Node outer_sequence() {
    const bool begins = reader_.take("^");
    std::vector<Node> parts = sequence(0);
    const bool ends = reader_.take("$");
    if (ends && !reader_.at_end() && reader_.peek() != '|')
      reader_.unsupported("an anchor inside a pattern");
    if (rules_.is_searched && !begins) parts.insert(parts.begin(), anything());
    if (rules_.is_searched && !ends) parts.push_back(anything());
    return grammar_.sequence(std::move(parts));
  }

  std::vector<Node> sequence(int depth) {
    std::vector<Node> parts;
    while (!reader_.at_end() && reader_.peek() != '|' && reader_.peek() != ')') {
      if (reader_.peek() == '$' && depth == 0) break;
      const Node atom = this->atom(depth);
      parts.push_back(repeated(atom));
    }
    return parts;
  }

  Node atom(int depth) {
    if (reader_.take("(")) return group(depth);
    if (reader_.take("[")) return characters(reader_.take_class());
    if (reader_.take("\\")) return characters(reader_.take_escape());
    if (reader_.take(".")) return characters(kLineEnd.complement());
    const char c = reader_.peek();
    if (c == '^' || c == '$') reader_.unsupported("an anchor inside a pattern");
    if (c == '*' || c == '+' || c == '?') reader_.fail("there is nothing to repeat");
    return characters(CodePoints(reader_.take_character()));
  }

  Node group(int depth) {
    if (reader_.take("?")) {
      if (reader_.starts_with("=") || reader_.starts_with("!") || reader_.starts_with("<=") ||
          reader_.starts_with("<!"))
        reader_.unsupported("look-around");
      const bool is_named = reader_.take("P<") || reader_.take("<");
      if (is_named) {
        while (!reader_.take(">")) reader_.take_character();
      } else if (!reader_.take(":")) {
        reader_.unsupported("this kind of group");
      }
    }
    const Node node = choice(depth + 1);
    if (!reader_.take(")")) reader_.fail("a ) was expected");
    return node;
  }

  Node repeated(Node atom) {
    int least = 0, most = Grammar::kUnbounded;
    if (reader_.take("+")) {
      least = 1;
    } else if (reader_.take("?")) {
      most = 1;
    } else if (!reader_.take("*") && !take_braces(least, most)) {
      return atom;
    }
    reader_.take("?");  // which match is found first is not asked here
    if (reader_.peek() == '+') reader_.unsupported("a possessive repetition");
    if (reader_.peek() == '*' || reader_.peek() == '?') reader_.fail("there is nothing to repeat");
    return grammar_.repeat(atom, least, most);
  }

  // {2} {2,} {2,5} {,5}; other braces are themselves.
  bool take_braces(int& least, int& most) {
    const Reader before = reader_;
    if (!reader_.take("{")) return false;
    const std::optional<int> low = reader_.take_count();
    const bool has_comma = reader_.take(",");
    const std::optional<int> high = has_comma ? reader_.take_count() : low;
    if (!reader_.take("}") || (!low && !high)) {
      reader_ = before;
      return false;
    }
    least = low.value_or(0);
    most = high.value_or(Grammar::kUnbounded);
    if (high && least > most) reader_.fail("a repetition from less to more was expected");
    return true;
  }

  Grammar& grammar_;
  Reader reader_;
  const RegexRules& rules_;
};

}  // namespace

Node parse_regex(Grammar& grammar, std::string_view pattern, const RegexRules& rules) {
  return RegexParser(grammar, pattern, rules).parse();
}

CodePoints parse_character_class(std::string_view pattern, std::size_t& at) {
  Reader reader(pattern, at + 1);
  CodePoints set = reader.take_class();
  at = reader.position();
  return set;
}

}  // namespace tandem
