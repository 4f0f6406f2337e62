// Laws of the products that the CUDA backend gives to the library (cuBLASLt), without a GPU: those
// of int8 have the bits of the own kernels; those of floats are for Numerics::fast; what the
// library has no algorithm for runs on the own kernels.
#include <cmath>
#include <cstdint>

#include "kernels/backends.h"
#include "kernels/counted_gpu.h"

namespace tandem {
namespace {

constexpr ComputeType kTypes[] = {ComputeType::float32, ComputeType::bfloat16, ComputeType::float16,
                                  ComputeType::int8};

StagedBackend open_with(cuda::HostLibrary library, Numerics numerics = Numerics::exact) {
  return StagedBackend(std::make_unique<cuda::CudaBackend>(
      std::make_unique<cuda::HostGpu>(cuda::ThreadOrder::ascending, library), numerics));
}

LinearWeights random_weights(std::int64_t outputs, std::int64_t inputs) {
  LinearWeights weights;
  weights.weight = tensor_of(Matrix::random(outputs, inputs, 11));
  weights.bias = tensor_of(Matrix::random(1, outputs, 12)).reshaped({outputs});
  return weights;
}

Matrix product(Backend& backend, const Matrix& x, const PackedLinear& weights,
               Activation activation = Activation::none, bool adds = false) {
  Matrix out = Matrix::random(x.rows(), weights.outputs(), 13);
  LinearEpilogue epilogue;
  epilogue.activation = activation;
  if (adds) epilogue.residual = out.view();
  backend.linear(x.view(), weights, epilogue, out.view());
  EXPECT_TRUE(out.padding_is_untouched());
  return out;
}

bool equal_bits(const Matrix& a, const Matrix& b) {
  for (std::int64_t r = 0; r < a.rows(); ++r)
    for (std::int64_t c = 0; c < a.cols(); ++c)
      if (a.at(r, c) != b.at(r, c)) return false;
  return true;
}

// int8 on a backend with the library and on one without.
class Int8Products : public testing::Test {
 protected:
  // The same product of both; `taken` of those of the first are the library's.
  void expect_equal_bits(const LinearWeights& weights, const Matrix& x, Activation activation,
                         bool adds, int taken, const std::string& what) {
    counts_.products = 0;
    const Matrix found = product(with_library_, x, *with_library_.pack(weights, ComputeType::int8),
                                 activation, adds);
    EXPECT_EQ(counts_.products, taken) << what;
    expect_bits_equal(
        found, product(alone_, x, *alone_.pack(weights, ComputeType::int8), activation, adds),
        what);
  }

  cuda::CountedGpu::Counts counts_;
  StagedBackend with_library_{std::make_unique<cuda::CudaBackend>(
      std::make_unique<cuda::CountedGpu>(counts_), Numerics::exact)};
  StagedBackend alone_ = open_with(cuda::HostLibrary::missing);
};

// Around the words of 4 inputs and the 16 of an aligned row, the 32 padded outputs, the tiles
// of 64.
TEST_F(Int8Products, OfTheLibraryHaveTheBitsOfTheOwnKernelsAtEveryEdge) {
  for (const std::int64_t inputs : {1, 3, 4, 15, 16, 17, 512})
    for (const std::int64_t outputs : {1, 31, 32, 33, 512})
      for (const float scale : {0.0F, 100.0F}) {
        LinearWeights weights = random_weights(outputs, inputs);
        weights.activation_scale = scale;
        for (const std::int64_t rows : {16, 17, 63, 64, 65})
          expect_equal_bits(weights, Matrix::random(rows, inputs, 1, 2.0F), Activation::none, false,
                            rows > 16 ? 1 : 0,
                            std::to_string(rows) + " rows, " + std::to_string(outputs) +
                                " outputs, " + std::to_string(inputs) + " inputs, scale " +
                                std::to_string(scale));
      }
}

// One row without numbers, one of zeros.
TEST_F(Int8Products, OfTheLibraryEndAsTheOwnDo) {
  Matrix x = Matrix::random(20, 35, 1, 2.0F);
  x.at(3, 7) = std::nanf("");
  x.at(4, 0) = INFINITY;
  for (std::int64_t k = 0; k < x.cols(); ++k) x.at(5, k) = 0.0F;
  for (const float scale : {0.0F, 60.0F})
    for (const bool bias : {false, true})
      for (int a = 0; a <= static_cast<int>(Activation::tanh); ++a)
        for (const bool adds : {false, true}) {
          LinearWeights weights = random_weights(70, 35);
          weights.activation_scale = scale;
          if (!bias) weights.bias = {};
          expect_equal_bits(weights, x, static_cast<Activation>(a), adds, 1,
                            "activation " + std::to_string(a));
        }
}

TEST_F(Int8Products, OfSelectedOutputsHaveTheSameBits) {
  const std::vector<std::int32_t> columns = {129, 0, 64, 63, 5, 5};
  const LinearWeights weights = random_weights(130, 45);
  const Matrix x = Matrix::random(40, 45, 1);
  const auto some =
      with_library_.select_outputs(*with_library_.pack(weights, ComputeType::int8), columns);
  const auto fewer = with_library_.select_outputs(*some, std::vector<std::int32_t>{3, 0});
  const Matrix all = product(alone_, x, *alone_.pack(weights, ComputeType::int8));
  const Matrix chosen = product(with_library_, x, *some), again = product(with_library_, x, *fewer);
  EXPECT_EQ(counts_.products, 0);  // they have one form, that of few rows
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    for (std::int64_t c = 0; c < some->outputs(); ++c)
      ASSERT_EQ(chosen.at(r, c), all.at(r, columns[static_cast<std::size_t>(c)]));
    ASSERT_EQ(again.at(r, 0), all.at(r, 63));
    ASSERT_EQ(again.at(r, 1), all.at(r, 129));
  }
}

TEST_F(Int8Products, NeedTheirWeightsTwiceWhereTheLibraryIs) {
  const LinearWeights weights = random_weights(64, 512);
  const std::size_t twice = with_library_.pack(weights, ComputeType::int8)->bytes();
  EXPECT_EQ(twice, alone_.pack(weights, ComputeType::int8)->bytes() + std::size_t{64} * 512);
  EXPECT_EQ(with_library_.pack(weights, ComputeType::bfloat16)->bytes(),
            alone_.pack(weights, ComputeType::bfloat16)->bytes());
}

// The library adds in another order and rounds the inputs of 16-bit products, which shows.
TEST(LibraryProducts, FastNumericsDifferForManyRowsOfFloatsAlone) {
  StagedBackend exact = open_with(cuda::HostLibrary::found);
  StagedBackend fast = open_with(cuda::HostLibrary::found, Numerics::fast);
  StagedBackend refused = open_with(cuda::HostLibrary::refuses, Numerics::fast);
  StagedBackend alone = open_with(cuda::HostLibrary::missing, Numerics::fast);
  EXPECT_NE(fast.name().find(", fast, products on the host"), std::string::npos);
  EXPECT_NE(alone.name().find("without cuBLASLt: the test left"), std::string::npos);
  const LinearWeights weights = random_weights(77, 300);
  for (const ComputeType type : kTypes)
    for (const std::int64_t rows : {16, 17})
      for (const Activation activation : {Activation::relu, Activation::gelu_erf}) {
        const std::string what = std::string(to_string(type)) + ", " + std::to_string(rows);
        const Matrix x = Matrix::random(rows, 300, 1);
        const auto multiply = [&](Backend& backend) {
          return product(backend, x, *backend.pack(weights, type), activation);
        };
        const Matrix expected = multiply(exact);
        EXPECT_NE(equal_bits(multiply(fast), expected), type != ComputeType::int8 && rows == 17)
            << what;
        EXPECT_TRUE(equal_bits(multiply(refused), expected)) << what << ", without an algorithm";
        EXPECT_TRUE(equal_bits(multiply(alone), expected)) << what << ", without the library";
      }
}

TEST(LibraryProducts, OneAlgorithmServesLessThanAnEighthMoreRows) {
  for (std::int64_t rows = 1; rows < 10'000; ++rows) {
    const std::int64_t bucket = cuda::rows_bucket(rows);
    EXPECT_GE(bucket, rows);
    EXPECT_LT(bucket, rows + std::max<std::int64_t>(16, rows / 8 + 1));
    EXPECT_EQ(cuda::rows_bucket(bucket), bucket);
  }
}

}  // namespace
}  // namespace tandem
