#include "decoding/search_options.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <tandem/error.h>

namespace tandem {
namespace {

std::string to_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text += '0';
  return text;
}
std::string to_text(int value) {
  return std::to_string(value);
}

template <typename T>
[[noreturn]] void out_of_range(const char* key, T value, const std::string& range) {
  throw Error(ErrorCode::invalid_argument,
              std::string("option ") + key + " is " + to_text(value) + ", expected " + range);
}

void check_range(const char* key, int value, int least, int most) {
  if (value < least || value > most)
    out_of_range(key, value, "from " + std::to_string(least) + " to " + std::to_string(most));
}

void check_at_least(const char* key, int value, int least) {
  if (value < least) out_of_range(key, value, "at least " + std::to_string(least));
}

void check_positive(const char* key, double value) {
  if (!std::isfinite(value) || value <= 0) out_of_range(key, value, "a number above 0");
}

void check_finite(const char* key, double value) {
  if (!std::isfinite(value)) out_of_range(key, value, "a finite number");
}

const GenerationOptions kNothing;

// One request together with the model's defaults.
class Resolver {
 public:
  Resolver(const Request& request, const SearchContext& context, const Limits& limits)
      : request_(request.generation),
        defaults_(context.model_defaults != nullptr ? *context.model_defaults : kNothing),
        context_(context),
        limits_(limits),
        input_(request) {}

  SearchOptions resolve();

 private:
  // The request's value, or the model's, or `fallback`.
  template <typename T, typename U>
  U get(std::optional<T> GenerationOptions::*key, U fallback) const {
    if ((request_.*key).has_value()) return *(request_.*key);
    return (defaults_.*key).has_value() ? *(defaults_.*key) : fallback;
  }
  template <typename T>
  std::vector<T> get_list(std::optional<std::vector<T>> GenerationOptions::*key) const {
    return get(key, std::vector<T>{});
  }

  void check_supported() const;
  Strategy strategy(const SearchOptions& options) const;
  void resolve_profile();
  void resolve_tokens();
  void resolve_search();
  void resolve_single_output();
  void resolve_max_length();
  void resolve_min_length();
  void resolve_penalties();
  void resolve_bans();
  void resolve_constraint();

  void check_token(const char* key, TokenId token) const;
  void check_tokens(const char* key, const std::vector<TokenId>& tokens) const;
  void check_words(const char* key, const std::vector<std::vector<TokenId>>& words) const;
  int prompt() const { return 1 + static_cast<int>(out_.prefix.size()); }

  const GenerationOptions& request_;
  const GenerationOptions& defaults_;
  const SearchContext& context_;
  const Limits& limits_;
  const Request& input_;
  SearchOptions out_;
};

SearchOptions Resolver::resolve() {
  check_supported();
  resolve_profile();
  resolve_tokens();
  resolve_search();
  resolve_max_length();
  resolve_min_length();
  resolve_penalties();
  resolve_bans();
  resolve_constraint();
  return std::move(out_);
}

void Resolver::check_supported() const {
  if (get(&GenerationOptions::do_sample, false))
    throw Error(ErrorCode::unsupported, "option do_sample is true: sampling is not available",
                "leave it out for greedy or beam search");
  const bool built = std::visit(
      [](const auto& strategy) {
        using S = std::decay_t<decltype(strategy)>;
        return std::is_same_v<S, Automatic> || std::is_same_v<S, Greedy> ||
               std::is_same_v<S, Beam> || std::is_same_v<S, DiverseBeam> ||
               std::is_same_v<S, Aggressive>;
      },
      input_.strategy);
  if (!built) throw Error(ErrorCode::unsupported, "this strategy is not available");
  if (const auto* diverse = std::get_if<DiverseBeam>(&input_.strategy);
      diverse && diverse->diversity != Diversity::hamming)
    throw Error(ErrorCode::unsupported, "only the Hamming diversity is available");
  if (const auto* aggressive = std::get_if<Aggressive>(&input_.strategy)) {
    if (aggressive->drafter != DraftSource::source && aggressive->drafter != DraftSource::ids)
      throw Error(ErrorCode::unsupported, "only the drafters source and ids are available");
    if (aggressive->verify != Verification::exact)
      throw Error(ErrorCode::unsupported, "only exact verification is available");
  }
}

void Resolver::resolve_profile() {
  out_.profile = input_.profile == Profile::automatic ? context_.files_profile : input_.profile;
  if (out_.profile != Profile::huggingface && out_.profile != Profile::marian)
    throw Error(ErrorCode::unsupported, "the search rules of this profile are not available",
                "use the profiles huggingface or marian");
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
  out_.eos_tokens = get_list(&GenerationOptions::eos_token_id);
  check_tokens("eos_token_id", out_.eos_tokens);
  out_.forced_bos_token = get(&GenerationOptions::forced_bos_token_id, TokenId{-1});
  check_range("forced_bos_token_id", out_.forced_bos_token, -1, context_.vocabulary_size - 1);
  out_.forced_eos_tokens = get_list(&GenerationOptions::forced_eos_token_id);
  check_tokens("forced_eos_token_id", out_.forced_eos_tokens);
  std::sort(out_.forced_eos_tokens.begin(), out_.forced_eos_tokens.end());
}

// --- search -----------------------------------------------------------------------------------

void Resolver::resolve_search() {
  out_.num_beams = get(&GenerationOptions::num_beams, 1);
  check_range("num_beams", out_.num_beams, 1, limits_.max_beams);
  out_.num_beam_groups = get(&GenerationOptions::num_beam_groups, 1);
  check_at_least("num_beam_groups", out_.num_beam_groups, 1);
  if (out_.num_beams % out_.num_beam_groups != 0)
    out_of_range("num_beam_groups", out_.num_beam_groups,
                 "a divisor of num_beams, which is " + std::to_string(out_.num_beams));
  out_.num_return_sequences = get(&GenerationOptions::num_return_sequences, 1);
  check_at_least("num_return_sequences", out_.num_return_sequences, 1);

  out_.early_stopping = get(&GenerationOptions::early_stopping, EarlyStopping::no);
  out_.length_penalty = get(&GenerationOptions::length_penalty, 1.0);
  check_finite("length_penalty", out_.length_penalty);
  out_.word_penalty = get(&GenerationOptions::word_penalty, 0.0);
  check_finite("word_penalty", out_.word_penalty);
  out_.diversity_penalty = get(&GenerationOptions::diversity_penalty, 0.0);
  check_finite("diversity_penalty", out_.diversity_penalty);
  if (out_.diversity_penalty < 0)
    out_of_range("diversity_penalty", out_.diversity_penalty, "at least 0");

  out_.strategy = strategy(out_);
  const bool single = std::holds_alternative<Greedy>(out_.strategy) ||
                      std::holds_alternative<Aggressive>(out_.strategy);
  if (single) resolve_single_output();
  if (out_.num_return_sequences > out_.num_beams)
    out_of_range("num_return_sequences", out_.num_return_sequences,
                 "at most num_beams, which is " + std::to_string(out_.num_beams));
  if (std::holds_alternative<DiverseBeam>(out_.strategy) && out_.profile == Profile::marian)
    throw Error(ErrorCode::unsupported,
                "diverse beam search is not part of the marian profile's rules",
                "ask for the profile huggingface");
}

// A strategy with one hypothesis overrules the beams that a model's defaults ask for.
void Resolver::resolve_single_output() {
  out_.num_beams = 1;
  out_.num_beam_groups = 1;
  if (!request_.num_return_sequences) out_.num_return_sequences = 1;
  if (const auto* aggressive = std::get_if<Aggressive>(&out_.strategy)) {
    if (aggressive->max_draft) check_at_least("max_draft", *aggressive->max_draft, 1);
    check_tokens("draft_ids", aggressive->draft_ids);
  }
}

Strategy Resolver::strategy(const SearchOptions& options) const {
  if (!std::holds_alternative<Automatic>(input_.strategy)) return input_.strategy;
  if (options.num_beam_groups > 1) return DiverseBeam{};
  if (options.num_beams > 1) return Beam{};
  return Greedy{};
}

// --- length -----------------------------------------------------------------------------------

void Resolver::resolve_max_length() {
  // Each limit counts what is generated after the prompt.
  const int positions =
      context_.max_target_positions > 0 ? context_.max_target_positions : limits_.max_target_tokens;
  const int room = std::min(positions, limits_.max_target_tokens) - prompt() + 1;
  if (room < 1)
    throw Error(ErrorCode::resource_exhausted,
                "the prefix has " + std::to_string(out_.prefix.size()) +
                    " tokens and the output may have " +
                    std::to_string(std::min(positions, limits_.max_target_tokens)) +
                    ", which leaves no room to generate",
                "shorten the prefix or raise Limits::max_target_tokens");

  std::optional<int> wanted;
  if (request_.max_new_tokens) {
    check_at_least("max_new_tokens", *request_.max_new_tokens, 1);
    wanted = *request_.max_new_tokens;
  } else if (request_.max_length) {
    if (*request_.max_length <= prompt())
      out_of_range("max_length", *request_.max_length,
                   "more than the " + std::to_string(prompt()) +
                       " tokens of the decoder start and the prefix");
    wanted = *request_.max_length - prompt();
  }
  if (wanted && *wanted > room)
    throw Error(ErrorCode::resource_exhausted,
                "the request wants " + std::to_string(*wanted) +
                    " generated tokens, and this model and Limits::max_target_tokens allow " +
                    std::to_string(room),
                "ask for less, or raise the limit if the model allows it");

  int chosen = room;
  if (wanted) {
    chosen = *wanted;
  } else if (defaults_.max_new_tokens) {
    check_at_least("max_new_tokens", *defaults_.max_new_tokens, 1);
    chosen = *defaults_.max_new_tokens;
  } else if (defaults_.max_length) {
    check_at_least("max_length", *defaults_.max_length, 1);
    if (*defaults_.max_length > prompt()) chosen = *defaults_.max_length - prompt();
  }
  if (out_.profile == Profile::marian && (!wanted || input_.max_length_factor)) {
    const double factor = input_.max_length_factor.value_or(context_.max_length_factor);
    check_positive("max_length_factor", factor);
    // The search ends after the first step t with t >= factor * source tokens.
    const double steps = std::ceil(factor * static_cast<double>(out_.source.size()));
    chosen = static_cast<int>(std::clamp(steps, 1.0, static_cast<double>(chosen)));
  }
  out_.max_new_tokens = std::min(chosen, room);
}

void Resolver::resolve_min_length() {
  const auto from = [&](const GenerationOptions& options) -> std::optional<int> {
    if (options.min_new_tokens) {
      check_at_least("min_new_tokens", *options.min_new_tokens, 0);
      return *options.min_new_tokens;
    }
    if (!options.min_length) return std::nullopt;
    check_at_least("min_length", *options.min_length, 0);
    return std::max(0, *options.min_length - prompt());
  };
  const std::optional<int> requested = from(request_);
  if (requested && *requested > out_.max_new_tokens)
    out_of_range(request_.min_new_tokens ? "min_new_tokens" : "min_length",
                 request_.min_new_tokens ? *request_.min_new_tokens : *request_.min_length,
                 "no more than the length limit, " + std::to_string(out_.max_new_tokens) +
                     " generated tokens");
  out_.min_new_tokens = requested ? *requested : from(defaults_).value_or(0);

  if (request_.exponential_decay_length_penalty)
    out_.exponential_decay = request_.exponential_decay_length_penalty;
  else
    out_.exponential_decay = defaults_.exponential_decay_length_penalty;
  if (out_.exponential_decay) {
    check_at_least("exponential_decay_length_penalty", out_.exponential_decay->first, 0);
    check_positive("exponential_decay_length_penalty", out_.exponential_decay->second);
  }
}

// --- penalties and bans -----------------------------------------------------------------------

void Resolver::resolve_penalties() {
  out_.repetition_penalty = get(&GenerationOptions::repetition_penalty, 1.0);
  check_positive("repetition_penalty", out_.repetition_penalty);
  out_.encoder_repetition_penalty = get(&GenerationOptions::encoder_repetition_penalty, 1.0);
  check_positive("encoder_repetition_penalty", out_.encoder_repetition_penalty);
  out_.renormalize = get(&GenerationOptions::renormalize_logits, false);
  check_positive("temperature", get(&GenerationOptions::temperature, 1.0));
  check_at_least("top_k", get(&GenerationOptions::top_k, 0), 0);
  const double top_p = get(&GenerationOptions::top_p, 1.0);
  if (!(top_p > 0 && top_p <= 1)) out_of_range("top_p", top_p, "above 0 and at most 1");
}

void Resolver::resolve_bans() {
  out_.no_repeat_ngram_size = get(&GenerationOptions::no_repeat_ngram_size, 0);
  check_at_least("no_repeat_ngram_size", out_.no_repeat_ngram_size, 0);
  out_.encoder_no_repeat_ngram_size = get(&GenerationOptions::encoder_no_repeat_ngram_size, 0);
  check_at_least("encoder_no_repeat_ngram_size", out_.encoder_no_repeat_ngram_size, 0);

  out_.bad_words = get_list(&GenerationOptions::bad_words_ids);
  check_words("bad_words_ids", out_.bad_words);
  // The end of the sentence is no word: transformers leaves it out here too.
  std::erase_if(out_.bad_words, [&](const std::vector<TokenId>& word) {
    return word.size() == 1 && out_.is_eos(word.front());
  });
  out_.suppress_tokens = get_list(&GenerationOptions::suppress_tokens);
  check_tokens("suppress_tokens", out_.suppress_tokens);
  out_.begin_suppress_tokens = get_list(&GenerationOptions::begin_suppress_tokens);
  check_tokens("begin_suppress_tokens", out_.begin_suppress_tokens);
  if (out_.profile == Profile::marian && !context_.allow_unk && context_.unk_token >= 0)
    out_.suppress_tokens.push_back(context_.unk_token);
}

void Resolver::resolve_constraint() {
  out_.constraint = input_.constraint;
  const auto phrases = get_list(&GenerationOptions::force_words_ids);
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

}  // namespace

bool SearchOptions::is_eos(TokenId token) const {
  return std::find(eos_tokens.begin(), eos_tokens.end(), token) != eos_tokens.end();
}

SearchOptions resolve(const Request& request, const SearchContext& context, const Limits& limits) {
  return Resolver(request, context, limits).resolve();
}

}  // namespace tandem
