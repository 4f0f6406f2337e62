#include "decoding/constraints/grammar.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

namespace tandem {

Grammar::Node Grammar::add(Expression expression) {
  for (const Node part : expression.parts)
    expression.depth = std::max(expression.depth, nodes_[part].depth + 1);
  if (nodes_.size() >= kMostNodes)
    throw Error(ErrorCode::resource_exhausted,
                "the constraint's pattern or grammar has more than " + std::to_string(kMostNodes) +
                    " parts");
  if (expression.depth > kDepth)
    throw Error(ErrorCode::resource_exhausted,
                "the constraint's pattern or grammar is nested more than " +
                    std::to_string(kDepth) + " deep");
  nodes_.push_back(std::move(expression));
  return static_cast<Node>(nodes_.size() - 1);
}

Grammar::Node Grammar::bytes(std::string_view text) {
  Expression expression;
  expression.text = text;
  return add(std::move(expression));
}

Grammar::Node Grammar::characters(CodePoints set) {
  Expression expression;
  expression.kind = Kind::characters;
  expression.set = std::move(set);
  return add(std::move(expression));
}

Grammar::Node Grammar::sequence(std::vector<Node> parts) {
  if (parts.size() == 1) return parts.front();
  Expression expression;
  expression.kind = Kind::sequence;
  expression.parts = std::move(parts);
  return add(std::move(expression));
}

Grammar::Node Grammar::choice(std::vector<Node> alternatives) {
  if (alternatives.size() == 1) return alternatives.front();
  Expression expression;
  expression.kind = Kind::choice;
  expression.parts = std::move(alternatives);
  return add(std::move(expression));
}

Grammar::Node Grammar::repeat(Node part, int least, int most) {
  Expression expression;
  expression.kind = Kind::repeat;
  expression.parts = {part};
  expression.least = least;
  expression.most = most;
  return add(std::move(expression));
}

Grammar::Node Grammar::call(Rule rule) {
  Expression expression;
  expression.kind = Kind::call;
  expression.rule = rule;
  return add(std::move(expression));
}

Grammar::Rule Grammar::add_rule(std::string name) {
  if (rules_.size() >= kMostNodes)
    throw Error(ErrorCode::resource_exhausted,
                "the constraint's grammar has more than " + std::to_string(kMostNodes) + " rules");
  rules_.push_back({std::move(name), 0});
  return static_cast<Rule>(rules_.size() - 1);
}

}  // namespace tandem
