// Attention of the CUDA backend: groups become one description for each query.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_backend.h"

namespace tandem::cuda {
namespace {

// Where the weights of the queries stand in device memory, and whom they are for.
struct WeightsPlan {
  struct Entry {
    float* host;
    std::size_t offset, count;  // in floats
  };
  std::vector<Entry> entries;
  std::size_t floats = 0;
};

std::int32_t keys_of(const AttentionGroup& group, std::int32_t query) {
  return group.num_keys + (group.causal ? query : 0);
}

WeightsPlan plan_weights(std::span<const AttentionGroup> groups, float* const* weights) {
  WeightsPlan plan;
  if (weights == nullptr) return plan;
  for (const AttentionGroup& group : groups)
    for (std::int32_t query = 0; query < group.num_queries; ++query) {
      float* host = weights[group.first_query + query];
      if (host == nullptr) continue;
      const auto count = static_cast<std::size_t>(keys_of(group, query));
      plan.entries.push_back({host, plan.floats, count});
      plan.floats += count;
    }
  return plan;
}

}  // namespace

void CudaBackend::attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                            const AttentionShape& shape, MatrixView out,
                            float* const* weights_of_head0) {
  if (!groups.empty() && groups.front().keys.dtype() == DType::float16)
    attend<Float16>(queries, groups, shape, out, weights_of_head0);
  else
    attend<float>(queries, groups, shape, out, weights_of_head0);
}

template <class Key>
void CudaBackend::attend(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                         const AttentionShape& shape, MatrixView out,
                         float* const* weights_of_head0) {
  if (shape.head_dim > kMaxHeadDim)
    throw Error(ErrorCode::unsupported, "attention: the CUDA backend takes heads of up to " +
                                            std::to_string(kMaxHeadDim) + " columns, found " +
                                            std::to_string(shape.head_dim));
  stream().begin_op();
  const WeightsPlan plan = plan_weights(groups, weights_of_head0);
  const std::unique_ptr<Buffer> weights =
      plan.entries.empty() ? nullptr : allocate(plan.floats * sizeof(float));

  std::vector<AttentionQuery<Key>> about(static_cast<std::size_t>(queries.rows()));
  std::size_t weighed = 0;
  for (const AttentionGroup& group : groups) {
    AttentionQuery<Key> query;
    query.keys = rows_of<Key>(group.keys);
    query.values = rows_of<Key>(group.values);
    if (group.slots != nullptr && group.num_queries > 0) {
      const std::int32_t most_keys = keys_of(group, group.num_queries - 1);
      query.slots = stream().upload(std::span(group.slots, static_cast<std::size_t>(most_keys)));
    }
    for (std::int32_t i = 0; i < group.num_queries; ++i) {
      query.num_keys = keys_of(group, i);
      query.position = group.first_position + i;
      const std::int64_t row = group.first_query + i;
      const bool wanted = weights != nullptr && weights_of_head0[row] != nullptr;
      query.weights =
          wanted ? static_cast<float*>(weights->data()) + plan.entries[weighed++].offset : nullptr;
      about[static_cast<std::size_t>(row)] = query;
    }
  }

  AttentionKernel<Key> kernel;
  kernel.queries = rows_of(queries);
  kernel.about = stream().upload(std::span<const AttentionQuery<Key>>(about));
  kernel.head_dim = shape.head_dim;
  kernel.scale = shape.scale;
  kernel.bias = rows_of(shape.distance_bias);
  kernel.reach = shape.distance_bias.cols() / 2;
  kernel.out = rows_of(out);
  stream().run(kernel, {queries.rows(), shape.num_heads});

  if (weights == nullptr) return;
  std::vector<float> found(plan.floats);
  to_host(found.data(), weights->data(), found.size() * sizeof(float));
  for (const WeightsPlan::Entry& entry : plan.entries)
    std::copy_n(found.data() + entry.offset, entry.count, entry.host);
}

}  // namespace tandem::cuda
