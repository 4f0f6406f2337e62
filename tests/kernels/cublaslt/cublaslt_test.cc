// What the module asks of cuBLASLt, against a stand-in of that library (stand_in.cc) that takes its
// descriptions literally. That the real one accepts them is for a device to show.
#include "kernels/cuda/cublaslt.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::cuda {
namespace {

// A product on memory of the host. Rows of 16-bit inputs are padded to 16 bytes, of float32 ones
// by 1; of the weights to 32, of the output by 3.
template <class Element>
struct Operands {
  Operands(std::int64_t row_count, std::int64_t input_count, std::int64_t output_count)
      : x_stride(kWide ? input_count + 1 : aligned_stride(input_count, 2)),
        x(filled<Element>(row_count * x_stride, 1)),
        weights(filled<Element>(input_count * padded(output_count), 2)),
        bias(filled<float>(output_count, 3)),
        out(filled<float>(row_count * (output_count + 3), 4)) {
    product.type = kWide                               ? ComputeType::float32
                   : std::is_same_v<Element, Bfloat16> ? ComputeType::bfloat16
                                                       : ComputeType::float16;
    product.rows = row_count;
    product.inputs = input_count;
    product.outputs = output_count;
    product.x = {x.data(), x_stride};
    product.weights = {weights.data(), padded(output_count)};
    product.out = {out.data(), output_count + 3};
  }

  static std::int64_t padded(std::int64_t outputs) { return (outputs + 31) / 32 * 32; }

  template <class T>
  static std::vector<T> filled(std::int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) store(uniform(generator), value);
    return values;
  }

  // What output c of row n should be, where `before` stood.
  double expected(std::int64_t n, std::int64_t c, float before) const {
    double sum = product.bias == nullptr ? 0.0 : product.bias[c];
    for (std::int64_t k = 0; k < product.inputs; ++k)
      sum += double{widened(product.x.rows<Element>().row(n)[k])} *
             widened(product.weights.rows<Element>().row(k)[c]);
    if (product.relu) sum = std::max(sum, 0.0);
    return product.residual.data == nullptr ? sum : sum + before;
  }

  static constexpr bool kWide = std::is_same_v<Element, float>;
  std::int64_t x_stride;
  std::vector<Element> x, weights;
  std::vector<float> bias, out;
  MatrixProduct product;
};

template <class Element>
void expect_products(CublasLt& library) {
  for (const std::int64_t rows : {17, 20, 33, 100})
    for (const std::int64_t outputs : {1, 33, 130})
      for (const std::int64_t inputs : {3, 67})
        for (int epilogue = 0; epilogue < 6; ++epilogue) {
          Operands<Element> operands(rows, inputs, outputs);
          if (epilogue % 2 == 1) operands.product.bias = operands.bias.data();
          operands.product.relu = epilogue / 2 == 1;
          if (epilogue / 2 == 2)  // in place
            operands.product.residual = {operands.out.data(), outputs + 3};
          const std::vector<float> before = operands.out;
          ASSERT_TRUE(library.multiply(operands.product, nullptr));
          for (std::int64_t n = 0; n < rows; ++n)
            for (std::int64_t c = 0; c < outputs + 3; ++c) {
              const float found = operands.product.out.row(n)[c];
              const float old = before[static_cast<std::size_t>(n * (outputs + 3) + c)];
              if (c < outputs)
                ASSERT_NEAR(found, operands.expected(n, c, old), 1e-5) << n << ", " << c;
              else
                ASSERT_EQ(found, old) << "between the rows";
            }
        }
}

TEST(CublasLt, ProductsAreWhatTheyAreAskedToBe) {
  CublasLt library;
  expect_products<float>(library);
  expect_products<Bfloat16>(library);
  expect_products<Float16>(library);
}

// An algorithm that was chosen for rows at 16 bytes is not asked for others.
TEST(CublasLt, RowsOfTheSameShapeMayStartAnywhere) {
  CublasLt library;
  Operands<float> operands(20, 15, 61);  // strides of 16 and 64
  for (const int offset : {0, 1, 2}) {
    operands.product.x = {operands.x.data() + offset % 2, 16};
    operands.product.rows = 19;
    operands.product.out = {operands.out.data() + offset / 2, 64};
    ASSERT_TRUE(library.multiply(operands.product, nullptr)) << offset;
    ASSERT_NEAR(operands.product.out.row(18)[60], operands.expected(18, 60, 0), 1e-5);
  }
}

// Sums of int8 on memory of the host, whose rows are padded by 4.
struct Int8Operands {
  Int8Operands(std::int64_t rows, std::int64_t inputs, std::int64_t outputs)
      : x(filled(rows * inputs, 1)),
        weights(filled(outputs * inputs, 2)),
        sums(static_cast<std::size_t>(rows * (outputs + 4)), -1) {
    product.type = ComputeType::int8;
    product.rows = rows;
    product.inputs = inputs;
    product.outputs = outputs;
    product.x = {x.data(), inputs};
    product.weights = {weights.data(), inputs};
    product.sums = {sums.data(), outputs + 4};
  }

  static std::vector<std::int8_t> filled(std::int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_int_distribution<int> uniform(-128, 127);
    std::vector<std::int8_t> values(static_cast<std::size_t>(count));
    for (std::int8_t& value : values) value = static_cast<std::int8_t>(uniform(generator));
    return values;
  }

  std::int32_t expected(std::int64_t n, std::int64_t c) const {
    if (c >= product.outputs) return -1;  // as it was
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < product.inputs; ++k)
      sum += x[static_cast<std::size_t>(n * product.inputs + k)] *
             weights[static_cast<std::size_t>(c * product.inputs + k)];
    return sum;
  }

  std::vector<std::int8_t> x, weights;
  std::vector<std::int32_t> sums;
  MatrixProduct product;
};

TEST(CublasLt, SumsOfInt8AreExact) {
  CublasLt library;
  for (const std::int64_t rows : {17, 20, 33, 100})
    for (const std::int64_t outputs : {32, 160})
      for (const std::int64_t inputs : {16, 80}) {
        Int8Operands operands(rows, inputs, outputs);
        ASSERT_TRUE(library.multiply(operands.product, nullptr));
        for (std::int64_t n = 0; n < rows; ++n)
          for (std::int64_t c = 0; c < outputs + 4; ++c)
            ASSERT_EQ(operands.product.sums.row(n)[c], operands.expected(n, c)) << n << ", " << c;
      }
}

// The stand-in refuses what the library's kernels of integers cannot do, and an own kernel runs.
TEST(CublasLt, Int8OutsideOfTheLibrarysConditionsIsLeftToTheCaller) {
  CublasLt library;
  Int8Operands inputs(20, 18, 32), outputs(20, 16, 30), without_algorithm(20, 208, 32);
  for (Int8Operands* operands : {&inputs, &outputs, &without_algorithm}) {
    const std::vector<std::int32_t> before = operands->sums;
    for (int time = 0; time < 2; ++time) EXPECT_FALSE(library.multiply(operands->product, nullptr));
    EXPECT_EQ(operands->sums, before);
  }
}

TEST(CublasLt, AShapeWithoutAnAlgorithmIsLeftToTheCaller) {
  CublasLt library;
  Operands<Float16> operands(20, 13, 5);
  const std::vector<float> before = operands.out;
  for (int time = 0; time < 2; ++time) EXPECT_FALSE(library.multiply(operands.product, nullptr));
  EXPECT_EQ(operands.out, before);
}

TEST(CublasLt, SaysWhichVersionItFound) {
  const ProductLibrary about = CublasLt::about();
  EXPECT_TRUE(about.found);
  EXPECT_EQ(about.about, "cuBLASLt " + std::to_string(CUBLAS_VER_MAJOR) + ".2.3");
}

}  // namespace
}  // namespace tandem::cuda
