// Confidence from log-probabilities: see tandem/scorer.h.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <tandem/error.h>
#include <tandem/scorer.h>

namespace tandem {
namespace {

// Labels of the original are grouped by these numbers of examples.
constexpr std::array<std::size_t, 8> kGroupLimits = {2, 4, 8, 16, 32, 64, 128, 256};

using Examples = std::vector<const CalibrationExample*>;
using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

Vector features(const CalibrationExample& example) {
  return {example.score, example.prior, 1};
}

double dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

double log_likelihood(const Examples& examples, const Vector& weights) {
  double sum = 0;
  for (const CalibrationExample* example : examples) {
    const double margin = dot(weights, features(*example)) * (example->is_correct ? 1 : -1);
    sum -= margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin;
  }
  return sum;
}

// Solves a x = b for a symmetric positive definite a, by elimination.
Vector solve(Matrix a, Vector b) {
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t row = i + 1; row < 3; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < 3; ++column) a[row][column] -= factor * a[i][column];
      b[row] -= factor * b[i];
    }
  }
  Vector x{};
  for (std::size_t i = 3; i-- > 0;) {
    x[i] = b[i];
    for (std::size_t column = i + 1; column < 3; ++column) x[i] -= a[i][column] * x[column];
    x[i] /= a[i][i];
  }
  return x;
}

// Newton's method with halved steps. Where the examples can be told apart without error there is no
// maximum; the weights then stop where the likelihood no longer grows.
CalibrationWeights fit_group(const Examples& examples) {
  constexpr int kMaxSteps = 100;
  constexpr double kRidge = 1e-9;  // keeps the system solvable where features depend on each other
  Vector weights{1, 0, 0};
  double likelihood = log_likelihood(examples, weights);
  for (int step = 0; step < kMaxSteps; ++step) {
    Vector gradient{};
    Matrix curvature{};
    for (const CalibrationExample* example : examples) {
      const Vector x = features(*example);
      const double p = sigmoid(dot(weights, x));
      for (std::size_t i = 0; i < 3; ++i) {
        gradient[i] += ((example->is_correct ? 1 : 0) - p) * x[i];
        for (std::size_t j = 0; j < 3; ++j) curvature[i][j] += p * (1 - p) * x[i] * x[j];
      }
    }
    for (std::size_t i = 0; i < 3; ++i) curvature[i][i] += kRidge;
    const Vector direction = solve(curvature, gradient);
    bool improved = false;
    for (double length = 1; length > 1e-6 && !improved; length /= 2) {
      Vector next = weights;
      for (std::size_t i = 0; i < 3; ++i) next[i] += length * direction[i];
      const double reached = log_likelihood(examples, next);
      improved = reached > likelihood;
      if (improved) {
        weights = next;
        likelihood = reached;
      }
    }
    if (!improved) break;
  }
  return {weights[0], weights[1], weights[2]};
}

bool has_both(const Examples& examples) {
  const auto is_correct = [](const CalibrationExample* example) { return example->is_correct; };
  return std::any_of(examples.begin(), examples.end(), is_correct) &&
         !std::all_of(examples.begin(), examples.end(), is_correct);
}

void check(std::span<const CalibrationExample> examples, std::span<const std::size_t> limits) {
  if (!std::is_sorted(limits.begin(), limits.end(), std::less_equal<>()))
    throw Error(ErrorCode::invalid_argument, "the group limits do not ascend");
  Examples all;
  for (const CalibrationExample& example : examples) {
    if (!std::isfinite(example.score) || !std::isfinite(example.prior))
      throw Error(ErrorCode::invalid_argument, "an example of the label \"" + example.label +
                                                   "\" has a score that is not finite");
    all.push_back(&example);
  }
  if (!has_both(all))
    throw Error(ErrorCode::invalid_argument,
                "calibration needs at least one correct and one wrong example");
}

}  // namespace

Calibration Calibration::fit(std::span<const CalibrationExample> examples,
                             std::span<const std::size_t> group_limits) {
  if (group_limits.empty()) group_limits = kGroupLimits;
  check(examples, group_limits);
  std::map<std::string, std::size_t> frequency;
  for (const CalibrationExample& example : examples)
    frequency[example.label] += example.is_correct ? 1 : 0;
  const auto group_of = [&](const CalibrationExample& example) {
    const auto limit =
        std::upper_bound(group_limits.begin(), group_limits.end(), frequency[example.label]);
    return static_cast<std::size_t>(limit - group_limits.begin());
  };
  std::vector<Examples> groups(group_limits.size() + 1);
  for (const CalibrationExample& example : examples) groups[group_of(example)].push_back(&example);

  std::vector<Examples> joined;  // each has both kinds
  Examples open;
  for (const Examples& group : groups) {
    open.insert(open.end(), group.begin(), group.end());
    if (has_both(open)) joined.push_back(std::exchange(open, {}));
  }
  joined.back().insert(joined.back().end(), open.begin(), open.end());

  Calibration calibration;
  for (const Examples& group : joined) {
    const CalibrationWeights weights = fit_group(group);
    for (const CalibrationExample* example : group) calibration.set(example->label, weights);
  }
  return calibration;
}

const CalibrationWeights& Calibration::weights(const std::string& label) const {
  const auto found = weights_.find(label);
  return found != weights_.end() ? found->second : unseen;
}

double Calibration::confidence(const std::string& label, double score, double prior) const {
  const CalibrationWeights& w = weights(label);
  return sigmoid(w.score * score + w.prior * prior + w.bias);
}

}  // namespace tandem
