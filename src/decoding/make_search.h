// The one place where strategies are told apart.
#pragma once

#include <memory>

#include "decoding/drafter.h"
#include "decoding/pass_costs.h"
#include "decoding/search.h"
#include "decoding/search_options.h"

namespace tandem {

// Most tokens drafted a pass where neither the request nor PassCosts say more. On JFLEG's test
// corrections a cap of 8 gives 3.2 tokens a pass for 2.3 rows a token, a cap of 16 gives 3.4 for
// 3.1: the smaller one gets most of the gain and stays cheap where the draft is wrong.
inline constexpr int kAutomaticDraft = 8;

// What drafting needs from the model's side.
struct DraftSupport {
  std::unique_ptr<Drafter> model;          // for DraftSource::model
  std::shared_ptr<const PassCosts> costs;  // null: drafts have a fixed length
};

// True if the length of the drafts follows costs: it is not given, and changes passes alone. What
// relaxed verification accepts depends on the length, so it is fixed there.
bool adapts_to_costs(const Aggressive& aggressive);

// The search that options.strategy and options.profile ask for.
std::unique_ptr<Search> make_search(SearchOptions options, DraftSupport support = {});

}  // namespace tandem
