#include "api/output_shortlist.h"

#include <algorithm>

#include <tandem/error.h>

namespace tandem {
namespace {

void sort_unique(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// Of Marian's shortlist: the candidates for any of the sources.
std::vector<TokenId> listed(const EngineState& engine, const std::vector<Source>& sources) {
  std::vector<TokenId> shortlist;
  for (const Source& source : sources) {
    const std::vector<TokenId> more = engine.model.shortlist->candidates(
        source.ids, engine.model.shared_vocabulary, engine.model.network->spec().target_vocabulary);
    shortlist.insert(shortlist.end(), more.begin(), more.end());
  }
  sort_unique(shortlist);
  return shortlist;
}

// The same of CTranslate2's vocabulary map, with what an output must be able to hold.
std::vector<TokenId> mapped(const EngineState& engine, const std::vector<Source>& sources,
                            const SearchOptions& options) {
  std::vector<TokenId> shortlist = options.prefix;
  const auto add = [&](const std::vector<TokenId>& tokens) {
    shortlist.insert(shortlist.end(), tokens.begin(), tokens.end());
  };
  add(options.eos_tokens);
  add(options.forced_eos_tokens);
  if (options.forced_bos_token >= 0) shortlist.push_back(options.forced_bos_token);
  for (const Source& source : sources) add(engine.model.vocabulary_map->candidates(source.ids));
  sort_unique(shortlist);
  return shortlist;
}

}  // namespace

std::vector<TokenId> shortlist_of(const EngineState& engine, const Request& request,
                                  const std::vector<Source>& sources,
                                  const SearchOptions& options) {
  const LoadedModel& model = engine.model;
  if (!request.shortlist.value_or(model.shortlist != nullptr)) return {};
  if (model.vocabulary_map) return mapped(engine, sources, options);
  if (model.shortlist) return listed(engine, sources);
  throw Error(ErrorCode::unsupported, "shortlist: this model comes without a lexical shortlist");
}

void add_to_shortlist(std::span<const TokenId> tokens, std::vector<TokenId>& shortlist) {
  if (shortlist.empty()) return;
  shortlist.insert(shortlist.end(), tokens.begin(), tokens.end());
  sort_unique(shortlist);
}

}  // namespace tandem
