/// The decoding strategies and what each can be told beyond the generation keys of options.h.
///
/// `Automatic` follows Hugging Face: `do_sample` means sampling, `num_beam_groups` above 1 diverse
/// beam search, `num_beams` above 1 beam search, otherwise greedy.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include <tandem/constraint.h>

namespace tandem {

struct Automatic {};

/// One hypothesis, the best token at each step. Cost: one decoder pass a token.
struct Greedy {};

/// The `num_beams` best partial outputs at each step. Cost: `num_beams` rows a pass.
/// Wu et al. 2016 (arXiv 1609.08144) for the length penalty; rules as the request's profile says.
struct Beam {};

/// Beam search in groups that are kept apart by a penalty (Vijayakumar et al. 2016, arXiv
/// 1610.02424). `num_beams`, `num_beam_groups` and `diversity_penalty` come from the options.
struct DiverseBeam {};

/// Where a draft comes from.
enum class DraftSource {
  source,  ///< the source text itself, re-synchronised after every edit (Sun et al. 2021,
           ///< arXiv 2106.04970, with the never-idle rule); source and target share a vocabulary
  ids      ///< `draft_ids` as given
};

/// Greedy decoding that verifies drafted tokens several at a time. The output is exactly that of
/// `Greedy`, for any draft. Cost: one pass for each run of accepted tokens.
struct Aggressive {
  /// Most tokens drafted a pass; automatic: chosen from the cost of wide passes on this device.
  std::optional<int> max_draft;
  DraftSource drafter = DraftSource::source;
  std::vector<TokenId> draft_ids;  ///< for DraftSource::ids
};

using Strategy = std::variant<Automatic, Greedy, Beam, DiverseBeam, Aggressive>;

}  // namespace tandem
