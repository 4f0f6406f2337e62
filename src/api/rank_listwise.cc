// Ranking by the first token of an answer: see tandem/scorer.h.
#include <algorithm>

#include <tandem/engine.h>
#include <tandem/error.h>

namespace tandem {

std::vector<std::size_t> rank_listwise(const Engine& engine, const ListwiseRequest& request,
                                       const CallOptions& call) {
  const std::size_t shown = std::min(request.count, request.windows.window);
  if (request.identifiers.size() < shown)
    throw Error(ErrorCode::invalid_argument,
                "a window shows " + std::to_string(shown) + " items and there are " +
                    std::to_string(request.identifiers.size()) + " identifiers for them");
  if (!request.prompt)
    throw Error(ErrorCode::invalid_argument, "the request has no function that writes the prompt");
  return rank_in_windows(request.count, request.windows, [&](std::span<const std::size_t> items) {
    NextTokenRequest next;
    next.input = request.prompt(items);
    next.prefix = request.prefix;
    next.ids.assign(request.identifiers.begin(),
                    request.identifiers.begin() + static_cast<std::ptrdiff_t>(items.size()));
    next.source_lang = request.source_lang;
    next.target_lang = request.target_lang;
    const std::vector<float> log_probs = engine.next_log_probs(next, call).log_probs;
    return std::vector<double>(log_probs.begin(), log_probs.end());
  });
}

}  // namespace tandem
