#include "decoding/search_options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <variant>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

#include "decoding/generation_keys.h"
#include "decoding/length_options.h"
#include "decoding/sampling_options.h"
#include "decoding/step_size.h"
#include "decoding/strategy_options.h"

namespace tandem {
namespace {

const GenerationOptions kNothing;

// One request together with the model's defaults.
class Resolver {
 public:
  Resolver(const Request& request, const SearchContext& context, const Limits& limits)
      : request_(request.generation),
        defaults_(context.model_defaults != nullptr ? *context.model_defaults : kNothing),
        keys_(request_, defaults_),
        context_(context),
        limits_(limits),
        input_(request) {}

  SearchOptions resolve();

 private:
  template <typename T, typename U>
  U get(std::optional<T> GenerationOptions::*key, U fallback) const {
    return keys_.get(key, fallback);
  }

  void resolve_profile();
  void resolve_tokens();
  void resolve_search();
  void resolve_ctranslate2();
  void refuse_ctranslate2_keys() const;
  void resolve_num_returned();
  void check_candidates() const;
  void resolve_alternatives();
  void refuse_with_alternatives(bool is_set, const char* what) const;
  void resolve_penalties();
  void resolve_bans();
  void resolve_constraint();
  void resolve_stops();
  void resolve_tokenizer(const char* what);

  void check_token(const char* key, TokenId token) const;
  void check_tokens(const char* key, const std::vector<TokenId>& tokens) const;
  void check_words(const char* key, const std::vector<std::vector<TokenId>>& words) const;

  const GenerationOptions& request_;
  const GenerationOptions& defaults_;
  const GenerationKeys keys_;
  const SearchContext& context_;
  const Limits& limits_;
  const Request& input_;
  SearchOptions out_;
};

SearchOptions Resolver::resolve() {
  resolve_profile();
  resolve_tokens();
  resolve_search();
  resolve_lengths(input_, keys_, context_, limits_, out_);
  check_candidates();
  resolve_penalties();
  resolve_bans();
  resolve_constraint();
  resolve_stops();
  resolve_alternatives();
  return std::move(out_);
}

void Resolver::resolve_profile() {
  out_.profile = input_.profile == Profile::automatic ? context_.files_profile : input_.profile;
}

// --- tokens -----------------------------------------------------------------------------------

void Resolver::check_token(const char* key, TokenId token) const {
  check_range(key, token, 0, context_.vocabulary_size - 1);
}

void Resolver::check_tokens(const char* key, const std::vector<TokenId>& tokens) const {
  for (const TokenId token : tokens) check_token(key, token);
}

void Resolver::check_words(const char* key, const std::vector<std::vector<TokenId>>& words) const {
  for (const auto& word : words) {
    if (word.empty())
      throw Error(ErrorCode::invalid_argument,
                  std::string("option ") + key + " holds an empty entry, expected token ids");
    check_tokens(key, word);
  }
}

void Resolver::resolve_tokens() {
  out_.vocabulary_size = context_.vocabulary_size;
  out_.pad_token = context_.pad_token;
  out_.source.assign(context_.source.begin(), context_.source.end());
  out_.prefix.assign(context_.prefix.begin(), context_.prefix.end());
  check_tokens("prefix", out_.prefix);

  out_.start_token = get(&GenerationOptions::decoder_start_token_id, context_.start_token);
  check_range("decoder_start_token_id", out_.start_token, -1, context_.vocabulary_size - 1);
  out_.eos_tokens = keys_.get_list(&GenerationOptions::eos_token_id);
  check_tokens("eos_token_id", out_.eos_tokens);
  out_.forced_bos_token = get(&GenerationOptions::forced_bos_token_id, TokenId{-1});
  check_range("forced_bos_token_id", out_.forced_bos_token, -1, context_.vocabulary_size - 1);
  out_.forced_eos_tokens = keys_.get_list(&GenerationOptions::forced_eos_token_id);
  check_tokens("forced_eos_token_id", out_.forced_eos_tokens);
  std::sort(out_.forced_eos_tokens.begin(), out_.forced_eos_tokens.end());
}

// --- search -----------------------------------------------------------------------------------

void Resolver::resolve_search() {
  out_.strategy = resolve_strategy(input_, keys_, limits_);
  if (const auto* aggressive = std::get_if<Aggressive>(&out_.strategy))
    check_tokens("draft_ids", aggressive->draft_ids);
  out_.num_beams = get(&GenerationOptions::num_beams, 1);
  check_range("num_beams", out_.num_beams, 1, limits_.max_beams);
  out_.num_beam_groups = get(&GenerationOptions::num_beam_groups, 1);
  check_at_least("num_beam_groups", out_.num_beam_groups, 1);
  if (is_without_beams(out_.strategy)) out_.num_beams = out_.num_beam_groups = 1;
  if (out_.num_beams % out_.num_beam_groups != 0)
    out_of_range("num_beam_groups", out_.num_beam_groups,
                 "a divisor of num_beams, which is " + std::to_string(out_.num_beams));
  if (out_.profile == Profile::ctranslate2)
    resolve_ctranslate2();
  else
    refuse_ctranslate2_keys();
  resolve_num_returned();

  out_.early_stopping = get(&GenerationOptions::early_stopping, EarlyStopping::no);
  out_.length_penalty = get(&GenerationOptions::length_penalty, 1.0);
  check_finite("length_penalty", out_.length_penalty);
  out_.word_penalty = get(&GenerationOptions::word_penalty, 0.0);
  check_finite("word_penalty", out_.word_penalty);
  out_.diversity_penalty = get(&GenerationOptions::diversity_penalty, 0.0);
  check_at_least_zero("diversity_penalty", out_.diversity_penalty);
  out_.warpers = resolve_warpers(keys_);
  out_.seed = get(&GenerationOptions::seed, out_.seed);
  if (std::holds_alternative<BeamSample>(out_.strategy) && out_.num_beams > 1)
    out_.warpers.min_kept = std::max(2, 1 + static_cast<int>(out_.eos_tokens.size()));
  if (follows_hugging_face(out_.strategy) && out_.profile != Profile::huggingface)
    throw Error(ErrorCode::unsupported,
                "diverse and conditional beam search and beam sampling are not part of the rules "
                "of the profiles marian and ctranslate2",
                "ask for the profile huggingface");
}

void Resolver::resolve_ctranslate2() {
  constexpr double kMost = 1000;
  out_.patience = get(&GenerationOptions::patience, 1.0);
  check_positive("patience", out_.patience);
  if (out_.patience > kMost) out_of_range("patience", out_.patience, "at most 1000");
  out_.coverage_penalty = get(&GenerationOptions::coverage_penalty, 0.0);
  check_finite("coverage_penalty", out_.coverage_penalty);
  out_.prefix_bias = get(&GenerationOptions::prefix_bias_beta, 0.0);
  check_at_least_zero("prefix_bias_beta", out_.prefix_bias);
  if (out_.prefix_bias >= 1) out_of_range("prefix_bias_beta", out_.prefix_bias, "below 1");
  if (out_.prefix_bias > 0) out_.soft_prefix = std::exchange(out_.prefix, {});
  const bool searches =
      std::holds_alternative<Greedy>(out_.strategy) || std::holds_alternative<Beam>(out_.strategy);
  if (!searches && (out_.coverage_penalty != 0 || out_.prefix_bias > 0))
    throw Error(ErrorCode::unsupported,
                "coverage_penalty and prefix_bias_beta are rules of greedy and beam search only");
}

void Resolver::refuse_ctranslate2_keys() const {
  if (get(&GenerationOptions::coverage_penalty, 0.0) == 0 &&
      get(&GenerationOptions::prefix_bias_beta, 0.0) == 0)
    return;
  throw Error(ErrorCode::unsupported,
              "coverage_penalty and prefix_bias_beta are rules of the profile ctranslate2",
              "ask for that profile");
}

void Resolver::resolve_num_returned() {
  ReturnLimit limit = return_limit(out_.strategy, out_.num_beams, limits_);
  if (out_.profile == Profile::ctranslate2 && std::holds_alternative<Beam>(out_.strategy)) {
    limit.most = out_.most_hypotheses();
    limit.name = "num_beams * patience";
  }
  out_.alternatives = input_.return_alternatives;
  if (out_.alternatives) limit = {limits_.max_beams, "Limits::max_beams", {}};
  check_at_least("num_return_sequences", get(&GenerationOptions::num_return_sequences, 1), 1);
  const int otherwise = limit.usual.value_or(defaults_.num_return_sequences.value_or(1));
  out_.num_return_sequences = request_.num_return_sequences.value_or(otherwise);
  if (out_.num_return_sequences > limit.most)
    out_of_range("num_return_sequences", out_.num_return_sequences,
                 std::string("at most ") + limit.name + ", which is " + std::to_string(limit.most));
}

// What one step answers lies in memory: whole rows of the vocabulary, for some.
void Resolver::check_candidates() const {
  const StepSize size = step_size(out_, context_.whole_rows);
  if (size.rows <= limits_.max_step_candidates / size.candidates) return;
  throw Error(ErrorCode::resource_exhausted,
              "a step of this request asks for " + std::to_string(size.candidates) +
                  " candidates in each of " + std::to_string(size.rows) +
                  " rows; the limit max_step_candidates is " +
                  std::to_string(limits_.max_step_candidates),
              "set top_k, or ask for fewer outputs");
}

void Resolver::refuse_with_alternatives(bool is_set, const char* what) const {
  if (is_set)
    throw Error(ErrorCode::unsupported,
                std::string("return_alternatives is not available with ") + what);
}

void Resolver::resolve_alternatives() {
  out_.min_first_probability = input_.min_alternative_expansion_prob;
  if (!(out_.min_first_probability >= 0 && out_.min_first_probability <= 1))
    out_of_range("min_alternative_expansion_prob", out_.min_first_probability, "from 0 to 1");
  if (!out_.alternatives) return;
  const auto* aggressive = std::get_if<Aggressive>(&out_.strategy);
  const bool is_exact = aggressive != nullptr && aggressive->verify == Verification::exact &&
                        aggressive->drafter != DraftSource::model;
  refuse_with_alternatives(!is_exact && !std::holds_alternative<Greedy>(out_.strategy) &&
                               !std::holds_alternative<Beam>(out_.strategy),
                           "this strategy");
  refuse_with_alternatives(out_.prefix_bias > 0, "prefix_bias_beta");
  refuse_with_alternatives(out_.coverage_penalty != 0, "coverage_penalty");
  refuse_with_alternatives(!out_.stop_strings.empty(), "stop_strings");
}

// --- penalties and bans -----------------------------------------------------------------------

void Resolver::resolve_penalties() {
  out_.repetition_penalty = get(&GenerationOptions::repetition_penalty, 1.0);
  check_positive("repetition_penalty", out_.repetition_penalty);
  out_.encoder_repetition_penalty = get(&GenerationOptions::encoder_repetition_penalty, 1.0);
  check_positive("encoder_repetition_penalty", out_.encoder_repetition_penalty);
  // CTranslate2's scores are those of the softmax over what is not banned.
  out_.renormalize =
      out_.profile == Profile::ctranslate2 || get(&GenerationOptions::renormalize_logits, false);
  out_.sequence_bias = keys_.get_list(&GenerationOptions::sequence_bias);
  for (const auto& [sequence, bias] : out_.sequence_bias) {
    check_words("sequence_bias", {sequence});
    check_finite("sequence_bias", bias);
  }
}

void Resolver::resolve_bans() {
  out_.no_repeat_ngram_size = get(&GenerationOptions::no_repeat_ngram_size, 0);
  check_at_least("no_repeat_ngram_size", out_.no_repeat_ngram_size, 0);
  out_.encoder_no_repeat_ngram_size = get(&GenerationOptions::encoder_no_repeat_ngram_size, 0);
  check_at_least("encoder_no_repeat_ngram_size", out_.encoder_no_repeat_ngram_size, 0);

  out_.bad_words = keys_.get_list(&GenerationOptions::bad_words_ids);
  check_words("bad_words_ids", out_.bad_words);
  // The end of the sentence is no word: transformers leaves it out here too.
  std::erase_if(out_.bad_words, [&](const std::vector<TokenId>& word) {
    return word.size() == 1 && out_.is_eos(word.front());
  });
  out_.suppress_tokens = keys_.get_list(&GenerationOptions::suppress_tokens);
  check_tokens("suppress_tokens", out_.suppress_tokens);
  out_.begin_suppress_tokens = keys_.get_list(&GenerationOptions::begin_suppress_tokens);
  check_tokens("begin_suppress_tokens", out_.begin_suppress_tokens);
  if (out_.profile == Profile::marian && !context_.allow_unk && context_.unk_token >= 0)
    out_.suppress_tokens.push_back(context_.unk_token);
}

void Resolver::resolve_constraint() {
  out_.constraint = input_.constraint;
  const auto phrases = keys_.get_list(&GenerationOptions::force_words_ids);
  if (phrases.empty()) return;
  for (const auto& alternatives : phrases) check_words("force_words_ids", alternatives);
  // Room for the end token; a forced first token takes a place that the constraint does not see.
  int room = static_cast<int>(out_.prefix.size()) + out_.max_new_tokens - 1;
  if (out_.forced_bos_token >= 0 &&
      (out_.prefix.empty() || out_.prefix.front() == out_.forced_bos_token))
    --room;
  auto must_include = make_phrases_constraint(phrases, room);
  out_.constraint = out_.constraint ? make_intersection_constraint({out_.constraint, must_include})
                                    : must_include;
}

// --- ends -------------------------------------------------------------------------------------

void Resolver::resolve_stops() {
  out_.max_time = request_.max_time ? request_.max_time : defaults_.max_time;
  if (out_.max_time) check_positive("max_time", *out_.max_time);
  const auto* risk = std::get_if<MinimumBayesRisk>(&out_.strategy);
  if (risk != nullptr && risk->utility == Utility::chrf) resolve_tokenizer("the utility chrf");

  out_.stop_strings = keys_.get_list(&GenerationOptions::stop_strings);
  if (out_.stop_strings.empty()) return;
  for (const std::string& stop : out_.stop_strings)
    if (stop.empty())
      throw Error(ErrorCode::invalid_argument,
                  "option stop_strings holds an empty string, expected text");
  if (!may_stop_at_strings(out_.strategy))
    throw Error(ErrorCode::unsupported, "option stop_strings is not available with this strategy",
                "use greedy or aggressive decoding, or sampling");
  resolve_tokenizer("option stop_strings");
}

// Throws if there is no tokenizer, as `what` needs one.
void Resolver::resolve_tokenizer(const char* what) {
  if (context_.tokenizer == nullptr)
    throw Error(ErrorCode::unsupported, std::string(what) + " needs the model's tokenizer");
  static_cast<void>(context_.tokenizer->token(0));  // the tokenizer that stands in for none throws
  out_.tokenizer = context_.tokenizer;
}

}  // namespace

bool SearchOptions::is_eos(TokenId token) const {
  return std::find(eos_tokens.begin(), eos_tokens.end(), token) != eos_tokens.end();
}

int SearchOptions::most_hypotheses() const {
  if (profile != Profile::ctranslate2) return num_beams;
  return std::max(1, static_cast<int>(std::lround(num_beams * patience)));
}

SearchOptions resolve(const Request& request, const SearchContext& context, const Limits& limits) {
  return Resolver(request, context, limits).resolve();
}

}  // namespace tandem
