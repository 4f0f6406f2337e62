// Intersection: several constraints at once.
//
// Cost:     a step costs that of its parts, and one look-up in each part for every token of the
//           shortest list, or one operation for every 64 tokens where all parts are bit sets.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {
namespace {

TokenMask intersect(const TokenMask& a, const TokenMask& b) {
  if (a.allows_all()) return b;
  if (b.allows_all()) return a;
  if (a.list() == nullptr && b.list() == nullptr) {
    auto words = std::make_shared<std::vector<std::uint64_t>>(*a.words());
    words->resize(std::min(words->size(), b.words()->size()));
    for (std::size_t i = 0; i < words->size(); ++i) (*words)[i] &= (*b.words())[i];
    return TokenMask::bits(std::move(words));
  }
  const TokenMask& listed = a.list() != nullptr ? a : b;
  const TokenMask& other = a.list() != nullptr ? b : a;
  std::vector<TokenId> tokens;
  for (const TokenId token : *listed.list())
    if (other.allows(token)) tokens.push_back(token);
  return TokenMask::only(std::move(tokens));
}

class Intersection : public Constraint {
 public:
  explicit Intersection(std::vector<std::unique_ptr<Constraint>> parts)
      : parts_(std::move(parts)) {}

  TokenMask allowed() const override {
    TokenMask mask;
    for (const auto& part : parts_) mask = intersect(mask, part->allowed());
    return mask;
  }
  void advance(TokenId token) override {
    for (const auto& part : parts_) part->advance(token);
  }
  void begin_after(TokenId token) override {
    for (const auto& part : parts_) part->begin_after(token);
  }
  bool can_end() const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [](const auto& part) { return part->can_end(); });
  }
  std::unique_ptr<Constraint> clone() const override {
    std::vector<std::unique_ptr<Constraint>> parts;
    for (const auto& part : parts_) parts.push_back(part->clone());
    return std::make_unique<Intersection>(std::move(parts));
  }
  // What one part is certain of is certain.
  std::vector<TokenId> forced_run() const override {
    std::vector<TokenId> longest;
    for (const auto& part : parts_) {
      std::vector<TokenId> run = part->forced_run();
      if (run.size() > longest.size()) longest = std::move(run);
    }
    return longest;
  }

 private:
  std::vector<std::unique_ptr<Constraint>> parts_;
};

}  // namespace

std::shared_ptr<const Constraint> make_intersection_constraint(
    std::vector<std::shared_ptr<const Constraint>> parts) {
  std::vector<std::unique_ptr<Constraint>> copies;
  for (const auto& part : parts) copies.push_back(part->clone());
  return std::make_shared<Intersection>(std::move(copies));
}

}  // namespace tandem
