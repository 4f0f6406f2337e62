/// The decoding strategies and what each can be told beyond the generation keys of options.h.
///
/// `Automatic` follows Hugging Face: `do_sample` means sampling, with `num_beams` above 1 beam
/// sampling; `num_beam_groups` above 1 diverse beam search, `num_beams` above 1 beam search,
/// otherwise greedy.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/features.h>

namespace tandem {

class Engine;

/// Text in the model's source language, token ids with the end and language tokens in place, or,
/// for models that read no tokens, features.
using Input = std::variant<std::string, std::vector<TokenId>, Features>;

struct Automatic {};

/// One hypothesis, the best token at each step. Cost: one decoder pass a token.
struct Greedy {};

/// The `num_beams` best partial outputs at each step. Cost: `num_beams` rows a pass.
/// Wu et al. 2016 (arXiv 1609.08144) for the length penalty; rules as the request's profile says.
struct Beam {};

/// How groups of a diverse beam search are kept apart.
enum class Diversity {
  hamming,     ///< a token costs as often as earlier groups chose it at this step
  cumulative,  ///< agreement of the whole prefix with an earlier group's counts
  ngram        ///< completing an n-gram of an earlier group's output counts
};

/// Beam search in groups that are kept apart by a penalty (Vijayakumar et al. 2016, arXiv
/// 1610.02424). `num_beams`, `num_beam_groups` and `diversity_penalty` come from the options.
struct DiverseBeam {
  Diversity diversity = Diversity::hamming;
};

/// `num_return_sequences` independent samples; temperature, top_k, top_p and the other cut-offs
/// come from the options, `seed` makes them repeatable in any batch and at any number of threads.
/// Cost: one row a sample and pass; the encoder runs once.
struct Sample {};

/// Beam search that draws its candidates by their scores, instead of taking the best: `num_beams`
/// related samples, of which the best come first. Rules and cut-offs of Hugging Face (`do_sample`
/// with `num_beams` above 1). Cost: that of `Beam`, and a random number for each candidate.
struct BeamSample {};

/// Beam search over Gumbel-perturbed scores: `num_beams` different samples without replacement
/// (Kool et al. 2019, arXiv 1903.06059).
struct StochasticBeam {};

/// What a sample is compared with the others by.
enum class Utility { chrf, unigram_f1, bleu };

/// Minimum Bayes risk: draws samples and returns the one that agrees best with all others
/// (Eikema and Aziz 2020, arXiv 2005.10283). Cost: `samples` rows a pass, samples^2 comparisons.
struct MinimumBayesRisk {
  int samples = 16;
  Utility utility = Utility::chrf;
};

/// How a particle's next token is proposed.
enum class Proposal {
  masked,  ///< from the allowed tokens, weighted by the mass that the mask removed
  awrs     ///< adaptive weighted rejection sampling (Lipkin et al. 2025, arXiv 2504.05410): tests
           ///< few tokens where the model already obeys the constraint
};

/// Sequential Monte Carlo over a constraint: weighted samples of the constrained distribution and
/// an unbiased estimate of the mass of the constraint (Output::log_evidence). Particles are
/// resampled (stratified) when the effective sample size falls below `ess_threshold * particles`.
struct SequentialMonteCarlo {
  int particles = 5;
  double ess_threshold = 0.5;
  Proposal proposal = Proposal::masked;
};

/// Where a draft comes from.
enum class DraftSource {
  source,   ///< the source text itself, re-synchronised after every edit (Sun et al. 2021,
            ///< arXiv 2106.04970, with the never-idle rule); source and target share a vocabulary
  lookup,   ///< what followed the last few tokens earlier in the source or in the output
  ids,      ///< `draft_ids` as given
  model,    ///< greedy output of `draft_model`, which has the same target vocabulary
  callback  ///< `draft`
};

/// Which drafted tokens are accepted.
enum class Verification {
  exact,     ///< those that greedy decoding would choose: the output is that of `Greedy`
  relaxed,   ///< those among the `top_beta` best and within `tau` of the best (Ge et al. 2022,
             ///< arXiv 2205.10350): fewer passes, another output
  rejection  ///< speculative sampling (Leviathan et al. 2023, arXiv 2211.17192): with `do_sample`,
             ///< distributed exactly as `Sample`
};

/// Proposes up to `limit` tokens that may follow `output`. Called from worker threads, for several
/// requests at once if they share it.
using DraftFunction = std::function<std::vector<TokenId>(
    std::span<const TokenId> source, std::span<const TokenId> output, int limit)>;

/// Greedy decoding that verifies drafted tokens several at a time. Under Verification::exact the
/// output is exactly that of `Greedy`, for any draft. Cost: one pass for each run of accepted
/// tokens.
struct Aggressive {
  /// Most tokens drafted a pass; automatic: chosen from the cost of wide passes on this device.
  std::optional<int> max_draft;
  DraftSource drafter = DraftSource::source;
  std::vector<TokenId> draft_ids;             ///< for DraftSource::ids
  std::shared_ptr<const Engine> draft_model;  ///< for DraftSource::model
  DraftFunction draft;                        ///< for DraftSource::callback
  Verification verify = Verification::exact;
  int top_beta = 1;  ///< Verification::relaxed; 1 is exact
  double tau = 0;    ///< Verification::relaxed; in nats
};

/// What a mixture averages.
enum class MixtureMode {
  token,         ///< the next-token probabilities of all sources (RAG-Token)
  sequence,      ///< the probabilities of whole outputs; each source's candidates are scored under
                 ///< every source (RAG-Sequence, thorough)
  sequence_fast  ///< the same, where a candidate counts only under the sources that found it
};

/// One output for several sources (Lewis et al. 2020, arXiv 2005.11401, section 2). Replaces the
/// request's input. Cost: one row for each source, hypothesis and pass.
struct Mixture {
  std::vector<Input> sources;
  std::vector<double> weights;  ///< prior of each source, normalised here; empty: equal
  MixtureMode mode = MixtureMode::token;
};

/// How the members of an ensemble are averaged.
enum class EnsembleMode {
  arithmetic,  ///< their next-token probabilities
  geometric    ///< their log-probabilities, normalised anew over the vocabulary
};

/// One output of several models for one source: the request's engine and `members`, which have the
/// same target vocabulary and read the source each in their own way. The generation keys choose the
/// search. Cost: a decoder pass of each model for each pass of the search.
struct Ensemble {
  std::vector<std::shared_ptr<const Engine>> members;  ///< besides the request's engine
  /// Of the request's engine, then of each member; normalised here. Empty: equal.
  std::vector<double> weights;
  EnsembleMode mode = EnsembleMode::arithmetic;
};

/// How much of the next token is the model's own, from 0 (copied) to 1 (generated). Called once for
/// each row of each step, from worker threads, for several requests at once if they share it.
using CopyGate =
    std::function<double(std::span<const TokenId> source, std::span<const TokenId> output)>;

/// Pointer-generator (See et al. 2017, arXiv 1704.04368): the next token is generated with
/// probability g and otherwise copied from the source position that the decoder's cross-attention
/// points at. Source and target share a vocabulary. The generation keys choose the search. Cost:
/// one whole row of probabilities a row and pass.
struct CopyMixture {
  double generate = 0.5;  ///< g
  CopyGate gate;          ///< if set, g at each step; `generate` is not used
};

/// What to do about the source token that is next, as probabilities that sum to 1.
struct ActionProbabilities {
  double skip = 0;      ///< leave it out
  double copy = 0;      ///< take it over
  double generate = 0;  ///< say something else first
};

/// Decides between the actions from the decoder's last state (what the output projection reads) and
/// the source token that is next. Called once for each row of each step, from worker threads, for
/// several requests at once if they share it.
using ActionHead =
    std::function<ActionProbabilities(std::span<const float> state, TokenId source_token)>;

/// Edits the source by skipping, copying and generating its tokens from left to right
/// (Sequence-to-Action, Li et al. 2022, arXiv 2205.10884). The model's own distribution says what is
/// generated. Source and target share a vocabulary. The generation keys choose the search. Cost: one
/// whole row of probabilities a row and pass; a step for each skipped token.
struct SequenceToAction {
  ActionHead head;
  /// Stands for a skipped source token in Hypothesis::ids: a token that texts do not show, and that
  /// neither model nor source use. It is never fed to the model; the model's ban of it is lifted.
  TokenId blank = -1;
};

/// Scores beginnings of outputs, each of `prefixes` without the start token; the higher the better,
/// -infinity for one that is out of the question. One number each. Called from worker threads, for
/// several requests at once if they share it.
using PrefixScorer = std::function<std::vector<double>(
    std::span<const TokenId> source, std::span<const std::vector<TokenId>> prefixes)>;

/// Beam search for outputs that have a property, by an estimate of whether they will: what is
/// ranked is log p(y) + `weight` * scorer(y), the newest value of the scorer alone (approximate
/// conditional beam search, Yoshida 2024, arXiv 2408.16241). Cost: that of `Beam`, and a call of
/// the scorer with `num_beams` * `candidates` prefixes a step.
struct ConditionalBeam {
  PrefixScorer scorer;
  double weight = 1.0;
  int candidates = 8;  ///< next tokens of each output that the scorer sees
};

/// Beam search over pieces of text, ranked by the scorer alone (RankGen, Krishna et al. 2022, arXiv
/// 2205.09726): each of `beams` outputs is continued by `samples` samples of `piece` tokens, the
/// scorer sees all of them, and the best `beams` go on. Temperature and cut-offs are the sampler's.
/// Cost: `beams` * `samples` rows a pass, a call of the scorer every `piece` tokens.
struct RankedSampling {
  PrefixScorer scorer;
  int beams = 2;
  int samples = 10;
  int piece = 20;
};

/// Contrastive search (Su et al. 2022, arXiv 2202.06417): of the `top_k` most probable tokens the
/// one with the highest (1 - alpha) * p - alpha * similarity, the largest cosine of its hidden
/// state with those of the output so far. Cost: `top_k` rows a pass.
struct Contrastive {
  double alpha = 0.6;
  int top_k = 4;
};

using Strategy =
    std::variant<Automatic, Greedy, Beam, DiverseBeam, Sample, BeamSample, StochasticBeam,
                 MinimumBayesRisk, SequentialMonteCarlo, Aggressive, Mixture, Ensemble, CopyMixture,
                 SequenceToAction, ConditionalBeam, RankedSampling, Contrastive>;

}  // namespace tandem
