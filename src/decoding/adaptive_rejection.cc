#include "decoding/adaptive_rejection.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tandem {
namespace {

// Draws from a distribution out of which what was drawn can be taken.
class Urn {
 public:
  explicit Urn(std::span<const double> log_p) : is_out_(log_p.size(), false) {
    for (const double value : log_p) p_.push_back(std::exp(value));
    total_ = mass_ = std::accumulate(p_.begin(), p_.end(), 0.0);
  }

  // Of what is in at first; the rest is measured in shares of it.
  double log_total() const { return std::log(total_); }
  double remaining() const { return mass_ / total_; }
  bool empty() const { return left() == 0; }
  std::size_t left() const { return p_.size() - num_out_; }
  // The probability to be drawn next.
  double share(std::size_t index) const { return std::min(1.0, p_[index] / mass_); }

  std::size_t draw(RandomStream& random) const {
    double place = random.uniform() * mass_;
    std::size_t last = 0;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      if (is_out_[i]) continue;
      last = i;
      place -= p_[i];
      if (place < 0) break;
    }
    return last;
  }

  void take_out(std::size_t index) {
    is_out_[index] = true;
    ++num_out_;
    mass_ -= p_[index];
    if (mass_ > kSmall * total_) return;
    // Too little is left of the difference: add up what is in.
    mass_ = 0;
    for (std::size_t i = 0; i < p_.size(); ++i) mass_ += is_out_[i] ? 0 : p_[i];
  }

 private:
  static constexpr double kSmall = 1e-6;

  std::vector<double> p_;
  std::vector<bool> is_out_;
  std::size_t num_out_ = 0;
  double total_ = 0;
  double mass_ = 0;
};

// How many draws fail before one succeeds.
double failures(double success, RandomStream& random) {
  if (success >= 1) return 0;
  return std::floor(std::log(random.uniform()) / std::log1p(-success));
}

constexpr double kNever = -std::numeric_limits<double>::infinity();

}  // namespace

RejectionDraw draw_recursive(std::span<const double> log_p, const Accepts& accepts,
                             RejectionLimits limits, RandomStream& random) {
  Urn urn(log_p);
  RejectionDraw result{0, urn.log_total(), 0};
  while (!urn.empty() && result.tests < limits.max_rejects) {
    const std::size_t drawn = urn.draw(random);
    const double share = urn.share(drawn);
    urn.take_out(drawn);
    ++result.tests;
    if (!accepts(drawn)) {
      result.log_weight += std::log1p(-share);
      continue;
    }
    result.index = drawn;
    if (urn.empty() || result.tests == limits.max_rejects) return result;
    ++result.tests;
    if (!accepts(urn.draw(random))) result.log_weight += std::log(share);
    return result;
  }
  result.log_weight = kNever;
  return result;
}

RejectionDraw draw_geometric(std::span<const double> log_p, const Accepts& accepts,
                             RejectionLimits limits, RandomStream& random) {
  Urn urn(log_p);
  RejectionDraw result;
  std::vector<std::size_t> accepted;  // those known to pass; they stay in the urn
  int accepts_seen = 0;
  double rejects_seen = 0;
  const double max_rejects = limits.max_rejects;
  while (!urn.empty() && accepts_seen < limits.max_accepts && rejects_seen < max_rejects) {
    rejects_seen += failures(urn.remaining(), random);  // repeats of rejected tokens
    if (rejects_seen >= max_rejects) break;
    const std::size_t drawn = urn.draw(random);
    const bool is_known = std::find(accepted.begin(), accepted.end(), drawn) != accepted.end();
    if (!is_known) ++result.tests;
    if (is_known || accepts(drawn)) {
      if (!is_known) accepted.push_back(drawn);
      if (accepts_seen++ == 0) result.index = drawn;
    } else {
      ++rejects_seen;
      urn.take_out(drawn);
    }
  }
  rejects_seen = std::min(rejects_seen, max_rejects);
  const double counted = std::min(limits.max_accepts - 1, accepts_seen);
  result.log_weight = accepts_seen == 0 ? kNever
                                        : urn.log_total() + std::log(counted) -
                                              std::log(accepts_seen + rejects_seen - 1);
  return result;
}

RejectionDraw draw_adaptive(std::span<const double> log_p, const Accepts& accepts,
                            RejectionLimits limits, RandomStream& random) {
  const bool is_peaked = log_p.front() >= std::log(2.0 / 3.0);
  return limits.max_accepts > 2 || is_peaked ? draw_geometric(log_p, accepts, limits, random)
                                             : draw_recursive(log_p, accepts, limits, random);
}

}  // namespace tandem
