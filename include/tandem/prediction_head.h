/// Prediction heads: small networks that make classes or numbers of a model's hidden states.
///
///     auto engine = tandem::Engine::load("bart-large-mnli");   // BartForSequenceClassification
///     auto head = tandem::PredictionHead::read_classifier("bart-large-mnli");
///     std::vector<float> logits = tandem::classify(engine, head, {"I like you.", "", ""});
///
/// A head over the encoder alone, for each token or for the whole input, reads Engine::encode:
///
///     auto head = tandem::PredictionHead::read("model", {"encoder_head.0", "encoder_head.2"},
///                                              tandem::HeadActivation::relu);
///     head.pooling = tandem::Pooling::each;
///     auto rows = head.apply(engine.encode(tandem::EncodeRequest{"a text", "", ""}).states);
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <tandem/export.h>
#include <tandem/options.h>
#include <tandem/output.h>
#include <tandem/strategy.h>

namespace tandem {

class Engine;

enum class HeadActivation { none, relu, gelu, tanh };

/// Which hidden states a head reads.
enum class Pooling {
  each,   ///< that of every position: one answer for each
  first,  ///< that of the first position
  last,   ///< that of the last position, where the end token stands
  mean    ///< the mean over all positions
};

/// activation(weight * x + bias).
struct HeadLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weight;  ///< [outputs, inputs], row by row
  std::vector<float> bias;    ///< [outputs]; empty: none
  HeadActivation activation = HeadActivation::none;
};

/// Linear layers over pooled hidden states. What the outputs mean is the caller's business: logits
/// of classes, or numbers. Cost: of each pooled position, the products of its layers on one core.
struct TANDEM_EXPORT PredictionHead {
  std::vector<HeadLayer> layers;
  Pooling pooling = Pooling::last;
  std::vector<std::string> labels;  ///< of the outputs; may be empty

  /// Layers from `<name>.weight` [outputs, inputs] and, if there, `<name>.bias` of a safetensors
  /// file or a directory with one; `between` follows every layer but the last. Other tensors are
  /// not looked at. Throws Error: not_found, corrupt, unsupported, resource_exhausted.
  static PredictionHead read(const std::string& directory_or_file,
                             const std::vector<std::string>& names,
                             HeadActivation between = HeadActivation::none,
                             const Limits& limits = {});

  /// The head of a directory that Hugging Face's classes BartForSequenceClassification or
  /// T5ForSequenceClassification have written: `classification_head.dense`, tanh, `classification_head.out_proj`, and
  /// the labels of config.json.
  static PredictionHead read_classifier(const std::string& directory, const Limits& limits = {});

  /// One row of outputs for each pooled position. Sums are of double precision. Throws
  /// Error{invalid_argument} for layers that do not fit each other or the states, and for no states.
  std::vector<std::vector<float>> apply(const HiddenStates& states) const;
};

/// One input to be classified.
struct ClassifyRequest {
  Input input;  ///< a text or ids
  std::string source_lang;
  std::string target_lang;
};

/// The head's outputs as Hugging Face's ...ForSequenceClassification computes them: the encoder and
/// the decoder both read the input, and the head reads the decoder's state at the last end token;
/// head.pooling is not used. Cost: one encoder run and two decoder passes. Throws Error as
/// Engine::score, Error{invalid_argument} for an input without an end token, and Error{unsupported}
/// for families other than BART and T5.
TANDEM_EXPORT std::vector<float> classify(const Engine& engine, const PredictionHead& head,
                                          const ClassifyRequest& request);

}  // namespace tandem
