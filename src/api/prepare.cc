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
#include "api/input_ids.h"
#include "api/mixture_sources.h"
#include "api/output_shortlist.h"
#include "api/sequence_mixtures.h"
#include "base/quote.h"
#include "decoding/constraints/letting_pass.h"
#include "decoding/hook_decoder.h"

namespace tandem {
namespace {

// Some CTranslate2 models leave the decoder's start token to the request: it names one, or its
// prefix begins with it.
void choose_start(const EngineState& engine, const Request& request, std::vector<TokenId>& prefix,
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

// The sources and weights of a request whose next tokens are those of several sources together.
void prepare_mixture(const EngineState& engine, const Request& request, const Mixture& mixture,
                     PreparedRequest& prepared) {
  if (request.return_alignment)
    throw Error(ErrorCode::unsupported,
                "return_alignment: a mixture has several sources to align with");
  MixtureSources sources =
      encode_mixture(engine, mixture, request.source_lang, request.target_lang, too_long(request));
  prepared.sources = std::move(sources.sources);
  prepared.log_weights = std::move(sources.log_weights);
}

void prepare_added(const EngineState& engine, const Request& request, PreparedRequest& prepared) {
  if (request.added_embeddings.empty()) return;
  if (std::holds_alternative<Mixture>(request.strategy) ||
      std::holds_alternative<Ensemble>(request.strategy))
    throw Error(ErrorCode::unsupported,
                "added_embeddings: they belong to one source and one model");
  take_added(engine, request.added_embeddings, prepared.sources.front());
}

bool is_mixed(const Strategy& strategy) {
  return std::holds_alternative<Mixture>(strategy) || std::holds_alternative<Ensemble>(strategy) ||
         std::holds_alternative<CopyMixture>(strategy) ||
         std::holds_alternative<SequenceToAction>(strategy);
}

// What a search is asked over rows that are made of several: the generation keys choose the
// strategy.
SearchOptions resolve_mixed(const Request& request, const SearchContext& context,
                            const Limits& limits) {
  Request searched = request;
  searched.strategy = Automatic{};
  return resolve(searched, context, limits);
}

void check_can_copy(const EngineState& engine) {
  if (!engine.model.shared_vocabulary || engine.model.network->reads_features())
    throw Error(ErrorCode::unsupported,
                "this model cannot copy: its source and target do not share a vocabulary");
}

void check_copying(const EngineState& engine, const CopyMixture& copy) {
  if (!(copy.generate >= 0 && copy.generate <= 1))
    throw Error(ErrorCode::invalid_argument, "CopyMixture::generate is " +
                                                 std::to_string(copy.generate) +
                                                 "; expected a number from 0 to 1");
  check_can_copy(engine);
  if (engine.model.network->spec().guided_alignment_layer < 0)
    throw Error(ErrorCode::unsupported, "this model cannot copy: it has no alignment");
}

void check_actions(const EngineState& engine, const Request& request,
                   const SequenceToAction& actions) {
  check_can_copy(engine);
  if (!actions.head)
    throw Error(ErrorCode::invalid_argument,
                "SequenceToAction::head is empty, expected a function");
  check_target_ids(engine, {actions.blank}, "SequenceToAction::blank");
  if (const std::string text = engine.tokenizer->decode(std::span(&actions.blank, 1));
      !text.empty())
    throw Error(ErrorCode::invalid_argument,
                "SequenceToAction::blank is " + std::to_string(actions.blank) + ", which reads " +
                    quote(text) + "; expected a token that texts do not show");
  if (request.return_alignment)
    throw Error(ErrorCode::unsupported,
                "return_alignment: skipped source tokens are not fed to the model");
}

// What may be skipped or copied is not for constraints, bans of single tokens (models forbid their
// padding so) or a shortlist to refuse.
void allow_actions(PreparedRequest& prepared) {
  const TokenId blank = prepared.actions->blank;
  SearchOptions& options = prepared.options;
  options.constraint = let_pass(blank, options.constraint);
  std::erase(options.bad_words, std::vector<TokenId>{blank});
  std::erase(options.suppress_tokens, blank);
  add_to_shortlist(prepared.sources.front().ids, prepared.shortlist);
  add_to_shortlist({&blank, 1}, prepared.shortlist);
}

void check_speaks_of_no_source(const SearchOptions& options) {
  if (options.encoder_repetition_penalty != 1.0 || options.encoder_no_repeat_ngram_size > 0)
    throw Error(ErrorCode::unsupported,
                "encoder_repetition_penalty and encoder_no_repeat_ngram_size speak of one source; "
                "a mixture has "
                "several");
}

// The model's own options, with the start of outputs in the request's language where the decoder is
// told of it.
GenerationOptions defaults_for(const EngineState& engine, const std::string& target_lang) {
  GenerationOptions defaults = engine.defaults;
  if (target_lang.empty()) return defaults;
  const LanguageMark mark = engine.tokenizer->target_language(target_lang);
  if (mark.token >= 0)
    (mark.starts_decoder ? defaults.decoder_start_token_id : defaults.forced_bos_token_id) =
        mark.token;
  return defaults;
}

// Throws Error for whatever is wrong with the request.
PreparedRequest prepare(const EngineState& engine, const Request& request) {
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
  std::vector<TokenId> prefix = encode_target(engine, request.prefix, request.source_lang,
                                              request.target_lang, /*with_end=*/false);
  SearchContext context = engine.context();
  const GenerationOptions defaults = defaults_for(engine, request.target_lang);
  context.model_defaults = &defaults;
  choose_start(engine, request, prefix, context);
  // Of a mixture the longest: a length limit may count the source's tokens.
  context.source =
      std::max_element(prepared.sources.begin(), prepared.sources.end(),
                       [](const Source& a, const Source& b) { return a.length < b.length; })
          ->ids;
  context.prefix = prefix;
  context.whole_rows = is_mixed(request.strategy) || request.logits_hook != nullptr;
  if (const auto* ensemble = std::get_if<Ensemble>(&request.strategy);
      ensemble && prepared.source_length() > 0) {
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

}  // namespace

PreparedRequests prepare_all(const EngineState& engine, std::span<const Request> requests,
                             std::span<Output> outputs) {
  PreparedRequests prepared(requests.size());
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

std::size_t PreparedRequest::tokens_in_batch() const {
  // Each output has keys and values of its own, of about as many tokens as the source.
  const auto outputs = static_cast<std::size_t>(std::max(options.num_beams, options.num_return_sequences));
  const std::size_t tokens = source_length() * outputs;
  // The columns of its shortlist are weights of its own, which a step reads for it alone: of more
  // than a few sentences they fit no cache (decisions/0004).
  constexpr std::size_t kShortlisted = 2;
  return shortlist.empty() ? tokens : kShortlisted * tokens;
}

std::vector<std::size_t> tokens_in_batch(const PreparedRequests& requests) {
  std::vector<std::size_t> tokens;
  for (const std::optional<PreparedRequest>& request : requests)
    tokens.push_back(request ? request->tokens_in_batch() : 0);
  return tokens;
}

}  // namespace tandem
