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

// A product on memory of the host. Rows of x are padded to 8, of the weights to 32, of the output
// by 3.
template <class Narrow>
struct Operands {
  Operands(std::int64_t row_count, std::int64_t input_count, std::int64_t output_count)
      : x(filled<Narrow>(row_count * ((input_count + 7) / 8 * 8), 1)),
        weights(filled<Narrow>(input_count * ((output_count + 31) / 32 * 32), 2)),
        bias(filled<float>(output_count, 3)),
        out(filled<float>(row_count * (output_count + 3), 4)) {
    product.type = std::is_same_v<Narrow, Bfloat16> ? MatrixProduct::Type::bfloat16
                                                    : MatrixProduct::Type::float16;
    product.rows = row_count;
    product.inputs = input_count;
    product.outputs = output_count;
    product.x = {&x.data()->bits, (input_count + 7) / 8 * 8};
    product.weights = {&weights.data()->bits, (output_count + 31) / 32 * 32};
    product.out = {out.data(), output_count + 3};
  }

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
      sum +=
          double{widened(Narrow{product.x.row(n)[k]})} * widened(Narrow{product.weights.row(k)[c]});
    if (product.relu) sum = std::max(sum, 0.0);
    return product.residual.data == nullptr ? sum : sum + before;
  }

  std::vector<Narrow> x, weights;
  std::vector<float> bias, out;
  MatrixProduct product;
};

template <class Narrow>
void expect_products(CublasLt& library) {
  for (const std::int64_t rows : {17, 20, 33, 100})
    for (const std::int64_t outputs : {1, 33, 130})
      for (const std::int64_t inputs : {3, 67})
        for (int epilogue = 0; epilogue < 6; ++epilogue) {
          Operands<Narrow> operands(rows, inputs, outputs);
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
  expect_products<Bfloat16>(library);
  expect_products<Float16>(library);
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
