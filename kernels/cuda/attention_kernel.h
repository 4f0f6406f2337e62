// Multi-head attention of one query in one head, over any number of keys: keys come in chunks of
// 64, ascending, with the running maximum of Milakov and Gimelshein 2018 (arXiv 1805.02867). Its
// numbers depend on the query and its own keys alone, however queries are grouped. Keys and values
// are of type Key, float or Float16, and widened as they are read.
//
// Block of 64 threads, grid of N x H blocks, 2560 bytes of shared memory. In a chunk thread t owns
// key t: its score is one chain over head_dim. Then it owns the columns t, t + 64, ... of the head:
// each is one chain over the keys. A key outside of the chunk's end weighs 0.
#pragma once

#include "kernels/cuda/block.h"
#include "kernels/cuda/narrow.h"

namespace tandem::cuda {

constexpr int kMaxHeadDim = 512;

// One query and what it sees.
template <class Key>
struct AttentionQuery {
  Rows<const Key> keys, values;
  const std::int32_t* slots = nullptr;  // null: key j is row j
  std::int32_t num_keys = 0;
  std::int32_t position = 0;  // where it stands among the keys, for the bias
  float* weights = nullptr;   // its weights in `weighed_head`, or null
};

template <class Key>
struct AttentionKernel {
  using Query = AttentionQuery<Key>;
  static constexpr int kThreads = 64;
  static constexpr int kOwnColumns = kMaxHeadDim / kThreads;
  struct Shared {
    float query[kMaxHeadDim];
    float weights[kThreads];
    float scratch[kThreads];
  };
  struct Columns {
    float sums[kOwnColumns];
  };
  Rows<const float> queries;
  const Query* about = nullptr;  // of each query
  std::int32_t head_dim = 0;
  float scale = 1.0F;
  Rows<const float> bias;  // of each head by distance, null data: none
  std::int64_t reach = 0;  // the bias has 2 * reach + 1 columns
  std::int32_t weighed_head = 0;
  Rows<float> out;

  template <class Block>
  TANDEM_HOST_DEVICE void operator()(Block& block, Shared& shared) const {
    const Query own = about[block.x()];
    const auto head = static_cast<std::int32_t>(block.y());
    const std::int64_t first_column = std::int64_t{head} * head_dim;
    float* weights = head == weighed_head ? own.weights : nullptr;
    const float* query = queries.row(block.x()) + first_column;
    typename Block::template Own<Columns> columns;
    typename Block::template Own<float> weight;
    block.each([&](int thread) {
      columns[thread] = Columns();
      for (int d = thread; d < head_dim; d += kThreads) shared.query[d] = query[d];
    });

    float maximum = -HUGE_VALF, total = 0.0F;
    for (std::int32_t chunk = 0; chunk < own.num_keys; chunk += kThreads) {
      const int count = static_cast<int>(smaller<std::int32_t>(kThreads, own.num_keys - chunk));
      block.each([&](int thread) {
        weight[thread] = thread < count ? score(shared, own, head, chunk + thread) : -HUGE_VALF;
        if (weights != nullptr && thread < count) weights[chunk + thread] = weight[thread];
      });
      const float highest = Maximum()(maximum, reduce(block, shared.scratch, weight, Maximum()));
      const float shrink = expf(maximum - highest);
      block.each([&](int thread) {
        weight[thread] = thread < count ? expf(weight[thread] - highest) : 0.0F;
        shared.weights[thread] = weight[thread];
      });
      total = fmaf(total, shrink, reduce(block, shared.scratch, weight, Plus()));
      block.each([&](int thread) {
        add_values(shared, own, first_column, chunk, count, shrink, thread, columns[thread]);
      });
      maximum = highest;
    }

    float* to = out.row(block.x()) + first_column;
    block.each([&](int thread) {
      for (int i = 0; i < kOwnColumns; ++i)
        if (const int d = thread + i * kThreads; d < head_dim)
          to[d] = columns[thread].sums[i] / total;
      if (weights == nullptr) return;
      for (std::int32_t key = thread; key < own.num_keys; key += kThreads)
        weights[key] = expf(weights[key] - maximum) / total;
    });
  }

 private:
  static TANDEM_HOST_DEVICE std::int64_t row_of(const Query& own, std::int32_t key) {
    return own.slots == nullptr ? key : own.slots[key];
  }

  TANDEM_HOST_DEVICE float score(const Shared& shared, const Query& own, std::int32_t head,
                                 std::int32_t key) const {
    const Key* row = own.keys.row(row_of(own, key)) + std::int64_t{head} * head_dim;
    float sum = 0.0F;
    for (std::int32_t d = 0; d < head_dim; ++d) sum = fmaf(shared.query[d], widened(row[d]), sum);
    sum = sum * scale;
    if (bias.data == nullptr) return sum;
    std::int64_t distance = std::int64_t{key} - own.position;
    distance = distance < -reach ? -reach : distance > reach ? reach : distance;
    return sum + bias.row(head)[reach + distance];
  }

  TANDEM_HOST_DEVICE void add_values(const Shared& shared, const Query& own,
                                     std::int64_t first_column, std::int32_t chunk, int count,
                                     float shrink, int thread, Columns& columns) const {
    for (int i = 0; i < kOwnColumns; ++i) {
      const int d = thread + i * kThreads;
      if (d >= head_dim) return;
      float sum = columns.sums[i] * shrink;
      for (int key = 0; key < count; ++key)
        sum = fmaf(shared.weights[key],
                   widened(own.values.row(row_of(own, chunk + key))[first_column + d]), sum);
      columns.sums[i] = sum;
    }
  }
};

}  // namespace tandem::cuda
