#include "tensor/tensor.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/checked_math.h"

namespace tandem {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) {
  if (extents.size() > static_cast<std::size_t>(kMaxRank))
    throw Error(ErrorCode::corrupt, "a tensor has " + std::to_string(extents.size()) + " axes; at most 8 are possible");
  for (const std::int64_t extent : extents) {
    if (extent < 0) throw Error(ErrorCode::corrupt, "a tensor has the negative extent " + std::to_string(extent));
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    elements_ = checked_mul(elements_, extent, "tensor shape");
  }
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string((*this)[axis]);
  }
  return text + "]";
}

Tensor Tensor::zeros(Shape shape, DType type) {
  const auto bytes = static_cast<std::size_t>(
      checked_mul<std::int64_t>(shape.elements(), static_cast<std::int64_t>(size_of(type)), "tensor bytes"));
  const std::size_t padded = (bytes + 127) / 64 * 64;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, padded));
  if (memory == nullptr)
    throw Error(ErrorCode::resource_exhausted, "cannot allocate " + std::to_string(bytes) + " bytes for a tensor " + shape.to_string());
  std::memset(memory, 0, padded);
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = type;
  tensor.data_ = tensor.mutable_ = memory;
  tensor.owner_ = std::shared_ptr<const void>(memory, [](const void* p) { std::free(const_cast<void*>(p)); });
  return tensor;
}

Tensor Tensor::borrow(Shape shape, DType type, const std::byte* bytes, std::shared_ptr<const void> owner) {
  TANDEM_CHECK(reinterpret_cast<std::uintptr_t>(bytes) % size_of(type) == 0);
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.dtype_ = type;
  tensor.data_ = bytes;
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::to_float32() const {
  if (dtype_ == DType::float32) return *this;
  Tensor result = zeros(shape_, DType::float32);
  const std::span<float> out = result.mutable_data<float>();
  if (dtype_ == DType::float16 || dtype_ == DType::bfloat16) {
    const auto* in = reinterpret_cast<const std::uint16_t*>(data_);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = dtype_ == DType::float16 ? half_to_float(in[i]) : bfloat16_to_float(in[i]);
  } else if (dtype_ == DType::float64) {
    const std::span<const double> in = data<double>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(in[i]);
  } else {
    throw Error(ErrorCode::unsupported, "a tensor of " + std::string(tandem::to_string(dtype_)) + " is no floating-point tensor");
  }
  return result;
}

Tensor Tensor::reshaped(Shape shape) const {
  TANDEM_CHECK(shape.elements() == shape_.elements());
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

Tensor Tensor::transposed() const {
  TANDEM_CHECK(shape_.rank() == 2);
  const std::int64_t rows = shape_[0], cols = shape_[1];
  const std::size_t width = size_of(dtype_);
  Tensor result = zeros({cols, rows}, dtype_);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c)
      std::memcpy(result.mutable_ + static_cast<std::size_t>(c * rows + r) * width,
                  data_ + static_cast<std::size_t>(r * cols + c) * width, width);
  return result;
}

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  std::uint32_t shift = 0;  // subnormal: normalise
  while ((mantissa & 0x400U) == 0) {
    mantissa <<= 1;
    ++shift;
  }
  return std::bit_cast<float>(sign | ((113 - shift) << 23) | ((mantissa & 0x3FFU) << 13));
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U)
    return static_cast<std::uint16_t>(sign | 0x7E00U | ((magnitude >> 13) & 0x3FFU));
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // from 65536 on
  if (magnitude < 0x38800000U) {
    // Below 2^-14 halves are multiples of 2^-24: adding 0.5 leaves that many in the mantissa.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112U << 10)));
}

std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace tandem
