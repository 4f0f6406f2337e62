// Elementary functions and activations on vectors. Include after one simd_*.h.
//
// The polynomials were fitted by interpolation at Chebyshev nodes. Errors are relative to the exact
// value and measured against double over the range (tests/kernels/rows_test.cc).
#pragma once

namespace tandem::cpu {
namespace {

// Below this e^x counts as 0: it is hardly a normal number.
constexpr float kLowestExponent = -87.33F;

// e^x for kLowestExponent <= x <= 88.8 or NaN: error below 3e-7, infinity from some place
// above 88.3 on. Cody and Waite's reduction x = n ln 2 + r, |r| <= ln(2) / 2.
inline Floats exponential_in_range(Floats x) {
  const Floats n = nearest_integer(x * broadcast(1.44269504F));
  Floats r = fma(n, broadcast(-0.693359375F), x);  // ln 2 in two parts; the first product is exact
  r = fma(n, broadcast(2.12194440e-4F), r);
  Floats p = broadcast(1.39269266e-3F);
  p = fma(p, r, broadcast(8.36377387e-3F));
  p = fma(p, r, broadcast(4.16665501e-2F));
  p = fma(p, r, broadcast(1.66665734e-1F));
  p = fma(p, r, broadcast(0.5F));
  p = fma(p, r * r, r) + broadcast(1.0F);
  return times_power_of_two(p, n);
}

// e^x: error below 3e-7 for -87.3 <= x <= 88.3; 0 below and infinity above; NaN stays NaN.
inline Floats exponential(Floats x) {
  const Floats lowest = broadcast(kLowestExponent);
  // A NaN comes out of both comparisons, because it is their second operand.
  const Floats c = min_of(broadcast(88.8F), max_of(lowest, x));
  return if_less(x, lowest, broadcast(0.0F), exponential_in_range(c));
}

// e^x for x <= 0 to be added to a sum of at least 1, in which the 1.2e-38 that it is at least are
// nothing: half of the comparisons.
inline Floats exponential_of_score(Floats x) {
  return exponential_in_range(max_of(broadcast(kLowestExponent), x));
}

// 1 / (1 + e^-x): error below 1e-6 for x >= -87, absolute error below 1e-7 everywhere.
inline Floats sigmoid(Floats x) {
  return broadcast(1.0F) / (broadcast(1.0F) + exponential(broadcast(0.0F) - x));
}

// erfc(z) for z >= 0: error below 1e-6 + 2.4e-7 z^2, the second term from rounding z^2.
// exp(-z^2) t Q(2t - 1) with t = 1 / (1 + z / 2), the substitution of Numerical Recipes 6.2.2 with
// a polynomial of our own.
inline Floats complementary_error(Floats z) {
  const Floats t = broadcast(1.0F) / fma(z, broadcast(0.5F), broadcast(1.0F));
  const Floats u = t + t - broadcast(1.0F);
  Floats q = broadcast(3.77121e-5F);
  q = fma(q, u, broadcast(-2.99888e-5F));
  q = fma(q, u, broadcast(-2.952949e-4F));
  q = fma(q, u, broadcast(4.22037e-4F));
  q = fma(q, u, broadcast(1.5285891e-3F));
  q = fma(q, u, broadcast(-3.2397187e-3F));
  q = fma(q, u, broadcast(-1.07518987e-2F));
  q = fma(q, u, broadcast(1.8221079e-2F));
  q = fma(q, u, broadcast(1.39735788e-1F));
  q = fma(q, u, broadcast(3.435803434e-1F));
  q = fma(q, u, broadcast(5.107913558e-1F));
  return exponential(broadcast(0.0F) - z * z) * t * q;
}

// tanh: error below 4e-7.
inline Floats hyperbolic_tangent(Floats x) {
  const Floats y = x * x;
  Floats p = broadcast(-6.06214808e-3F);
  p = fma(p, y, broadcast(2.09732342e-2F));
  p = fma(p, y, broadcast(-5.38458227e-2F));
  p = fma(p, y, broadcast(1.33327360e-1F));
  p = fma(p, y, broadcast(-3.33333286e-1F));
  const Floats small = fma(p * y, x, x);
  const Floats magnitude = absolute(x);
  const Floats e = exponential(magnitude + magnitude);
  const Floats large = broadcast(1.0F) - broadcast(2.0F) / (e + broadcast(1.0F));
  const Floats zero = broadcast(0.0F);
  const Floats signed_large = if_less(x, zero, zero - large, large);
  return if_less(magnitude, broadcast(0.625F), small, signed_large);
}

// x Phi(x), Hendrycks and Gimpel 2016 (arXiv 1606.08415), with Phi from erfc so that the tail of
// negative x keeps its relative accuracy.
inline Floats gelu_erf(Floats x) {
  const Floats zero = broadcast(0.0F);
  const Floats half = complementary_error(absolute(x) * broadcast(0.707106781F)) * broadcast(0.5F);
  return x * if_less(x, zero, half, broadcast(1.0F) - half);
}

// The tanh form of the same paper: 0.5 (1 + tanh u) = sigmoid(2u).
inline Floats gelu_tanh(Floats x) {
  const Floats cube = x * x * x;
  return x * sigmoid(broadcast(1.59576912F) * fma(cube, broadcast(0.044715F), x));
}

// One activation chosen outside of the loop: apply(x) for each vector.
inline Floats activated(Floats x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return max_of(broadcast(0.0F), x);
    case Activation::gelu_erf:
      return gelu_erf(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::gelu_sigmoid:
      return x * sigmoid(broadcast(1.702F) * x);
    case Activation::silu:
      return x * sigmoid(x);
    case Activation::tanh:
      return hyperbolic_tangent(x);
  }
  return x;
}

}  // namespace
}  // namespace tandem::cpu
