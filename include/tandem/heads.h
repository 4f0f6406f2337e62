/// Single attention heads of a model: which one to look at, and which ones to mask. Layers and
/// heads are counted from 0.
#pragma once

#include <optional>

namespace tandem {

/// A head of the attention between the output and the source, or all heads of a layer together.
struct CrossAttentionHead {
  /// A decoder layer. Not set: the alignment layer, which is the last one unless the model's
  /// files say otherwise.
  std::optional<int> layer;
  std::optional<int> head = 0;  ///< not set: the mean over the layer's heads
};

/// Which of a model's attentions a head belongs to.
enum class AttentionKind {
  encoder,  ///< self-attention of the encoder
  decoder,  ///< self-attention of the decoder
  cross     ///< from the decoder to the source
};

/// What a masked head gives in place of what it has learnt.
enum class HeadMask {
  zero,    ///< nothing: its part of the output projection's input is 0 (Hugging Face's `head_mask`)
  uniform  ///< the mean of all values it sees: every key has the same weight (AttentionInfluence,
           ///< Hua et al. 2025, arXiv 2505.07293)
};

/// One head that is masked.
struct MaskedHead {
  AttentionKind attention = AttentionKind::encoder;
  int layer = 0;
  int head = 0;
  HeadMask mask = HeadMask::zero;
};

}  // namespace tandem
