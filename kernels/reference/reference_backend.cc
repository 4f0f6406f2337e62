#include "kernels/reference/reference_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace tandem {
namespace {

class VectorBuffer final : public Buffer {
 public:
  explicit VectorBuffer(std::size_t bytes)
      : memory_(Tensor::zeros({static_cast<std::int64_t>(bytes)}, DType::int8)) {}
  void* data() override { return memory_.mutable_raw(); }
  std::size_t bytes() const override { return memory_.bytes(); }

 private:
  Tensor memory_;
};

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

// out[n][d] = f(n, d) for every element.
template <class Function>
void fill(MatrixView out, const Function& f) {
  for (std::int64_t n = 0; n < out.rows(); ++n)
    for (std::int64_t d = 0; d < out.cols(); ++d)
      out.row<float>(n)[d] = static_cast<float>(f(n, d));
}

// Element (r, c) of a matrix in float32 or float16.
double element(ConstMatrixView matrix, std::int64_t r, std::int64_t c) {
  return matrix.dtype() == DType::float16 ? half_to_float(matrix.row<Float16>(r)[c].bits)
                                          : matrix.row<float>(r)[c];
}

void set_element(MatrixView matrix, std::int64_t r, std::int64_t c, double value) {
  const auto rounded = static_cast<float>(value);
  if (matrix.dtype() == DType::float16)
    matrix.row<Float16>(r)[c].bits = float_to_half(rounded);
  else
    matrix.row<float>(r)[c] = rounded;
}

double distance_bias(const AttentionShape& shape, std::int32_t head, std::int64_t distance) {
  if (shape.distance_bias.rows() == 0) return 0;
  const std::int64_t reach = shape.distance_bias.cols() / 2;
  return shape.distance_bias.row<float>(head)[reach + std::clamp(distance, -reach, reach)];
}

}  // namespace

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<ReferenceBackend>();
}

double reference_activation(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x < 0 ? 0 : x;
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::gelu_sigmoid:
      return x * logistic(1.702 * x);
    case Activation::silu:
      return x * logistic(x);
    case Activation::tanh:
      return std::tanh(x);
  }
  return x;
}

std::unique_ptr<Buffer> ReferenceBackend::allocate(std::size_t bytes) {
  return std::make_unique<VectorBuffer>(bytes);
}

void ReferenceBackend::to_device(void* device, const void* host, std::size_t bytes) {
  if (bytes != 0) std::memcpy(device, host, bytes);
}

void ReferenceBackend::to_host(void* host, const void* device, std::size_t bytes) {
  if (bytes != 0) std::memcpy(host, device, bytes);
}

void ReferenceBackend::embed(ConstMatrixView table, TokenIds ids, float scale,
                             ConstMatrixView positions, std::span<const std::int32_t> position_ids,
                             MatrixView out) {
  fill(out, [&](std::int64_t n, std::int64_t d) {
    const auto i = static_cast<std::size_t>(n);
    const double value = ids[i] < 0 ? 0.0 : double{scale} * table.row<float>(ids[i])[d];
    return positions.rows() == 0 ? value : value + positions.row<float>(position_ids[i])[d];
  });
}

void ReferenceBackend::layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias,
                                  float epsilon, MatrixView out) {
  const auto width = static_cast<double>(x.cols());
  for (std::int64_t n = 0; n < x.rows(); ++n) {
    double mean = 0, variance = 0;
    for (std::int64_t d = 0; d < x.cols(); ++d) mean += x.row<float>(n)[d] / width;
    for (std::int64_t d = 0; d < x.cols(); ++d)
      variance += std::pow(x.row<float>(n)[d] - mean, 2) / width;
    fill(out.slice_rows(n, 1), [&](std::int64_t, std::int64_t d) {
      const double normal = (x.row<float>(n)[d] - mean) / std::sqrt(variance + epsilon);
      return gain.row<float>(0)[d] * normal + (bias.rows() == 0 ? 0.0F : bias.row<float>(0)[d]);
    });
  }
}

void ReferenceBackend::rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon,
                                MatrixView out) {
  for (std::int64_t n = 0; n < x.rows(); ++n) {
    double square = 0;
    for (std::int64_t d = 0; d < x.cols(); ++d)
      square += std::pow(x.row<float>(n)[d], 2) / static_cast<double>(x.cols());
    fill(out.slice_rows(n, 1), [&](std::int64_t, std::int64_t d) {
      return gain.row<float>(0)[d] * (x.row<float>(n)[d] / std::sqrt(square + epsilon));
    });
  }
}

void ReferenceBackend::activate(ConstMatrixView x, Activation activation, MatrixView out) {
  fill(out, [&](std::int64_t n, std::int64_t d) {
    return reference_activation(x.row<float>(n)[d], activation);
  });
}

void ReferenceBackend::add(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  fill(out, [&](std::int64_t n, std::int64_t d) {
    return double{a.row<float>(n)[d]} + b.row<float>(n)[d];
  });
}

void ReferenceBackend::multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  fill(out, [&](std::int64_t n, std::int64_t d) {
    return double{a.row<float>(n)[d]} * b.row<float>(n)[d];
  });
}

void ReferenceBackend::scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                                    MatrixView to) {
  for (std::int64_t n = 0; n < from.rows(); ++n)
    for (std::int64_t d = 0; d < from.cols(); ++d)
      set_element(to, to_rows[static_cast<std::size_t>(n)], d, element(from, n, d));
}

void ReferenceBackend::gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                                   MatrixView out) {
  for (std::int64_t n = 0; n < out.rows(); ++n)
    for (std::int64_t d = 0; d < out.cols(); ++d)
      set_element(out, n, d, element(from, rows[static_cast<std::size_t>(n)], d));
}

void ReferenceBackend::attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                                 const AttentionShape& shape, MatrixView out,
                                 float* const* weights_of_head0) {
  const std::int32_t width = shape.head_dim;
  for (const AttentionGroup& group : groups) {
    for (std::int32_t query = 0; query < group.num_queries; ++query) {
      const std::int64_t row = group.first_query + query;
      const std::int32_t keys = group.num_keys + (group.causal ? query : 0);
      const std::int32_t position = group.first_position + query;
      const auto slot = [&](std::int32_t key) {
        return group.slots == nullptr ? key : group.slots[key];
      };
      for (std::int32_t head = 0; head < shape.num_heads; ++head) {
        const std::int64_t column = std::int64_t{head} * width;
        std::vector<double> weights(static_cast<std::size_t>(keys), 0.0);
        double maximum = -INFINITY, total = 0;
        for (std::int32_t key = 0; key < keys; ++key) {
          double& score = weights[static_cast<std::size_t>(key)];
          for (std::int64_t d = column; d < column + width; ++d)
            score += double{queries.row<float>(row)[d]} * element(group.keys, slot(key), d);
          score = score * shape.scale + distance_bias(shape, head, key - position);
          maximum = std::fmax(maximum, score);
        }
        for (double& weight : weights) total += weight = std::exp(weight - maximum);
        for (std::int64_t d = column; d < column + width; ++d) {
          double sum = 0;
          for (std::int32_t key = 0; key < keys; ++key)
            sum += weights[static_cast<std::size_t>(key)] * element(group.values, slot(key), d);
          out.row<float>(row)[d] = static_cast<float>(sum / total);
        }
        if (head != 0 || weights_of_head0 == nullptr || weights_of_head0[row] == nullptr) continue;
        for (std::int32_t key = 0; key < keys; ++key)
          weights_of_head0[row][key] =
              static_cast<float>(weights[static_cast<std::size_t>(key)] / total);
      }
    }
  }
}

void ReferenceBackend::ssru(ConstMatrixView candidate, ConstMatrixView forget,
                            std::span<const std::int32_t> previous_slots,
                            std::span<const std::int32_t> slots, MatrixView states,
                            MatrixView out) {
  for (std::int64_t n = 0; n < candidate.rows(); ++n) {
    const auto i = static_cast<std::size_t>(n);
    for (std::int64_t d = 0; d < candidate.cols(); ++d) {
      const double previous =
          previous_slots[i] < 0 ? 0.0F : states.row<float>(previous_slots[i])[d];
      const double f = logistic(forget.row<float>(n)[d]);
      const double c = f * previous + (1 - f) * candidate.row<float>(n)[d];
      states.row<float>(slots[i])[d] = static_cast<float>(c);
      out.row<float>(n)[d] = static_cast<float>(c < 0 ? 0 : c);
    }
  }
}

}  // namespace tandem
