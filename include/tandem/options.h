/// What can be set: for an engine, for a request, for a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tandem/added_embedding.h>
#include <tandem/constraint.h>
#include <tandem/device.h>
#include <tandem/export.h>
#include <tandem/heads.h>
#include <tandem/logits_hook.h>
#include <tandem/strategy.h>

namespace tandem {

/// Bounds that are checked before memory is taken. A model file or a request that exceeds one is
/// refused with Error{resource_exhausted} that names the limit.
struct Limits {
  std::size_t max_model_bytes = std::size_t{64} << 30;
  std::size_t max_config_bytes = std::size_t{16} << 20;     ///< one JSON or YAML file, or a header
  std::size_t max_tokenizer_bytes = std::size_t{64} << 20;  ///< one vocabulary or .model file
  std::size_t max_tensors = 100'000;
  int max_json_depth = 32;
  int max_layers = 256;
  int max_heads = 256;
  std::int64_t max_vocabulary = std::int64_t{1} << 24;
  std::size_t max_input_bytes = std::size_t{16} << 20;  ///< of one text
  int max_source_tokens = 4096;
  int max_target_tokens = 4096;
  int max_beams = 64;
  /// Candidates that one request asks for in one step. Sampling without top_k asks for the whole
  /// vocabulary in each row. A candidate takes 12 bytes, several times.
  std::size_t max_step_candidates = std::size_t{1} << 24;
};

/// How an engine is loaded.
struct EngineOptions {
  Device device;  ///< automatic
  /// Further devices, each of which holds a replica of the model (threads, memory and all). A call
  /// with fewer requests than devices runs where the fewest calls do, others on all of them; no
  /// answer depends on where. A device may be named again.
  std::vector<Device> more_devices;
  ComputeType compute_type = ComputeType::automatic;
  Numerics numerics = Numerics::exact;
  /// On a CPU, 0: one for each core. On a GPU how many workers share it, each with a stream and
  /// caches of its own: the host plans for one while the device works for another. 0: 2.
  int threads = 0;
  /// Source tokens that one worker encodes and decodes together at most. Those of a sentence count
  /// for each output that its search keeps (beams, returned sequences), twice if it has a lexical
  /// shortlist. A sentence that counts for more runs alone. 0: 576 on a CPU, 16,384 on a GPU.
  int batch_tokens = 0;
  Limits limits;
};

/// Whose search rules, length limit and score are used.
enum class Profile {
  automatic,  ///< that of the files: Marian's own format Marian's, else Hugging Face's
  huggingface,
  marian,
  ctranslate2
};

enum class EarlyStopping { no, yes, never };

/// The keys of Hugging Face's generation_config.json by their own names. A value that is not set
/// comes from the model's generation_config.json, and then from the default given here.
struct TANDEM_EXPORT GenerationOptions {
  /// Reads a JSON object with these keys, as in generation_config.json or a request. Keys that
  /// describe a model and not a search (transformers_version, use_cache, ...) are passed over;
  /// a null counts as absent. Throws Error{invalid_argument} for anything unknown or of a wrong
  /// type, Error{unsupported} for a key of Hugging Face that is set to do something not built.
  static GenerationOptions from_json(std::string_view json);

  // Search.
  std::optional<int> num_beams;                 ///< 1
  std::optional<int> num_return_sequences;      ///< 1; at most num_beams
  std::optional<EarlyStopping> early_stopping;  ///< no
  std::optional<double> length_penalty;         ///< 1.0; exponent of the length that divides
  std::optional<double>
      patience;  ///< 1.0; CTranslate2's profile: how many times num_beams must finish
  /// 0.0; CTranslate2's profile: weight of what the attention has left out of the source.
  std::optional<double> coverage_penalty;
  /// 0.0; CTranslate2's profile: above 0 the prefix is no longer forced, but mixed into the model's
  /// probabilities with this weight, below 1, for as long as an output follows it.
  std::optional<double> prefix_bias_beta;
  std::optional<int> num_beam_groups;       ///< 1
  std::optional<double> diversity_penalty;  ///< 0.0
  std::optional<bool> do_sample;            ///< false
  std::optional<std::uint64_t> seed;        ///< 0
  // Length, in tokens.
  std::optional<int> max_new_tokens;  ///< counts what is generated
  std::optional<int> max_length;      ///< counts the decoder start token and a prefix
  std::optional<int> min_new_tokens;
  std::optional<int> min_length;
  std::optional<std::pair<int, double>> exponential_decay_length_penalty;
  // Penalties and bans.
  std::optional<double> repetition_penalty;          ///< 1.0
  std::optional<double> encoder_repetition_penalty;  ///< 1.0
  std::optional<int> no_repeat_ngram_size;           ///< 0
  std::optional<int> encoder_no_repeat_ngram_size;   ///< 0
  std::optional<std::vector<std::vector<TokenId>>> bad_words_ids;
  /// Each entry is one phrase given by its alternatives; one of them must occur.
  std::optional<std::vector<std::vector<std::vector<TokenId>>>> force_words_ids;
  std::optional<std::vector<TokenId>> suppress_tokens;
  std::optional<std::vector<TokenId>> begin_suppress_tokens;
  std::optional<bool> renormalize_logits;  ///< false
  std::optional<double> word_penalty;      ///< 0.0; Marian's cost of each word
  /// Added to the score of the last token of each sequence where the tokens before it agree.
  std::optional<std::vector<std::pair<std::vector<TokenId>, double>>> sequence_bias;
  std::optional<std::vector<std::string>>
      stop_strings;                ///< the output ends after the first of them
  std::optional<double> max_time;  ///< seconds; then the best so far is returned
  // Special tokens.
  std::optional<TokenId> pad_token_id;
  std::optional<TokenId> bos_token_id;
  std::optional<TokenId> decoder_start_token_id;
  std::optional<std::vector<TokenId>> eos_token_id;
  std::optional<TokenId> forced_bos_token_id;
  std::optional<std::vector<TokenId>> forced_eos_token_id;
  // Sampling.
  std::optional<double> temperature;     ///< 1.0
  std::optional<int> top_k;              ///< 50
  std::optional<double> top_p;           ///< 1.0
  std::optional<double> min_p;           ///< 0.0; least share of the best token's probability
  std::optional<double> typical_p;       ///< 1.0
  std::optional<double> epsilon_cutoff;  ///< 0.0
  std::optional<double> eta_cutoff;      ///< 0.0
};

/// One thing to generate.
struct Request {
  Request() = default;
  Request(std::string text) : input(std::move(text)) {}         // NOLINT: reads as a text
  Request(const char* text) : input(std::string(text)) {}       // NOLINT
  Request(Features features) : input(std::move(features)) {}  // NOLINT
  Request(std::vector<TokenId> ids) : input(std::move(ids)) {}  // NOLINT

  Input input;
  /// A source that is longer than the model takes loses the end of its text: the language and end
  /// tokens behind it stay. Output::truncated_tokens says how many are gone. Not set: an error.
  bool truncate_source = false;
  std::string source_lang;  ///< families with language codes; empty: the model's default
  std::string target_lang;
  Input prefix;  ///< generated first, as it stands; empty: none
  GenerationOptions generation;
  Strategy strategy;
  /// What the output must obey, cloned for each hypothesis. Null: nothing.
  std::shared_ptr<const Constraint> constraint;
  Profile profile = Profile::automatic;
  /// Restrict the output to the lexical shortlist of this source. Not set: a model of Marian's own
  /// format uses the one that it comes with; CTranslate2's vocabulary map (vmap.txt) is not used.
  std::optional<bool> shortlist;
  /// Models of Marian's own format: length limit as a multiple of the source tokens.
  std::optional<double> max_length_factor;
  /// Changes the scores of the next token. Cloned for each hypothesis. Null: nothing.
  std::shared_ptr<const LogitsHook> logits_hook;
  /// Fill Hypothesis::alignment. Cost: one more encoder run, and one decoder pass for each
  /// hypothesis; for a mean over heads, one for each head.
  bool return_alignment = false;
  CrossAttentionHead alignment_head;  ///< which attention; Marian's rule unless set
  /// Return outputs that differ in their first token behind the prefix: its
  /// num_return_sequences most probable ones, each continued by the strategy for itself. Greedy,
  /// aggressive decoding and beam search. Rules: docs/decoding.md.
  bool return_alternatives = false;
  /// Of those, only such whose first token has at least this probability; the best one always.
  double min_alternative_expansion_prob = 0;
  /// Numbers as input. Not with strategies that read several sources or models.
  std::vector<AddedEmbedding> added_embeddings;
};

/// One target to score against a source by teacher forcing.
struct ScoreRequest {
  Input input;
  Input target;
  std::string source_lang;
  std::string target_lang;
};

/// One input whose encoding is asked for. The decoder does not run.
struct EncodeRequest {
  Input input;
  std::string source_lang;
  std::string target_lang;
  std::vector<AddedEmbedding> added_embeddings = {};  ///< numbers as input
};

/// What a streaming callback answers.
enum class Flow { proceed, stop };

/// A piece of output as soon as it is final; it is never taken back.
struct StreamEvent {
  std::size_t request = 0;    ///< index of the request in this call
  std::string_view text;      ///< whole UTF-8 characters; valid during the callback only
  std::size_t generated = 0;  ///< tokens so far
};

/// How one call behaves.
struct CallOptions {
  /// Called in order for each request, from the calling thread or a worker, one at a time.
  std::function<Flow(const StreamEvent&)> on_text;
  /// Called with (done, total) when requests finish; one at a time, `done` ascending.
  std::function<void(std::size_t, std::size_t)> on_progress;
  /// Stops within one decoder step; unfinished requests answer Error{cancelled}.
  std::stop_token cancel;
};

/// How a document is translated: requests are made from its sentences by this pattern.
struct TranslateOptions {
  /// Everything but `input` is used for each sentence. One that is longer than the model takes is
  /// translated in parts, unless `truncate_source` is set.
  Request pattern;
  /// Split lines into sentences. Otherwise each line is one sentence.
  bool split_sentences = true;
};

}  // namespace tandem
