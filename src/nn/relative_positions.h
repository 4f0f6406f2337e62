// Relative positions as T5 has them: a learned scalar for each head and bucket of distances, added
// to the scores of self-attention. Raffel et al. 2020, section 2.1 (arXiv 1910.10683); the buckets
// follow transformers, models/t5/modeling_t5.py, _relative_position_bucket.
//
// Half of the buckets hold one distance each; the rest grow with the logarithm up to
// `max_distance`, and everything beyond shares the last one. So a row of 2 * max_distance + 1
// numbers for each head says all, and attention looks a key's bias up by its distance, however long
// the text is.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace tandem {

enum class Direction : std::uint8_t {
  both,     // half of the buckets for keys before the query, half for keys behind it: encoders
  backward  // all buckets for keys before the query; those behind count as distance 0: decoders
};

// The buckets and how far they reach. `buckets` is at least 4, so that each direction has an exact
// one, and max_distance is larger than the distances with a bucket of their own.
struct RelativeBuckets {
  Direction direction = Direction::both;
  int buckets = 32;
  int max_distance = 128;
};

// The bucket, in [0, buckets), of a key that stands `distance` behind the query (negative: before).
int relative_bucket(std::int64_t distance, const RelativeBuckets& buckets);

// The learned table [buckets, H] spread out by distance: [H, 2 * max_distance + 1], as
// AttentionShape::distance_bias takes it.
Tensor bias_by_distance(const Tensor& table, const RelativeBuckets& buckets);

}  // namespace tandem
