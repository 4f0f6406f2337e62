#include "nn/positions.h"

#include <cmath>

#include "base/check.h"

namespace tandem {

Tensor sinusoid_paper(std::int64_t positions, std::int64_t dim) {
  TANDEM_CHECK(positions >= 0 && dim > 0);
  Tensor table = Tensor::zeros({positions, dim}, DType::float32);
  const auto values = table.mutable_data<float>();
  const std::int64_t sines = (dim + 1) / 2;
  for (std::int64_t i = 0; i < sines; ++i) {
    const double period = std::pow(10000.0, static_cast<double>(2 * i) / static_cast<double>(dim));
    for (std::int64_t p = 0; p < positions; ++p) {
      const double angle = static_cast<double>(p) / period;
      values[static_cast<std::size_t>(p * dim + i)] = static_cast<float>(std::sin(angle));
      if (sines + i < dim)
        values[static_cast<std::size_t>(p * dim + sines + i)] = static_cast<float>(std::cos(angle));
    }
  }
  return table;
}

Tensor sinusoid_tensor2tensor(std::int64_t positions, std::int64_t dim) {
  TANDEM_CHECK(positions >= 0 && dim >= 4 && dim % 2 == 0);
  Tensor table = Tensor::zeros({positions, dim}, DType::float32);
  const auto values = table.mutable_data<float>();
  const std::int64_t half = dim / 2;
  const float step = std::log(10000.0F) / static_cast<float>(half - 1);
  for (std::int64_t i = 0; i < half; ++i) {
    const float rate = std::exp(static_cast<float>(i) * -step);
    for (std::int64_t p = 0; p < positions; ++p) {
      const float angle = static_cast<float>(p) * rate;
      values[static_cast<std::size_t>(p * dim + i)] = std::sin(angle);
      values[static_cast<std::size_t>(p * dim + half + i)] = std::cos(angle);
    }
  }
  return table;
}

}  // namespace tandem
