/// A loaded model that answers requests. Start here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/export.h>
#include <tandem/options.h>
#include <tandem/output.h>
#include <tandem/scorer.h>
#include <tandem/text_constraint.h>
#include <tandem/tokenizer.h>

namespace tandem {

struct EngineState;

/// Thread-safe: any number of threads may call the const methods of one Engine. The model is
/// shared; each call leases its own workspace. Movable; moved-from engines may only be destroyed.
class TANDEM_EXPORT Engine {
 public:
  /// Loads a model from a directory as it lies on disk: a Hugging Face directory (config.json and
  /// safetensors), a CTranslate2 one (model.bin with its vocabulary), a native Marian one (.bin or
  /// .npz with its vocabularies), or one that convert() has written.
  /// Throws Error: not_found, corrupt, unsupported, invalid_argument, resource_exhausted.
  static Engine load(const std::string& directory, const EngineOptions& options = {});

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  /// Translates a document: sentences are found, translated and put back, and what stands between
  /// them is kept. `alternatives` are whole documents. Throws Error of the first bad sentence.
  std::string translate(std::string_view document, const TranslateOptions& options = {}) const;

  /// The same for several documents (or lines); failures are in Translation::error.
  std::vector<Translation> translate(std::span<const std::string> documents,
                                     const TranslateOptions& options = {},
                                     const CallOptions& call = {}) const;

  /// One Output for each request, in order. A bad request gets Output::error and does not disturb
  /// the others. Requests of different strategies may be mixed. The answer to a request does not
  /// depend on its neighbours. Throws Error only when the call as a whole fails.
  std::vector<Output> generate(std::span<const Request> requests, const CallOptions& call = {}) const;

  /// One request; throws its error.
  Output generate(const Request& request, const CallOptions& call = {}) const;

  /// Log-probabilities of given targets, one decoder pass each.
  std::vector<Score> score(std::span<const ScoreRequest> requests, const CallOptions& call = {}) const;

  /// Several targets for each source, which is encoded once: labels, candidates to rerank, samples.
  /// Failures are in TargetScores::error.
  std::vector<TargetScores> score(std::span<const TargetsRequest> requests, const CallOptions& call = {}) const;

  /// One request; throws its error.
  TargetScores score(const TargetsRequest& request, const CallOptions& call = {}) const;

  /// Log-probabilities of the next token. Failures are in NextTokenScores::error.
  std::vector<NextTokenScores> next_log_probs(std::span<const NextTokenRequest> requests,
                                              const CallOptions& call = {}) const;

  /// One request; throws its error.
  NextTokenScores next_log_probs(const NextTokenRequest& request, const CallOptions& call = {}) const;

  /// The encoder's hidden states. Failures are in Encoding::error.
  std::vector<Encoding> encode(std::span<const EncodeRequest> requests, const CallOptions& call = {}) const;

  /// One request; throws its error.
  Encoding encode(const EncodeRequest& request, const CallOptions& call = {}) const;

  const Tokenizer& tokenizer() const;

  /// The text of the tokens, for constraints over text; made on the first call and shared.
  /// Throws Error as read_token_bytes does, or the one that says why there is no tokenizer.
  std::shared_ptr<const TokenText> token_text() const;

  /// What was loaded, as text for people: family, every switch and the key it came from, tensors,
  /// tokenizer, memory. The layout may change between versions.
  std::string description() const;

 private:
  friend struct EngineState;  // an engine that drafts for another one opens it
  explicit Engine(std::unique_ptr<EngineState> state);
  std::unique_ptr<EngineState> state_;
};

}  // namespace tandem
