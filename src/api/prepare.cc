// Steps 1 and 2 of the path in generate.cc: text to token ids, options resolved and checked.
#include <algorithm>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "api/coverage.h"
#include "api/drafting.h"
#include "api/engine_state.h"
#include "api/ensemble_members.h"
#include "api/forced_pass.h"
#include "api/long_sentence.h"
#include "api/mixture_sources.h"
#include "api/sequence_mixtures.h"
#include "base/quote.h"
#include "decoding/constraints/letting_pass.h"
#include "decoding/hook_decoder.h"
#include "models/added_rows.h"

namespace tandem {
namespace {

void check_ids(const std::vector<TokenId>& ids, std::int64_t vocabulary, const char* what) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocabulary)
      throw Error(ErrorCode::invalid_argument, std::string(what) + "[" + std::to_string(i) + "] is " +
                                                   std::to_string(ids[i]) + "; expected an id from 0 to " +
                                                   std::to_string(vocabulary - 1));
}

std::vector<TokenId> encode_text(const EngineState& engine, const std::string& text, const EncodeOptions& options) {
  if (text.size() > engine.options.limits.max_input_bytes)
    throw Error(ErrorCode::resource_exhausted, "the text has " + std::to_string(text.size()) +
                                                   " bytes; the limit max_input_bytes is " +
                                                   std::to_string(engine.options.limits.max_input_bytes));
  return engine.tokenizer->encode(text, options);
}

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

// The sorted tokens that the request may generate, for any of its sources; empty: all.
std::vector<TokenId> shortlist_of(const EngineState& engine, const Request& request,
                                  const std::vector<Source>& sources,
                                  const SearchOptions& options) {
  const LoadedModel& model = engine.model;
  if (!request.shortlist.value_or(model.shortlist != nullptr)) return {};
  if (model.vocabulary_map) return mapped(engine, sources, options);
  if (model.shortlist) return listed(engine, sources);
  throw Error(ErrorCode::unsupported, "shortlist: this model comes without a lexical shortlist");
}

}  // namespace

Source encode_source(const EngineState& engine, const Input& input, const std::string& source_lang,
                     const std::string& target_lang, TooLong too_long) {
  const EncoderDecoder& network = *engine.model.network;
  const auto* features = std::get_if<Features>(&input);
  if ((features != nullptr) != network.reads_features())
    throw Error(ErrorCode::invalid_argument, network.reads_features() ? "this model reads features, not text or ids"
                                                                      : "this model reads text or ids, not features");
  if (features != nullptr) {
    network.check_features(*features);
    return {{}, features, static_cast<std::size_t>(network.max_source_positions()), 0};
  }
  const ModelSpec& spec = network.spec();
  std::vector<TokenId> ids;
  if (const auto* text = std::get_if<std::string>(&input)) {
    EncodeOptions options;
    options.source_lang = source_lang;
    options.target_lang = target_lang;
    ids = encode_text(engine, *text, options);
  } else {
    ids = std::get<std::vector<TokenId>>(input);
    if (ids.empty()) throw Error(ErrorCode::invalid_argument, "input_ids is empty; expected at least the end token");
  }
  check_ids(ids, spec.source_vocabulary, "input_ids");
  const std::size_t found = ids.size(), limit = engine.max_source_tokens();
  if (found > limit && too_long == TooLong::refuse)
    throw Error(ErrorCode::invalid_argument,
                "the source has " + std::to_string(found) + " tokens; this model takes at most " +
                    std::to_string(limit),
                "split the text into sentences, which translate does, or ask for truncate_source");
  if (found > limit)
    ids = truncate_sentence(*engine.tokenizer, {source_lang, target_lang, false}, ids, limit);
  const std::size_t length = ids.size();
  return {std::move(ids), nullptr, length, found - length};
}

void take_added(const EngineState& engine, std::span<const AddedEmbedding> added, Source& source) {
  source.added = added;
  check_added(source.input(), engine.model.network->spec().model_dim);
}

std::vector<TokenId> encode_target(const EngineState& engine, const Input& input, const std::string& source_lang,
                                   const std::string& target_lang, bool with_end) {
  std::vector<TokenId> ids;
  if (const auto* text = std::get_if<std::string>(&input)) {
    if (text->empty() && !with_end) return ids;
    EncodeOptions options;
    options.source_lang = source_lang;
    options.target_lang = target_lang;
    options.as_target = true;
    ids = encode_text(engine, *text, options);
    if (!with_end && !ids.empty() && ids.back() == engine.tokenizer->eos_id()) ids.pop_back();
  } else if (std::holds_alternative<Features>(input)) {
    throw Error(ErrorCode::invalid_argument, "a target cannot be features; expected a text or ids");
  } else {
    ids = std::get<std::vector<TokenId>>(input);
  }
  check_target_ids(engine, ids, "target ids");
  return ids;
}

// Some CTranslate2 models leave the decoder's start token to the request: it names one, or its prefix
// begins with it.
static void choose_start(const EngineState& engine, const Request& request, std::vector<TokenId>& prefix,
                         SearchContext& context) {
  if (engine.model.network->spec().has_start() || request.generation.decoder_start_token_id ||
      context.model_defaults->decoder_start_token_id)
    return;
  if (prefix.empty())
    throw Error(ErrorCode::invalid_argument, "this model does not say what its outputs start with",
                "set decoder_start_token_id, or a prefix that begins with the start token");
  context.start_token = prefix.front();
  prefix.erase(prefix.begin());
}

void check_target_ids(const EngineState& engine, const std::vector<TokenId>& ids, const char* what) {
  check_ids(ids, engine.model.network->spec().target_vocabulary, what);
}

// The sources and weights of a request whose next tokens are those of several sources together.
static void prepare_mixture(const EngineState& engine, const Request& request, const Mixture& mixture,
                            PreparedRequest& prepared) {
  if (request.return_alignment)
    throw Error(ErrorCode::unsupported, "return_alignment: a mixture has several sources to align with");
  MixtureSources sources =
      encode_mixture(engine, mixture, request.source_lang, request.target_lang, too_long(request));
  prepared.sources = std::move(sources.sources);
  prepared.log_weights = std::move(sources.log_weights);
}

static void prepare_added(const EngineState& engine, const Request& request, PreparedRequest& prepared) {
  if (request.added_embeddings.empty()) return;
  if (std::holds_alternative<Mixture>(request.strategy) || std::holds_alternative<Ensemble>(request.strategy))
    throw Error(ErrorCode::unsupported, "added_embeddings: they belong to one source and one model");
  take_added(engine, request.added_embeddings, prepared.sources.front());
}

static bool is_mixed(const Strategy& strategy) {
  return std::holds_alternative<Mixture>(strategy) || std::holds_alternative<Ensemble>(strategy) ||
         std::holds_alternative<CopyMixture>(strategy) || std::holds_alternative<SequenceToAction>(strategy);
}

// What a search is asked over rows that are made of several: the generation keys choose the strategy.
static SearchOptions resolve_mixed(const Request& request, const SearchContext& context, const Limits& limits) {
  Request searched = request;
  searched.strategy = Automatic{};
  return resolve(searched, context, limits);
}

static void check_can_copy(const EngineState& engine) {
  if (!engine.model.shared_vocabulary || engine.model.network->reads_features())
    throw Error(ErrorCode::unsupported, "this model cannot copy: its source and target do not share a vocabulary");
}

static void check_copying(const EngineState& engine, const CopyMixture& copy) {
  if (!(copy.generate >= 0 && copy.generate <= 1))
    throw Error(ErrorCode::invalid_argument, "CopyMixture::generate is " + std::to_string(copy.generate) +
                                                 "; expected a number from 0 to 1");
  check_can_copy(engine);
  if (engine.model.network->spec().guided_alignment_layer < 0)
    throw Error(ErrorCode::unsupported, "this model cannot copy: it has no alignment");
}

static void check_actions(const EngineState& engine, const Request& request, const SequenceToAction& actions) {
  check_can_copy(engine);
  if (!actions.head)
    throw Error(ErrorCode::invalid_argument, "SequenceToAction::head is empty, expected a function");
  check_target_ids(engine, {actions.blank}, "SequenceToAction::blank");
  if (const std::string text = engine.tokenizer->decode(std::span(&actions.blank, 1)); !text.empty())
    throw Error(ErrorCode::invalid_argument,
                "SequenceToAction::blank is " + std::to_string(actions.blank) + ", which reads " + quote(text) +
                    "; expected a token that texts do not show");
  if (request.return_alignment)
    throw Error(ErrorCode::unsupported, "return_alignment: skipped source tokens are not fed to the model");
}

// What may be skipped or copied is not for constraints, bans of single tokens (models forbid their
// padding so) or a shortlist to refuse.
static void allow_actions(PreparedRequest& prepared) {
  const TokenId blank = prepared.actions->blank;
  SearchOptions& options = prepared.options;
  options.constraint = let_pass(blank, options.constraint);
  std::erase(options.bad_words, std::vector<TokenId>{blank});
  std::erase(options.suppress_tokens, blank);
  if (prepared.shortlist.empty()) return;
  const std::vector<TokenId>& source = prepared.sources.front().ids;
  prepared.shortlist.insert(prepared.shortlist.end(), source.begin(), source.end());
  prepared.shortlist.push_back(blank);
  sort_unique(prepared.shortlist);
}

static void check_speaks_of_no_source(const SearchOptions& options) {
  if (options.encoder_repetition_penalty != 1.0 || options.encoder_no_repeat_ngram_size > 0)
    throw Error(ErrorCode::unsupported,
                "encoder_repetition_penalty and encoder_no_repeat_ngram_size speak of one source; a mixture has "
                "several");
}

// The model's own options, with the start of outputs in the request's language where the decoder is
// told of it.
static GenerationOptions defaults_for(const EngineState& engine, const std::string& target_lang) {
  GenerationOptions defaults = engine.defaults;
  if (target_lang.empty()) return defaults;
  const LanguageMark mark = engine.tokenizer->target_language(target_lang);
  if (mark.token >= 0)
    (mark.starts_decoder ? defaults.decoder_start_token_id : defaults.forced_bos_token_id) =
        mark.token;
  return defaults;
}

// Throws Error for whatever is wrong with the request.
static PreparedRequest prepare(const EngineState& engine, const Request& request) {
  PreparedRequest prepared;
  const auto* mixture = std::get_if<Mixture>(&request.strategy);
  if (mixture != nullptr)
    prepare_mixture(engine, request, *mixture, prepared);
  else
    prepared.sources = {encode_source(engine, request.input, request.source_lang,
                                      request.target_lang, too_long(request))};
  prepare_added(engine, request, prepared);
  if (request.return_alignment) {
    resolve_layer(engine.model.network->spec(), request.alignment_head);
    prepared.alignment_head = request.alignment_head;
  }
  std::vector<TokenId> prefix =
      encode_target(engine, request.prefix, request.source_lang, request.target_lang, /*with_end=*/false);
  SearchContext context = engine.context();
  const GenerationOptions defaults = defaults_for(engine, request.target_lang);
  context.model_defaults = &defaults;
  choose_start(engine, request, prefix, context);
  // Of a mixture the longest: a length limit may count the source's tokens.
  context.source = std::max_element(prepared.sources.begin(), prepared.sources.end(),
                                    [](const Source& a, const Source& b) { return a.length < b.length; })
                       ->ids;
  context.prefix = prefix;
  if (const auto* ensemble = std::get_if<Ensemble>(&request.strategy); ensemble && prepared.source_length() > 0) {
    prepared.ensemble = prepare_ensemble(engine, *ensemble, request);
    limit_positions(*prepared.ensemble, context);
  }
  if (const auto* copy = std::get_if<CopyMixture>(&request.strategy)) {
    check_copying(engine, *copy);
    prepared.copy = *copy;
  }
  if (const auto* actions = std::get_if<SequenceToAction>(&request.strategy)) {
    check_actions(engine, request, *actions);
    prepared.actions = *actions;
  }
  const Limits& limits = engine.options.limits;
  prepared.options = is_mixed(request.strategy) ? resolve_mixed(request, context, limits)
                                                : resolve(request, context, limits);
  if (mixture != nullptr) check_speaks_of_no_source(prepared.options);
  check_coverage(engine, prepared);
  if (request.logits_hook != nullptr) prepared.hook = clone_hook(*request.logits_hook);
  prepared.shortlist = shortlist_of(engine, request, prepared.sources, prepared.options);
  if (prepared.actions) allow_actions(prepared);
  const auto* aggressive = std::get_if<Aggressive>(&prepared.options.strategy);
  if (aggressive != nullptr && aggressive->drafter == DraftSource::model)
    prepared.draft_source = prepare_draft_source(engine, *aggressive->draft_model, request);
  return prepared;
}

std::vector<std::optional<PreparedRequest>> prepare_all(const EngineState& engine, std::span<const Request> requests,
                                                        std::span<Output> outputs) {
  std::vector<std::optional<PreparedRequest>> prepared(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (is_sequence_mixture(requests[i])) continue;
    try {
      prepared[i] = prepare(engine, requests[i]);
      // A text without a single token, not even an end: its output is as empty.
      if (prepared[i]->source_length() == 0) {
        outputs[i].hypotheses.emplace_back();
        prepared[i].reset();
      }
    } catch (const Error& error) {
      outputs[i].error = error;
    }
  }
  return prepared;
}

}  // namespace tandem
