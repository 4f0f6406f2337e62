#include "models/readers/stored_tensor.h"

#include <cstdint>
#include <cstring>

#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

// An IEEE number is not finite exactly when all bits of its exponent are set.
template <class Bits>
bool no_full_exponent(const Tensor& tensor, Bits exponent) {
  constexpr std::size_t kBlock = 4096;  // elements between two looks at the result
  const std::byte* data = tensor.raw();
  const std::size_t count = tensor.bytes() / sizeof(Bits);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = begin + kBlock < count ? begin + kBlock : count;
    bool found = false;
    for (std::size_t i = begin; i < end; ++i) {
      Bits bits;
      std::memcpy(&bits, data + i * sizeof(Bits), sizeof(Bits));
      found |= (bits & exponent) == exponent;
    }
    if (found) return false;
  }
  return true;
}

}  // namespace

Shape stored_shape(std::span<const std::int64_t> extents, const std::string& where) {
  try {
    return Shape(extents);
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.message());
  }
}

Tensor stored_tensor(const Shape& shape, DType type, std::span<const std::byte> bytes,
                     const std::shared_ptr<const void>& owner) {
  TANDEM_CHECK(bytes.size() / size_of(type) >= static_cast<std::size_t>(shape.elements()));
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(type) == 0)
    return Tensor::borrow(shape, type, bytes.data(), owner);
  Tensor tensor = Tensor::zeros(shape, type);
  std::memcpy(tensor.mutable_raw(), bytes.data(), tensor.bytes());
  return tensor;
}

bool all_finite(const Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::float32:
      return no_full_exponent<std::uint32_t>(tensor, 0x7F800000U);
    case DType::float64:
      return no_full_exponent<std::uint64_t>(tensor, 0x7FF0000000000000U);
    case DType::float16:
      return no_full_exponent<std::uint16_t>(tensor, 0x7C00U);
    case DType::bfloat16:
      return no_full_exponent<std::uint16_t>(tensor, 0x7F80U);
    case DType::int8:
    case DType::uint8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
      return true;
  }
  return true;
}

}  // namespace tandem
