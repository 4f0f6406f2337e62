#include "text/bpe.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <unordered_map>

#include "base/utf8.h"

namespace tandem {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFu;

// A run of characters that is one piece so far, in a doubly linked list. Empty: merged into
// `previous`.
struct Symbol {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t previous = kNone;
  std::uint32_t next = kNone;
  // Where the trie stands after this run; not set if nothing begins so.
  std::optional<ByteTrie::Node> node;
  bool frozen = false;  // user-defined
};

struct Merge {
  float score = 0;
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  std::uint32_t bytes = 0;  // of both; tells whether either has changed since

  bool operator<(const Merge& other) const {  // the greatest is merged first
    return score < other.score || (score == other.score && left > other.left);
  }
};

}  // namespace

// One text on its way from characters to pieces.
class Bpe::Merger {
 public:
  Merger(const PieceTable& pieces, std::string_view text) : pieces_(pieces), text_(text) {}

  std::vector<Segment> run() {
    split_into_characters();
    for (std::uint32_t i = 1; i < symbols_.size(); ++i) propose(i - 1, i);
    while (!queue_.empty()) {
      const Merge best = queue_.top();
      queue_.pop();
      apply(best);
    }
    std::vector<Segment> segments;
    for (std::uint32_t i = 0; i != kNone; i = symbols_[i].next)
      emit(symbols_[i].begin, symbols_[i].end, segments);
    return segments;
  }

 private:
  std::optional<ByteTrie::Node> walk(ByteTrie::Node node, std::uint32_t begin,
                                     std::uint32_t end) const {
    for (std::uint32_t i = begin; i < end; ++i)
      if (!pieces_.ordinary().step(node, text_[i])) return std::nullopt;
    return node;
  }

  void split_into_characters() {
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::string_view rest = text_.substr(begin);
      const std::size_t symbol = pieces_.user_defined().longest_prefix(rest).length;
      const std::size_t bytes =
          symbol > 0 ? symbol : std::min(announced_bytes(rest[0]), rest.size());
      const auto index = static_cast<std::uint32_t>(symbols_.size());
      Symbol s;
      s.begin = static_cast<std::uint32_t>(begin);
      s.end = static_cast<std::uint32_t>(begin + bytes);
      s.previous = index == 0 ? kNone : index - 1;
      s.next = s.end == text_.size() ? kNone : index + 1;
      s.node = walk(ByteTrie::kRoot, s.begin, s.end);
      s.frozen = symbol > 0;
      symbols_.push_back(s);
      begin += bytes;
    }
  }

  void propose(std::uint32_t left, std::uint32_t right) {
    if (left == kNone || right == kNone) return;
    const Symbol& a = symbols_[left];
    const Symbol& b = symbols_[right];
    if (a.frozen || b.frozen || !a.node) return;
    const auto node = walk(*a.node, b.begin, b.end);
    const TokenId id = node ? pieces_.ordinary().value(*node) : ByteTrie::kNoValue;
    if (id == ByteTrie::kNoValue) return;
    queue_.push({pieces_[id].score, left, right, b.end - a.begin});
    if (pieces_[id].type == PieceType::unused) left_part_bytes_[id] = a.end - a.begin;
  }

  void apply(const Merge& merge) {
    Symbol& a = symbols_[merge.left];
    Symbol& b = symbols_[merge.right];
    const bool stale = a.begin == a.end || b.begin == b.end ||
                       (a.end - a.begin) + (b.end - b.begin) != merge.bytes;
    if (stale) return;
    a.node = walk(*a.node, b.begin, b.end);
    a.end = b.end;
    a.next = b.next;
    if (b.next != kNone) symbols_[b.next].previous = merge.left;
    b.begin = b.end;
    propose(a.previous, merge.left);
    propose(merge.left, a.next);
  }

  // Appends the run as a piece; one that is unused as the parts it was merged from, to the last.
  void emit(std::uint32_t begin, std::uint32_t end, std::vector<Segment>& segments) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pending{{begin, end}};
    while (!pending.empty()) {
      const auto [from, to] = pending.back();
      pending.pop_back();
      const TokenId id = pieces_.find(text_.substr(from, to - from));
      const auto parts = left_part_bytes_.find(id);
      if (id >= 0 && pieces_[id].type == PieceType::unused && parts != left_part_bytes_.end()) {
        pending.emplace_back(from + parts->second, to);
        pending.emplace_back(from, from + parts->second);
      } else {
        segments.push_back({from, to, id >= 0 ? id : pieces_.unk()});
      }
    }
  }

  const PieceTable& pieces_;
  std::string_view text_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Merge> queue_;
  std::unordered_map<TokenId, std::uint32_t> left_part_bytes_;  // of the unused pieces met
};

std::vector<Segment> Bpe::segment(std::string_view normalized) const {
  if (normalized.empty()) return {};
  return Merger(pieces_, normalized).run();
}

}  // namespace tandem
