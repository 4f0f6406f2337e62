#include "decoding/constraints/ebnf.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "decoding/constraints/regex.h"

namespace tandem {
namespace {

using Node = Grammar::Node;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

class EbnfParser {
 public:
  explicit EbnfParser(std::string_view text) : text_(text) {}

  Grammar parse() {
    if (!is_valid_utf8(text_)) fail("the grammar is no UTF-8");
    const Grammar::Rule start = rule_of("");
    defined_[start] = true;
    skip_space();
    if (at_end()) fail("a rule was expected");
    while (!at_end()) {
      const std::string name = take_name();
      if (!take("::=")) fail("::= was expected");
      const Grammar::Rule rule = rule_of(name);
      if (defined_[rule]) fail("the rule " + quote(name) + " is defined twice");
      defined_[rule] = true;
      grammar_.define(rule, choice(0));
      take(";");
    }
    for (std::size_t rule = 0; rule < defined_.size(); ++rule)
      if (!defined_[rule])
        fail("the rule " + quote(grammar_.rules()[rule].name) + " is not defined");
    const auto root = rules_.find("root");
    grammar_.define(start, grammar_.call(root != rules_.end() ? root->second : start + 1));
    return std::move(grammar_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  [[noreturn]] void fail(const std::string& what,
                         ErrorCode code = ErrorCode::invalid_argument) const {
    const auto begin = text_.begin();
    const auto line =
        std::count(begin, begin + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    throw Error(code, "grammar, line " + std::to_string(line + 1) + ": " + what);
  }

  void skip_space() {
    while (!at_end()) {
      if (peek() == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }
  // Takes `token` and the space behind it.
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    skip_space();
    return true;
  }
  std::string take_name() {
    const std::size_t begin = at_;
    while (is_name_character(peek())) ++at_;
    if (begin == at_) fail("the name of a rule was expected");
    std::string name(text_.substr(begin, at_ - begin));
    skip_space();
    return name;
  }
  Grammar::Rule rule_of(const std::string& name) {
    const auto known = rules_.find(name);
    if (known != rules_.end()) return known->second;
    const Grammar::Rule rule = grammar_.add_rule(name);
    rules_.emplace(name, rule);
    defined_.push_back(false);
    return rule;
  }

  // Recursion goes with the groups, which are bounded.
  Node choice(int depth) {
    if (depth > kMostGroups)
      fail("groups are nested more than " + std::to_string(kMostGroups) + " deep",
           ErrorCode::resource_exhausted);
    std::vector<Node> alternatives;
    do {
      std::vector<Node> parts;
      while (begins_part()) {
        const Node node = part(depth);
        parts.push_back(repeated(node));
      }
      alternatives.push_back(grammar_.sequence(std::move(parts)));
    } while (take("|"));
    return grammar_.choice(std::move(alternatives));
  }

  // A name that is followed by ::= begins the next rule.
  bool begins_part() {
    const char c = peek();
    if (c == '"' || c == '\'' || c == '[' || c == '(' || c == '/') return true;
    if (!is_name_character(c)) return false;
    const std::size_t begin = at_;
    take_name();
    const bool is_rule = text_.substr(at_).starts_with("::=");
    at_ = begin;
    return !is_rule;
  }

  Node part(int depth) {
    if (peek() == '"' || peek() == '\'') return literal();
    if (peek() == '/') return regex();
    if (peek() == '[') {
      const CodePoints set = parse_character_class(text_, at_);
      skip_space();
      return grammar_.characters(set);
    }
    if (take("(")) {
      const Node node = choice(depth + 1);
      if (!take(")")) fail("a ) was expected");
      return node;
    }
    return grammar_.call(rule_of(take_name()));
  }

  // In quotes; \n \t \r and a backslash before anything else are escapes.
  Node literal() {
    const char quote_mark = text_[at_++];
    std::string bytes;
    for (; peek() != quote_mark; ++at_) {
      if (at_end() || peek() == '\n') fail("a literal has no end");
      if (peek() != '\\') {
        bytes += peek();
        continue;
      }
      ++at_;
      if (at_end()) fail("a literal has no end");
      const char c = peek();
      bytes += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    ++at_;
    skip_space();
    return grammar_.bytes(bytes);
  }

  Node regex() {
    std::string pattern;
    for (++at_; peek() != '/'; ++at_) {
      if (at_end() || peek() == '\n') fail("a regular expression has no end");
      if (peek() == '\\' && at_ + 1 < text_.size()) {
        if (text_[at_ + 1] != '/') pattern += '\\';
        ++at_;
      }
      pattern += peek();
    }
    ++at_;
    skip_space();
    return parse_regex(grammar_, pattern);
  }

  Node repeated(Node node) {
    for (;;) {
      if (take("*")) {
        node = grammar_.repeat(node, 0, Grammar::kUnbounded);
      } else if (take("+")) {
        node = grammar_.repeat(node, 1, Grammar::kUnbounded);
      } else if (take("?")) {
        node = grammar_.optional(node);
      } else if (take("{")) {
        const int least = take_count();
        int most = least;
        if (take(",")) most = peek() == '}' ? Grammar::kUnbounded : take_count();
        if (!take("}")) fail("a } was expected");
        if (most != Grammar::kUnbounded && most < least)
          fail("a repetition from less to more was expected");
        node = grammar_.repeat(node, least, most);
      } else {
        return node;
      }
    }
  }

  int take_count() {
    int count = 0;
    const std::size_t begin = at_;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      count = count * 10 + (peek() - '0');
      if (count > Grammar::kMostRepeats)
        fail("at most " + std::to_string(Grammar::kMostRepeats) + " repetitions are possible",
             ErrorCode::resource_exhausted);
    }
    if (begin == at_) fail("a count was expected");
    skip_space();
    return count;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Grammar grammar_;
  std::map<std::string, Grammar::Rule> rules_;
  std::vector<bool> defined_;
};

}  // namespace

Grammar parse_ebnf(std::string_view text) {
  return EbnfParser(text).parse();
}

}  // namespace tandem
