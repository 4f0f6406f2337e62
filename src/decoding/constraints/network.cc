#include "decoding/constraints/network.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include <tandem/error.h>

namespace tandem {
namespace {

using State = Network::State;

// Writes expressions as states and arcs between two given states.
class Fragments {
 public:
  Fragments(const Grammar& grammar, Network& network) : grammar_(grammar), network_(network) {}

  State add_state() {
    if (network_.states.size() >= Network::kMostStates)
      throw Error(ErrorCode::resource_exhausted,
                  "the constraint's pattern or grammar needs more than " +
                      std::to_string(Network::kMostStates) + " states",
                  "use smaller counts in repetitions, or * instead");
    network_.states.emplace_back();
    return static_cast<State>(network_.states.size() - 1);
  }

  // Recursion is bounded by Grammar::kDepth.
  void build(Grammar::Node node, State from, State to) {
    const Grammar::Expression& expression = grammar_[node];
    switch (expression.kind) {
      case Grammar::Kind::bytes:
        return bytes(expression.text, from, to);
      case Grammar::Kind::characters:
        return characters(expression.set, from, to);
      case Grammar::Kind::sequence:
        return sequence(expression.parts, from, to);
      case Grammar::Kind::choice:
        for (const Grammar::Node part : expression.parts) build(part, from, to);
        return;
      case Grammar::Kind::repeat:
        return repeat(expression, from, to);
      case Grammar::Kind::call:
        network_.states[from].calls.push_back({expression.rule, to});
        network_.has_calls = true;
        return;
    }
  }

 private:
  void jump(State from, State to) { network_.states[from].jumps.push_back(to); }
  void arc(State from, CodePoints::ByteRange range, State to) {
    network_.states[from].arcs.push_back({range.low, range.high, to});
  }

  void bytes(const std::string& text, State from, State to) {
    if (text.empty()) return jump(from, to);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const State next = i + 1 == text.size() ? to : add_state();
      const auto byte = static_cast<std::uint8_t>(text[i]);
      arc(from, {byte, byte}, next);
      from = next;
    }
  }

  // Sequences with the same last bytes share the states before them.
  void characters(const CodePoints& set, State from, State to) {
    std::map<std::tuple<CodePoints::ByteRange, State>, State> shared;
    for (const CodePoints::ByteSequence& sequence : set.utf8()) {
      State next = to;
      for (std::size_t i = sequence.size() - 1; i > 0; --i) {
        const auto key = std::make_tuple(sequence[i], next);
        const auto known = shared.find(key);
        if (known != shared.end()) {
          next = known->second;
          continue;
        }
        const State state = add_state();
        arc(state, sequence[i], next);
        shared.emplace(key, state);
        next = state;
      }
      arc(from, sequence[0], next);
    }
  }

  void sequence(const std::vector<Grammar::Node>& parts, State from, State to) {
    if (parts.empty()) return jump(from, to);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const State next = i + 1 == parts.size() ? to : add_state();
      build(parts[i], from, next);
      from = next;
    }
  }

  void repeat(const Grammar::Expression& expression, State from, State to) {
    const Grammar::Node part = expression.parts.front();
    for (int i = 0; i < expression.least; ++i) {
      const State next = add_state();
      build(part, from, next);
      from = next;
    }
    if (expression.most == Grammar::kUnbounded) {
      const State loop = add_state();
      jump(from, loop);
      build(part, loop, loop);
      from = loop;
    } else {
      for (int i = expression.least; i < expression.most; ++i) {
        const State next = add_state();
        jump(from, to);
        build(part, from, next);
        from = next;
      }
    }
    jump(from, to);
  }

  const Grammar& grammar_;
  Network& network_;
};

// The least number of bytes from each state to the end of its rule. With `reads_bytes` false only
// paths without a byte count, which is what tells the rules that may be empty.
class Distances {
 public:
  Distances(const Network& network, bool reads_bytes)
      : network_(network),
        values_(network.states.size(), Network::kUnreachable),
        rules_of_(network.states.size(), kNone),
        sources_(network.states.size()),
        call_sites_(network.starts.size()) {
    for (std::size_t rule = 0; rule < network.starts.size(); ++rule)
      rules_of_[network.starts[rule]] = static_cast<std::uint32_t>(rule);
    for (State s = 0; s < network.states.size(); ++s) index_arcs(s, reads_bytes);
    for (State s = 0; s < network.states.size(); ++s)
      if (network.states[s].is_final) relax(s, 0);
    while (!queue_.empty()) {
      const State s = queue_.front();
      queue_.pop_front();
      spread(s);
    }
  }

  std::uint32_t operator[](State s) const { return values_[s]; }
  std::uint32_t of_rule(std::size_t rule) const { return values_[network_.starts[rule]]; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Source {
    State state;
    std::uint32_t rule;  // called on the way; kNone: none
    std::uint32_t bytes;
  };

  void index_arcs(State s, bool reads_bytes) {
    const Network::StateArcs& state = network_.states[s];
    if (reads_bytes)
      for (const Network::Arc& arc : state.arcs) sources_[arc.target].push_back({s, kNone, 1});
    for (const State target : state.jumps) sources_[target].push_back({s, kNone, 0});
    for (const Network::Call& call : state.calls) {
      sources_[call.target].push_back({s, call.rule, 0});
      call_sites_[call.rule].push_back({s, call.target});
    }
  }
  void relax(State s, std::uint32_t value) {
    if (value >= values_[s]) return;
    values_[s] = value;
    queue_.push_back(s);
  }
  void spread(State s) {
    for (const Source& source : sources_[s]) {
      const std::uint32_t between = source.rule == kNone ? source.bytes : of_rule(source.rule);
      relax(source.state, add_distances(between, values_[s]));
    }
    if (rules_of_[s] == kNone) return;
    for (const auto& [caller, target] : call_sites_[rules_of_[s]])
      relax(caller, add_distances(values_[s], values_[target]));
  }

  const Network& network_;
  std::vector<std::uint32_t> values_;
  std::vector<std::uint32_t> rules_of_;  // the rule that starts at a state
  std::vector<std::vector<Source>> sources_;
  std::vector<std::vector<std::pair<State, State>>> call_sites_;
  std::deque<State> queue_;
};

void remove_dead_ends(Network& network) {
  const Distances distances(network, /*reads_bytes=*/true);
  const auto is_dead = [&](State s) { return distances[s] == Network::kUnreachable; };
  for (State s = 0; s < network.states.size(); ++s) {
    Network::StateArcs& state = network.states[s];
    state.distance = distances[s];
    std::erase_if(state.arcs, [&](const Network::Arc& arc) { return is_dead(arc.target); });
    std::erase_if(state.jumps, is_dead);
    std::erase_if(state.calls, [&](const Network::Call& call) {
      return is_dead(call.target) || is_dead(network.starts[call.rule]);
    });
  }
  if (is_dead(network.starts[Grammar::kStart]))
    throw Error(ErrorCode::unsatisfiable, "no text meets the constraint: its language is empty");
}

// The rules that a rule may call before it has read a byte.
std::vector<std::vector<Grammar::Rule>> left_calls(const Network& network) {
  const Distances blanks(network, /*reads_bytes=*/false);
  std::vector<std::vector<Grammar::Rule>> calls(network.starts.size());
  std::vector<std::uint32_t> seen(network.states.size(), UINT32_MAX);
  for (std::uint32_t rule = 0; rule < network.starts.size(); ++rule) {
    std::vector<State> open{network.starts[rule]};
    while (!open.empty()) {
      const State s = open.back();
      open.pop_back();
      if (std::exchange(seen[s], rule) == rule) continue;
      const Network::StateArcs& state = network.states[s];
      open.insert(open.end(), state.jumps.begin(), state.jumps.end());
      for (const Network::Call& call : state.calls) {
        calls[rule].push_back(call.rule);
        if (blanks.of_rule(call.rule) == 0) open.push_back(call.target);
      }
    }
  }
  return calls;
}

// Rules are taken away as soon as all that they call on their left are gone; what stays is a cycle.
void refuse_left_recursion(const Network& network, const Grammar& grammar) {
  const auto calls = left_calls(network);
  std::vector<std::vector<Grammar::Rule>> callers(calls.size());
  std::vector<std::size_t> left(calls.size());
  std::vector<Grammar::Rule> open;
  for (Grammar::Rule rule = 0; rule < calls.size(); ++rule) {
    left[rule] = calls[rule].size();
    for (const Grammar::Rule called : calls[rule]) callers[called].push_back(rule);
    if (left[rule] == 0) open.push_back(rule);
  }
  std::size_t gone = 0;
  for (; gone < open.size(); ++gone)
    for (const Grammar::Rule caller : callers[open[gone]])
      if (--left[caller] == 0) open.push_back(caller);
  if (gone == calls.size()) return;
  // Follow calls that stay until a rule comes again: that one is on the cycle.
  Grammar::Rule rule = 0;
  while (left[rule] == 0) ++rule;
  std::vector<bool> seen(calls.size());
  while (!seen[rule]) {
    seen[rule] = true;
    rule = *std::find_if(calls[rule].begin(), calls[rule].end(),
                         [&](Grammar::Rule called) { return left[called] > 0; });
  }
  throw Error(ErrorCode::unsupported,
              "the grammar's rule " + grammar.rules()[rule].name +
                  " may begin with itself (left recursion)",
              "write it as a repetition: a ::= b (\"+\" b)*");
}

void find_byte_classes(Network& network) {
  std::array<bool, 257> begins{};
  begins[0] = true;
  for (const Network::StateArcs& state : network.states) {
    for (const Network::Arc& arc : state.arcs) {
      begins[arc.low] = true;
      begins[arc.high + 1U] = true;
    }
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (begins[byte]) network.byte_of_class.push_back(static_cast<std::uint8_t>(byte));
    network.class_of[byte] = static_cast<std::uint8_t>(network.byte_of_class.size() - 1);
  }
}

}  // namespace

Network Network::compile(const Grammar& grammar) {
  Network network;
  Fragments fragments(grammar, network);
  for (std::size_t rule = 0; rule < grammar.rules().size(); ++rule)
    network.starts.push_back(fragments.add_state());
  for (std::size_t rule = 0; rule < grammar.rules().size(); ++rule) {
    const State end = fragments.add_state();
    network.states[end].is_final = true;
    fragments.build(grammar.rules()[rule].body, network.starts[rule], end);
  }
  remove_dead_ends(network);
  refuse_left_recursion(network, grammar);
  find_byte_classes(network);
  return network;
}

}  // namespace tandem
