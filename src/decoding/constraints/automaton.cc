#include "decoding/constraints/automaton.h"

#include <algorithm>
#include <utility>

namespace tandem {
namespace {

std::uint64_t key_of(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

Automaton::Automaton(const Network& network) : network_(network), frames_(1) {
  visit({network.starts[Grammar::kStart], kBottom});
  expand();
  start_ = intern();
}

std::uint32_t Automaton::push(std::uint32_t below, Network::State target) {
  const auto next = static_cast<std::uint32_t>(frames_.size());
  const auto [entry, is_new] = frame_index_.emplace(key_of(below, target), next);
  if (is_new) {
    const Frame& frame = frames_[below];
    frames_.push_back({target, below, frame.depth + 1,
                       add_distances(network_.states[target].distance, frame.distance)});
    bytes_ += sizeof(Frame) + 64;
  }
  return entry->second;
}

void Automaton::visit(TextState::Place place) {
  if (seen_.insert(key_of(place.state, place.frame)).second) open_.push_back(place);
}

// Follows everything that reads no byte from the places in open_.
void Automaton::expand() {
  while (!open_.empty()) {
    const TextState::Place place = open_.back();
    open_.pop_back();
    const Network::StateArcs& state = network_.states[place.state];
    if (!state.arcs.empty()) places_.push_back(place);
    for (const Network::State target : state.jumps) visit({target, place.frame});
    for (const Network::Call& call : state.calls) {
      // A call at the very end of a rule returns straight to where the rule would.
      const bool is_last = network_.states[call.target].only_returns();
      if (!is_last && frames_[place.frame].depth >= kMostDepth) continue;
      visit({network_.starts[call.rule], is_last ? place.frame : push(place.frame, call.target)});
    }
    if (!state.is_final) continue;
    if (place.frame == kBottom) {
      accepting_ = true;
    } else {
      visit({frames_[place.frame].target, frames_[place.frame].below});
    }
  }
}

// The state of places_ and accepting_, which are used up. Null if nothing is left.
TextState* Automaton::intern() {
  seen_.clear();
  std::vector<TextState::Place> places = std::exchange(places_, {});
  const bool accepting = std::exchange(accepting_, false);
  if (network_.has_calls && places.size() > kMostPlaces) return nullptr;
  if (places.empty() && !accepting) return nullptr;
  std::sort(places.begin(), places.end());
  std::size_t hash = accepting ? 1 : 0;
  for (const TextState::Place& place : places)
    hash = (hash ^ key_of(place.state, place.frame)) * 0x9e3779b97f4a7c15ULL + (hash >> 29);
  const auto [first, last] = index_.equal_range(hash);
  for (auto known = first; known != last; ++known)
    if (known->second->accepting == accepting && known->second->places == places)
      return known->second;

  TextState& state = states_.emplace_back();
  state.places = std::move(places);
  state.accepting = accepting;
  state.distance = accepting ? 0 : Network::kUnreachable;
  for (const TextState::Place& place : state.places)
    state.distance = std::min(state.distance, add_distances(network_.states[place.state].distance,
                                                            frames_[place.frame].distance));
  bytes_ += sizeof(TextState) + 64 + state.places.size() * sizeof(TextState::Place);
  index_.emplace(hash, &state);
  return &state;
}

TextState* Automaton::make_step(TextState* from, std::size_t byte_class) {
  const std::uint8_t byte = network_.byte_of_class[byte_class];
  for (const TextState::Place& place : from->places)
    for (const Network::Arc& arc : network_.states[place.state].arcs)
      if (arc.low <= byte && byte <= arc.high) visit({arc.target, place.frame});
  expand();
  TextState* to = intern();
  if (from->next.empty()) {
    from->next.resize(network_.byte_of_class.size());
    bytes_ += from->next.size() * sizeof(TextState*);
  }
  from->next[byte_class] = to != nullptr ? to : &nowhere_;
  return to;
}

TextState* Automaton::adopt(const Automaton& other, const TextState& state) {
  std::vector<Network::State> targets;
  for (const TextState::Place& place : state.places) {
    targets.clear();
    for (std::uint32_t frame = place.frame; frame != kBottom; frame = other.frames_[frame].below)
      targets.push_back(other.frames_[frame].target);
    std::uint32_t frame = kBottom;
    for (auto target = targets.rbegin(); target != targets.rend(); ++target)
      frame = push(frame, *target);
    places_.push_back({place.state, frame});
  }
  accepting_ = state.accepting;
  return intern();
}

}  // namespace tandem
