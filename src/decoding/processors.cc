#include "decoding/processors.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace tandem {
namespace {

using Kind = ScoreEdit::Kind;

void add_ban(TokenId token, std::vector<ScoreEdit>& edits) {
  edits.push_back({Kind::ban, token, 0});
}

// Calls `found` with every token that would complete an n-gram of `text` after the last n - 1
// tokens of `history`. With n = 1, all tokens of `text`.
template <typename Found>
void for_each_repetition(std::span<const TokenId> text, std::span<const TokenId> history, int n,
                         const Found& found) {
  const auto context_size = static_cast<std::size_t>(n - 1);
  if (history.size() < context_size) return;
  const auto context = history.last(context_size);
  for (std::size_t i = 0; i + context_size < text.size(); ++i) {
    const auto ngram = text.subspan(i, context_size);
    if (std::equal(context.begin(), context.end(), ngram.begin())) found(text[i + context_size]);
  }
}

// Without what is no output token: Marian's start, and ids of a larger source vocabulary.
std::vector<TokenId> distinct_tokens(std::span<const TokenId> text, TokenId vocabulary_size) {
  std::vector<TokenId> tokens(text.begin(), text.end());
  std::erase_if(tokens, [&](TokenId token) { return token < 0 || token >= vocabulary_size; });
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

}  // namespace

TokenMask mask_with_end(const Constraint& constraint, std::span<const TokenId> eos_tokens,
                        std::vector<ScoreEdit>& end_bans) {
  const bool can_end = constraint.can_end();
  TokenMask mask = constraint.allowed();
  if (mask.list() != nullptr) {
    std::vector<TokenId> tokens = *mask.list();
    if (can_end) tokens.insert(tokens.end(), eos_tokens.begin(), eos_tokens.end());
    mask = TokenMask::only(std::move(tokens));
  } else if (mask.words() != nullptr && can_end) {
    auto words = std::make_shared<std::vector<std::uint64_t>>(*mask.words());
    for (const TokenId eos : eos_tokens) {
      const auto word = static_cast<std::size_t>(eos) / 64;
      if (words->size() <= word) words->resize(word + 1, 0);
      (*words)[word] |= std::uint64_t{1} << (eos % 64);
    }
    mask = TokenMask::bits(std::move(words));
  }
  if (!can_end) {
    for (const TokenId eos : eos_tokens)
      if (mask.allows(eos)) add_ban(eos, end_bans);
  }
  return mask;
}

ProcessorChain::ProcessorChain(const SearchOptions& options, ScoreSpace space, int top_k)
    : options_(options), space_(space), top_k_(top_k) {
  if (options.encoder_repetition_penalty != 1.0) {
    // The inverse: above 1 it raises what stands in the source.
    const auto factor = static_cast<float>(1.0 / options.encoder_repetition_penalty);
    for (const TokenId token : distinct_tokens(options.source, options.vocabulary_size))
      source_penalties_.push_back({Kind::penalize, token, factor});
  }
}

CandidateQuery ProcessorChain::build(const Path& path, const Constraint* constraint) const {
  const std::span<const TokenId> history = path.history;
  const int generated = path.generated(options_);
  CandidateQuery query;
  query.top_k = top_k_;
  query.space = space_;
  query.renormalize = options_.renormalize;

  const TokenId forced = forced_token(history, generated);
  std::vector<ScoreEdit> end_bans;
  const bool is_mark = forced >= 0 && history.size() == 1 && forced == options_.forced_bos_token;
  if (is_mark)
    query.mask = TokenMask::only({forced});
  else if (constraint != nullptr)
    query.mask = mask_with_end(*constraint, options_.eos_tokens, end_bans);

  if (forced >= 0) {
    if (query.mask.allows(forced)) {
      query.edits.push_back({Kind::force, forced, 0});
    } else {
      query.mask = TokenMask::only({});
    }
  } else {
    add_bias(history, query.edits);
    penalize(history, query.edits);
    const bool may_end = constraint == nullptr || constraint->can_end();
    if (may_end && !end_too_early(generated)) decay_end(generated, query.edits);
    ban(history, generated, query.edits);
  }
  query.edits.insert(query.edits.end(), end_bans.begin(), end_bans.end());
  suppress(history, query.edits);
  return query;
}

TokenId ProcessorChain::forced_token(std::span<const TokenId> history, int generated) const {
  if (!options_.forced_eos_tokens.empty() && generated == options_.max_new_tokens - 1)
    return options_.forced_eos_tokens.front();
  return history.size() == 1 ? options_.forced_bos_token : -1;
}

std::span<const TokenId> ProcessorChain::repeatable(std::span<const TokenId> history) const {
  return history.subspan(options_.profile == Profile::ctranslate2 ? 1 : 0);
}

void ProcessorChain::add_bias(std::span<const TokenId> history,
                              std::vector<ScoreEdit>& edits) const {
  for (const auto& [sequence, bias] : options_.sequence_bias) {
    // As with bad words, a sequence longer than the history is not looked at.
    if (sequence.size() > 1 && sequence.size() > history.size()) continue;
    const auto suffix = history.last(sequence.size() - 1);
    if (std::equal(suffix.begin(), suffix.end(), sequence.begin()))
      edits.push_back({Kind::add, sequence.back(), static_cast<float>(bias)});
  }
}

void ProcessorChain::penalize(std::span<const TokenId> history,
                              std::vector<ScoreEdit>& edits) const {
  edits.insert(edits.end(), source_penalties_.begin(), source_penalties_.end());
  if (options_.repetition_penalty == 1.0) return;
  const auto factor = static_cast<float>(options_.repetition_penalty);
  for (const TokenId token : distinct_tokens(repeatable(history), options_.vocabulary_size))
    edits.push_back({Kind::penalize, token, factor});
}

void ProcessorChain::decay_end(int generated, std::vector<ScoreEdit>& edits) const {
  if (!options_.exponential_decay) return;
  const auto [start, factor] = *options_.exponential_decay;
  if (generated <= start) return;
  const auto gain = static_cast<float>(std::pow(factor, generated - start) - 1.0);
  for (const TokenId eos : options_.eos_tokens) edits.push_back({Kind::add_relative, eos, gain});
}

void ProcessorChain::ban(std::span<const TokenId> history, int generated,
                         std::vector<ScoreEdit>& edits) const {
  const auto ban_token = [&](TokenId token) {
    if (token >= 0 && token < options_.vocabulary_size) add_ban(token, edits);
  };
  if (options_.no_repeat_ngram_size > 0)
    for_each_repetition(repeatable(history), repeatable(history), options_.no_repeat_ngram_size,
                        ban_token);
  if (options_.encoder_no_repeat_ngram_size > 0)
    for_each_repetition(options_.source, history, options_.encoder_no_repeat_ngram_size, ban_token);
  for (const auto& word : options_.bad_words) {
    // A word as long as the history plus the token to come is not looked at: so does transformers.
    if (word.size() > 1 && word.size() > history.size()) continue;
    const auto suffix = history.last(word.size() - 1);
    if (std::equal(suffix.begin(), suffix.end(), word.begin())) add_ban(word.back(), edits);
  }
  if (end_too_early(generated))
    for (const TokenId eos : options_.eos_tokens) add_ban(eos, edits);
}

void ProcessorChain::suppress(std::span<const TokenId> history,
                              std::vector<ScoreEdit>& edits) const {
  for (const TokenId token : options_.suppress_tokens) add_ban(token, edits);
  const std::size_t prompt = 1 + options_.prefix.size();
  const bool first_is_forced = prompt == 1 && options_.forced_bos_token >= 0;
  if (history.size() != prompt + (first_is_forced ? 1 : 0)) return;
  for (const TokenId token : options_.begin_suppress_tokens) add_ban(token, edits);
}

}  // namespace tandem
