/// Numbers as input: what is added to the embedding of a source token before the encoder runs.
///
///     tandem::ScalarEmbedding dose{weight, bias};          // as a training wrote them
///     tandem::Request request("<dose> of the drug");
///     request.added_embeddings = {dose.at(0, 2.5F)};       // to the first token
///
/// This is how models with scalar inputs take them (MAMMAL, Shoshan et al. 2024, arXiv 2410.22367):
/// a linear map of the number, added at the token that stands for it.
#pragma once

#include <cstddef>
#include <vector>

#include <tandem/export.h>

namespace tandem {

/// Added to the embedding of one source token, after the embedding's own scale and before positions
/// and norms. Several for one token add up.
struct AddedEmbedding {
  std::size_t position = 0;   ///< of the token in the source, from 0
  std::vector<float> values;  ///< as many finite numbers as the model is wide
};

/// A linear map from one number to the width of a model: weight * value + bias.
struct TANDEM_EXPORT ScalarEmbedding {
  std::vector<float> weight;
  std::vector<float> bias;  ///< empty: none

  /// `value` for the token at `position`. Throws Error{invalid_argument} if weight and bias are of
  /// different sizes.
  AddedEmbedding at(std::size_t position, float value) const;
};

}  // namespace tandem
