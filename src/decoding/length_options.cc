#include "decoding/length_options.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <variant>

#include <tandem/error.h>

namespace tandem {
namespace {

// What stands before the first generated token: the start token and the prefix.
int prompt_of(const SearchOptions& options) {
  return 1 + static_cast<int>(options.prefix.size());
}

// Tokens that can be generated at most.
int room_behind(const SearchOptions& options, const SearchContext& context, const Limits& limits) {
  // The last token takes no position, but where candidates are run before one of them is chosen.
  const int unfed = std::holds_alternative<Contrastive>(options.strategy) ? 0 : 1;
  const int most = context.max_target_positions > 0
                       ? std::min(context.max_target_positions, limits.max_target_tokens)
                       : limits.max_target_tokens;
  const int room = most - prompt_of(options) + unfed;
  if (room < 1)
    throw Error(ErrorCode::resource_exhausted,
                "the prefix has " + std::to_string(options.prefix.size()) +
                    " tokens and the output may have " + std::to_string(most) +
                    ", which leaves no room to generate",
                "shorten the prefix or raise Limits::max_target_tokens");
  return room;
}

// The limit that the request itself sets, in generated tokens.
std::optional<int> wanted_length(const GenerationOptions& request, int prompt, int room) {
  std::optional<int> wanted;
  if (request.max_new_tokens) {
    check_at_least("max_new_tokens", *request.max_new_tokens, 1);
    wanted = *request.max_new_tokens;
  } else if (request.max_length) {
    if (*request.max_length <= prompt)
      out_of_range("max_length", *request.max_length,
                   "more than the " + std::to_string(prompt) +
                       " tokens of the decoder start and the prefix");
    wanted = *request.max_length - prompt;
  }
  if (wanted && *wanted > room)
    throw Error(ErrorCode::resource_exhausted,
                "the request wants " + std::to_string(*wanted) +
                    " generated tokens, and this model and Limits::max_target_tokens allow " +
                    std::to_string(room),
                "ask for less, or raise the limit if the model allows it");
  return wanted;
}

// The limit of the model's own defaults; none: `room`.
int default_length(const GenerationOptions& defaults, int prompt, int room) {
  if (defaults.max_new_tokens) {
    check_at_least("max_new_tokens", *defaults.max_new_tokens, 1);
    return *defaults.max_new_tokens;
  }
  if (!defaults.max_length) return room;
  check_at_least("max_length", *defaults.max_length, 1);
  return *defaults.max_length > prompt ? *defaults.max_length - prompt : room;
}

int max_new_tokens(const Request& request, const GenerationKeys& keys, const SearchContext& context,
                   const Limits& limits, const SearchOptions& options) {
  const int room = room_behind(options, context, limits);
  const int prompt = prompt_of(options);
  const std::optional<int> wanted = wanted_length(keys.request(), prompt, room);
  int chosen = wanted ? *wanted : default_length(keys.defaults(), prompt, room);
  if (options.profile == Profile::marian && (!wanted || request.max_length_factor)) {
    const double factor = request.max_length_factor.value_or(context.max_length_factor);
    check_positive("max_length_factor", factor);
    // The search ends after the first step t with t >= factor * source tokens.
    const double steps = std::ceil(factor * static_cast<double>(options.source.size()));
    chosen = static_cast<int>(std::clamp(steps, 1.0, static_cast<double>(chosen)));
  }
  return std::min(chosen, room);
}

std::optional<int> least_length(const GenerationOptions& options, int prompt) {
  if (options.min_new_tokens) {
    check_at_least("min_new_tokens", *options.min_new_tokens, 0);
    return *options.min_new_tokens;
  }
  if (!options.min_length) return std::nullopt;
  check_at_least("min_length", *options.min_length, 0);
  return std::max(0, *options.min_length - prompt);
}

int min_new_tokens(const GenerationKeys& keys, const SearchOptions& options) {
  const GenerationOptions& request = keys.request();
  const std::optional<int> requested = least_length(request, prompt_of(options));
  if (requested && *requested > options.max_new_tokens)
    out_of_range(request.min_new_tokens ? "min_new_tokens" : "min_length",
                 request.min_new_tokens ? *request.min_new_tokens : *request.min_length,
                 "no more than the length limit, " + std::to_string(options.max_new_tokens) +
                     " generated tokens");
  return requested ? *requested : least_length(keys.defaults(), prompt_of(options)).value_or(0);
}

}  // namespace

void resolve_lengths(const Request& request, const GenerationKeys& keys,
                     const SearchContext& context, const Limits& limits, SearchOptions& options) {
  options.max_new_tokens = max_new_tokens(request, keys, context, limits, options);
  options.min_new_tokens = min_new_tokens(keys, options);

  options.exponential_decay = keys.request().exponential_decay_length_penalty;
  if (!options.exponential_decay)
    options.exponential_decay = keys.defaults().exponential_decay_length_penalty;
  if (!options.exponential_decay) return;
  check_at_least("exponential_decay_length_penalty", options.exponential_decay->first, 0);
  check_positive("exponential_decay_length_penalty", options.exponential_decay->second);
}

}  // namespace tandem
