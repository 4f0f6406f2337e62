#include "text/pair_merges.h"

#include <algorithm>
#include <bit>

namespace tandem {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFu;

std::uint64_t pack(TokenId left, TokenId right) noexcept {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

// Fibonacci hashing of the folded pair: ids that follow one another go to places far apart.
std::size_t hash(std::uint64_t pair) noexcept {
  pair ^= pair >> 29;
  pair *= 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(pair ^ (pair >> 32));
}

}  // namespace

PairMerges::PairMerges(const std::vector<Rule>& rules)
    : slots_(std::bit_ceil(std::max<std::size_t>(2 * rules.size(), 2))) {
  std::uint32_t rank = 0;
  for (const Rule& rule : rules) {
    const std::uint64_t pair = pack(rule.left, rule.right);
    std::size_t at = hash(pair) & (slots_.size() - 1);
    while (slots_[at].pair != kEmpty && slots_[at].pair != pair)
      at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {pair, rank++, rule.merged};
  }
}

const PairMerges::Slot* PairMerges::find(TokenId left, TokenId right) const noexcept {
  const std::uint64_t pair = pack(left, right);
  for (std::size_t at = hash(pair) & (slots_.size() - 1); slots_[at].pair != kEmpty;
       at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].pair == pair) return &slots_[at];
  return nullptr;
}

void PairMerges::propose(Workspace& workspace, std::uint32_t left) const {
  if (left == kNone) return;
  const auto& symbols = workspace.symbols;
  const std::uint32_t right = symbols[left].next;
  if (right == kNone) return;
  const Slot* slot = find(symbols[left].id, symbols[right].id);
  if (slot == nullptr) return;
  workspace.heap.push_back({slot->rank, left, slot->merged});
  std::push_heap(workspace.heap.begin(), workspace.heap.end());
}

void PairMerges::apply(std::vector<TokenId>& ids, Workspace& workspace) const {
  if (ids.size() < 2) return;
  auto& symbols = workspace.symbols;
  auto& heap = workspace.heap;
  symbols.clear();
  heap.clear();
  for (std::uint32_t i = 0; i < ids.size(); ++i)
    symbols.push_back({ids[i], i == 0 ? kNone : i - 1, i + 1 == ids.size() ? kNone : i + 1});
  for (std::uint32_t i = 0; i + 1 < ids.size(); ++i) propose(workspace, i);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Workspace::Proposal best = heap.back();
    heap.pop_back();
    Workspace::Symbol& left = symbols[best.left];
    if (left.id < 0 || left.next == kNone) continue;
    Workspace::Symbol& right = symbols[left.next];
    const Slot* slot = find(left.id, right.id);
    // The neighbours may have changed since the proposal; another pair has its own.
    if (slot == nullptr || slot->merged != best.merged) continue;
    left.id = best.merged;
    right.id = -1;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    propose(workspace, left.previous);
    propose(workspace, best.left);
  }

  ids.clear();
  for (std::uint32_t i = 0; i != kNone; i = symbols[i].next) ids.push_back(symbols[i].id);
}

}  // namespace tandem
