// What one ScoreEdit makes of one score: the formulas of base/candidate.h for the code that runs on
// the host. (The reference backend states them anew in double precision, to be an oracle; CUDA
// kernels need them as device code.)
#pragma once

#include <cmath>
#include <limits>

#include "base/candidate.h"

namespace tandem {

// A token that is out (-inf) stays out whatever is added to it, unless it is forced. What a force
// does to all other tokens is the caller's work.
inline float edited(float score, const ScoreEdit& edit) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (edit.kind == ScoreEdit::Kind::force) return 0;
  if (edit.kind == ScoreEdit::Kind::ban || score == kNever) return kNever;
  switch (edit.kind) {
    case ScoreEdit::Kind::penalize:
      return score < 0 ? score * edit.value : score / edit.value;
    case ScoreEdit::Kind::add:
      return score + edit.value;
    case ScoreEdit::Kind::add_relative:
      return score + std::abs(score) * edit.value;
    case ScoreEdit::Kind::ban:
    case ScoreEdit::Kind::force:
      break;
  }
  return score;
}

}  // namespace tandem
