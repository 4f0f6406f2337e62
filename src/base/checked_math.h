// Arithmetic on sizes that come from files or callers: overflow is an Error, never a wrap.
#pragma once

#include <concepts>
#include <utility>
#include <string>

#include <tandem/error.h>

namespace tandem {

template <std::integral T>
T checked_add(T a, T b, const char* what) {
  T sum{};
  if (__builtin_add_overflow(a, b, &sum))
    throw Error(ErrorCode::corrupt, std::string(what) + ": size overflows");
  return sum;
}

template <std::integral T>
T checked_mul(T a, T b, const char* what) {
  T product{};
  if (__builtin_mul_overflow(a, b, &product))
    throw Error(ErrorCode::corrupt, std::string(what) + ": size overflows");
  return product;
}

/// `value` as To; an Error where it does not fit.
template <std::integral To, std::integral From>
To checked_cast(From value, const char* what) {
  if (!std::in_range<To>(value))
    throw Error(ErrorCode::corrupt, std::string(what) + ": " + std::to_string(value) + " is out of range");
  return static_cast<To>(value);
}

}  // namespace tandem
