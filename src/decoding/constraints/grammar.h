// Grammar: rules made of expressions over characters; what the parsers of regular expressions,
// grammars and JSON schemas build, and what a network (network.h) is compiled from.
//
// Cost:   one small node for each part. Sizes and depth are bounded here, so that whatever walks an
//         expression may recurse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decoding/constraints/code_points.h"

namespace tandem {

class Grammar {
 public:
  using Node = std::uint32_t;
  using Rule = std::uint32_t;
  static constexpr Rule kStart = 0;
  static constexpr int kUnbounded = -1;
  static constexpr int kMostRepeats = 10'000;
  static constexpr std::size_t kMostNodes = 1 << 17;
  static constexpr std::size_t kDepth = 500;

  enum class Kind : std::uint8_t { bytes, characters, sequence, choice, repeat, call };
  struct Expression {
    Kind kind = Kind::bytes;
    std::uint32_t depth = 1;
    std::string text;         // bytes
    CodePoints set;           // characters
    std::vector<Node> parts;  // sequence, choice; one for repeat
    int least = 0, most = 0;  // repeat; most may be kUnbounded
    Rule rule = 0;            // call
  };

  // A part of the language. All throw Error{resource_exhausted} if the grammar gets too large.
  Node empty() { return bytes({}); }
  Node bytes(std::string_view text);
  Node characters(CodePoints set);  // one of them; an empty set stands for nothing at all
  Node sequence(std::vector<Node> parts);
  Node choice(std::vector<Node> alternatives);
  Node repeat(Node part, int least, int most);  // least <= most <= kMostRepeats, or kUnbounded
  Node optional(Node part) { return repeat(part, 0, 1); }
  Node call(Rule rule);

  // Rule kStart is the first one added. `name` is for messages. Every rule is to be defined.
  Rule add_rule(std::string name);
  void define(Rule rule, Node body) { rules_[rule].body = body; }

  struct Definition {
    std::string name;
    Node body = 0;
  };
  const std::vector<Definition>& rules() const { return rules_; }
  const Expression& operator[](Node node) const { return nodes_[node]; }

 private:
  Node add(Expression expression);

  std::vector<Expression> nodes_;
  std::vector<Definition> rules_;
};

}  // namespace tandem
