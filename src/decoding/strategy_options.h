// Resolution of the strategy: which one a request gets, whether what it asks of it can be done, and
// how many hypotheses come of it.
#pragma once

#include <optional>

#include <tandem/options.h>
#include <tandem/strategy.h>

#include "decoding/generation_keys.h"

namespace tandem {

// The request's strategy, or the one that the keys ask for; never Automatic. Throws Error:
// unsupported (parameters that exclude each other), invalid_argument (one out of range).
Strategy resolve_strategy(const Request& request, const GenerationKeys& keys, const Limits& limits);

// True for a strategy that keeps no beams: `num_beams` and `num_beam_groups` of a model's defaults
// are not for it.
bool is_without_beams(const Strategy& strategy);

// True if each output grows by itself, so that it may end at a stop string.
bool may_stop_at_strings(const Strategy& strategy);

// True for a beam search that knows the rules of Hugging Face alone.
bool follows_hugging_face(const Strategy& strategy);

// How many hypotheses a strategy can return.
struct ReturnLimit {
  int most = 1;
  const char* name = "";     // of the option that sets it
  std::optional<int> usual;  // where the request does not say; none: what the model's defaults say
};
ReturnLimit return_limit(const Strategy& strategy, int num_beams, const Limits& limits);

}  // namespace tandem
