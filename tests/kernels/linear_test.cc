// Products against the reference, and the laws that make them exact: row invariance in float32,
// 16-bit weights are float32 on rounded ones, equal bits on every instruction set in int8.
#include <bit>
#include <cmath>
#include <functional>

#include "kernels/backends.h"

namespace tandem {
namespace {

// Around the edges of tiles (1 to 6 rows), vectors (4, 8, 16 columns) and panels (64 columns).
constexpr std::int64_t kRows[] = {1, 2, 3, 4, 5, 7, 8, 9, 17, 20, 31, 33};
constexpr std::int64_t kColumns[] = {1, 15, 16, 17, 63, 64, 65, 130};
constexpr std::int64_t kInputs[] = {1, 3, 4, 17, 67, 129};

LinearWeights random_weights(std::int64_t outputs, std::int64_t inputs, bool bias) {
  LinearWeights weights;
  weights.weight = tensor_of(Matrix::random(outputs, inputs, 11));
  if (bias) weights.bias = tensor_of(Matrix::random(1, outputs, 12)).reshaped({outputs});
  return weights;
}

LinearWeights random_int8_weights(std::int64_t outputs, std::int64_t inputs, bool common_scale) {
  LinearWeights weights = random_weights(outputs, inputs, true);
  weights.weight = Tensor::zeros({outputs, inputs}, DType::int8);
  std::mt19937 generator(13);
  std::uniform_int_distribution<int> uniform(-128, 127);
  for (std::int8_t& q : weights.weight.mutable_data<std::int8_t>())
    q = static_cast<std::int8_t>(uniform(generator));
  weights.weight_scales.assign(common_scale ? 1 : static_cast<std::size_t>(outputs), 0.01F);
  for (std::size_t c = 0; c < weights.weight_scales.size(); ++c)
    weights.weight_scales[c] += 0.001F * static_cast<float>(c % 7);
  return weights;
}

// What a backend computes in; 16 bits are `narrow_types`.
std::vector<ComputeType> types_of(const Backend& backend) {
  std::vector<ComputeType> types = {ComputeType::float32, ComputeType::bfloat16, ComputeType::int8};
  if (backend.device().kind() == Device::Kind::cuda) types.push_back(ComputeType::float16);
  return types;
}
bool is_narrow(ComputeType type) {
  return type == ComputeType::bfloat16 || type == ComputeType::float16;
}
std::vector<ComputeType> narrow_types(const Backend& backend) {
  std::vector<ComputeType> types = types_of(backend);
  std::erase_if(types, [](ComputeType type) { return !is_narrow(type); });
  return types;
}

float rounded(float value, ComputeType type) {
  return type == ComputeType::bfloat16 ? bfloat16_to_float(float_to_bfloat16(value))
                                       : half_to_float(float_to_half(value));
}

Matrix rounded(const Matrix& matrix, ComputeType type) {
  Matrix result(matrix.rows(), matrix.cols());
  for (std::int64_t r = 0; r < matrix.rows(); ++r)
    for (std::int64_t c = 0; c < matrix.cols(); ++c)
      result.at(r, c) = rounded(matrix.at(r, c), type);
  return result;
}

// The same weights as they are after rounding to 16 bits, in float32.
LinearWeights rounded(const LinearWeights& weights, ComputeType type) {
  LinearWeights result = weights;
  result.weight = Tensor::zeros(weights.weight.shape(), DType::float32);
  const auto from = weights.weight.data<float>();
  std::ranges::transform(from, result.weight.mutable_data<float>().begin(),
                         [&](float w) { return rounded(w, type); });
  return result;
}

Matrix product(Backend& backend, const Matrix& x, const PackedLinear& weights,
               const LinearEpilogue& epilogue = {}) {
  Matrix out(x.rows(), weights.outputs());
  backend.linear(x.view(), weights, epilogue, out.view());
  EXPECT_TRUE(out.padding_is_untouched());
  return out;
}

std::string shape_name(std::int64_t rows, std::int64_t columns, std::int64_t inputs) {
  return std::to_string(rows) + " rows, " + std::to_string(columns) + " columns, " +
         std::to_string(inputs) + " inputs";
}

using Linear = BackendTest;

TEST_P(Linear, Float32EqualsTheReferenceAtEveryTileEdge) {
  for (const std::int64_t columns : kColumns)
    for (const std::int64_t inputs : kInputs) {
      const LinearWeights weights = random_weights(columns, inputs, columns % 2 == 0);
      const auto packed = backend->pack(weights, ComputeType::float32);
      const auto expected = reference->pack(weights, ComputeType::float32);
      for (const std::int64_t rows : kRows) {
        const Matrix x = Matrix::random(rows, inputs, 14);
        expect_near(product(*backend, x, *packed), product(*reference, x, *expected),
                    1e-6F * std::sqrt(static_cast<float>(inputs)) + 1e-6F,
                    shape_name(rows, columns, inputs));
      }
    }
}

TEST_P(Linear, SixteenBitsHaveTheBitsOfFloat32OnRoundedWeightsAtEveryTileEdge) {
  for (const ComputeType type : narrow_types(*backend))
    for (const std::int64_t columns : kColumns)
      for (const std::int64_t inputs : kInputs) {
        const LinearWeights weights = random_weights(columns, inputs, columns % 2 == 0);
        const auto packed = backend->pack(weights, type);
        const auto float32 = backend->pack(rounded(weights, type), ComputeType::float32);
        const auto expected = reference->pack(weights, type);
        for (const std::int64_t rows : kRows) {
          const std::string what =
              std::string(to_string(type)) + ", " + shape_name(rows, columns, inputs);
          const Matrix x = Matrix::random(rows, inputs, 14);
          const Matrix found = product(*backend, x, *packed);
          expect_bits_equal(found, product(*backend, x, *float32), what);
          expect_near(found, product(*reference, x, *expected),
                      1e-6F * std::sqrt(static_cast<float>(inputs)) + 1e-6F, what);
        }
      }
}

TEST_P(Linear, WeightsStoredInSixteenBitsAreTakenAsTheyAre) {
  for (const ComputeType narrow : narrow_types(*backend)) {
    const LinearWeights weights = rounded(random_weights(70, 45, true), narrow);
    const bool bfloat16 = narrow == ComputeType::bfloat16;
    LinearWeights stored = weights;
    stored.weight = Tensor::zeros({70, 45}, bfloat16 ? DType::bfloat16 : DType::float16);
    auto* bits = reinterpret_cast<std::uint16_t*>(stored.weight.mutable_raw());
    for (const float value : weights.weight.data<float>())
      *bits++ = bfloat16 ? static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)
                         : float_to_half(value);
    const Matrix x = Matrix::random(4, 45, 16);
    const Matrix expected = product(*backend, x, *backend->pack(weights, ComputeType::float32));
    for (const ComputeType type : {ComputeType::float32, narrow})
      expect_bits_equal(product(*backend, x, *backend->pack(stored, type)), expected, "stored");
  }
}

TEST_P(Linear, Int8HasTheBitsOfTheReferenceAtEveryTileEdge) {
  for (const std::int64_t columns : kColumns)
    for (const std::int64_t inputs : kInputs) {
      LinearWeights weights = random_int8_weights(columns, inputs, columns % 2 == 0);
      weights.activation_scale = inputs % 2 == 0 ? 0.0F : 100.0F;
      const auto packed = backend->pack(weights, ComputeType::int8);
      const auto expected = reference->pack(weights, ComputeType::int8);
      for (const std::int64_t rows : kRows) {
        const Matrix x = Matrix::random(rows, inputs, 15, 3.0F);
        expect_bits_equal(product(*backend, x, *packed), product(*reference, x, *expected),
                          shape_name(rows, columns, inputs));
      }
    }
}

// A reciprocal of a rounded product is not a quotient of rounded reciprocals: with a format's own
// product scales the sums are multiplied by them and by nothing else.
TEST_P(Linear, Int8TakesProductScalesAsTheyAre) {
  LinearWeights weights = random_int8_weights(70, 33, false);
  weights.activation_scale = 40.0F;
  for (int c = 0; c < 70; ++c)
    weights.product_scales.push_back(0.001F + 0.0001F * static_cast<float>(c));
  Matrix x(1, 33);
  for (std::int64_t k = 0; k < 33; ++k) x.at(0, k) = static_cast<float>(k - 16) / 40.0F;
  const auto packed = backend->pack(weights, ComputeType::int8);
  const Matrix out = product(*backend, x, *packed);
  const std::vector<std::int32_t> last = {69};
  const Matrix chosen = product(*backend, x, *backend->select_outputs(*packed, last));
  for (std::size_t c = 0; c < 70; ++c) {
    std::int32_t sum = 0;
    for (std::int32_t k = 0; k < 33; ++k)
      sum += (k - 16) * weights.weight.data<std::int8_t>()[c * 33 + static_cast<std::size_t>(k)];
    const float expected =
        static_cast<float>(sum) * weights.product_scales[c] + weights.bias.data<float>()[c];
    ASSERT_EQ(out.at(0, static_cast<std::int64_t>(c)), expected) << c;
    if (c == 69) {
      EXPECT_EQ(chosen.at(0, 0), expected);
    }
  }
}

TEST_P(Linear, Int8SumsDoNotSaturateAtTheExtremes) {
  constexpr std::int64_t kWide = 2048;
  LinearWeights weights = random_int8_weights(65, kWide, true);
  for (std::int8_t& q : weights.weight.mutable_data<std::int8_t>()) q = -128;
  const auto packed = backend->pack(weights, ComputeType::int8);
  const auto expected = reference->pack(weights, ComputeType::int8);
  for (const float sign : {1.0F, -1.0F}) {
    Matrix x(2, kWide);
    for (std::int64_t k = 0; k < kWide; ++k) x.at(0, k) = x.at(1, k) = sign;
    expect_bits_equal(product(*backend, x, *packed), product(*reference, x, *expected), "extremes");
  }
}

TEST_P(Linear, FloatWeightsAreQuantizedAlikeByEveryBackend) {
  const LinearWeights weights = random_weights(70, 45, true);
  const Matrix x = Matrix::random(4, 45, 16);
  const Matrix int8 = product(*backend, x, *backend->pack(weights, ComputeType::int8));
  expect_bits_equal(int8, product(*reference, x, *reference->pack(weights, ComputeType::int8)),
                    "int8");
  expect_near(int8, product(*reference, x, *reference->pack(weights, ComputeType::float32)), 0.1F,
              "int8 against float32");
}

TEST_P(Linear, Int8WeightsCanBeComputedInFloats) {
  const LinearWeights weights = random_int8_weights(70, 45, false);
  const Matrix x = Matrix::random(4, 45, 17);
  for (const ComputeType type : {ComputeType::float32, ComputeType::bfloat16})
    expect_near(product(*backend, x, *backend->pack(weights, type)),
                product(*reference, x, *reference->pack(weights, type)), 1e-4F, "floats");
}

TEST_P(Linear, EpilogueAppliesBiasThenActivationThenResidualInPlace) {
  constexpr std::int64_t kOutputs = 77, kIn = 40;
  const LinearWeights weights = random_weights(kOutputs, kIn, true);
  for (const ComputeType type : types_of(*backend))
    for (int a = 0; a <= static_cast<int>(Activation::tanh); ++a) {
      const Matrix x = Matrix::random(7, kIn, 18);
      Matrix out = Matrix::random(7, kOutputs, 19), expected = Matrix::random(7, kOutputs, 19);
      const auto activation = static_cast<Activation>(a);
      backend->linear(x.view(), *backend->pack(weights, type),
                      {.activation = activation, .residual = out.view()}, out.view());
      reference->linear(x.view(), *reference->pack(weights, type),
                        {.activation = activation, .residual = expected.view()}, expected.view());
      expect_near(out, expected, 2e-5F, "activation " + std::to_string(a));
    }
}

// Enough work that two threads share it (see kMinSplitCost).
TEST_P(Linear, ARowHasTheSameBitsAloneAndInAnyBatchAtAnyPlace) {
  constexpr std::int64_t kOutputs = 450, kIn = 512, kBatch = 33;
  const LinearWeights weights = random_weights(kOutputs, kIn, true);
  const Matrix x = Matrix::random(kBatch, kIn, 20);
  const auto single = open_single(GetParam());
  LinearEpilogue gelu;
  gelu.activation = Activation::gelu_erf;
  for (const ComputeType type : types_of(*backend)) {
    const auto packed = backend->pack(weights, type);
    const Matrix alone_source = product(*backend, x, *packed, gelu);
    for (std::int64_t row = 0; row < kBatch; ++row)
      expect_bits_equal(product(*single, x.rows_from(row, 1), *packed, gelu),
                        alone_source.rows_from(row, 1), "row " + std::to_string(row) + " alone");
    for (std::int64_t size = 2; size <= 14; ++size)
      expect_bits_equal(product(*backend, x.rows_from(size, size), *packed, gelu),
                        alone_source.rows_from(size, size), std::to_string(size) + " rows");
  }
}

TEST_P(Linear, SelectedOutputsAreTheColumnsOfTheWholeProduct) {
  const std::vector<std::int32_t> columns = {0, 1, 5, 63, 64, 65, 66, 100, 129, 128, 5};
  for (const std::int64_t inputs : {3, 45, 128})
    for (const ComputeType type : types_of(*backend)) {
      const auto whole = backend->pack(random_weights(130, inputs, true), type);
      const auto some = backend->select_outputs(*whole, columns);
      const auto fewer = backend->select_outputs(*some, std::vector<std::int32_t>{3, 0});
      const Matrix x = Matrix::random(3, inputs, 21);
      const Matrix all = product(*backend, x, *whole), chosen = product(*backend, x, *some);
      const Matrix again = product(*backend, x, *fewer);
      ASSERT_EQ(some->outputs(), 11);
      ASSERT_EQ(some->inputs(), inputs);
      for (std::int64_t r = 0; r < 3; ++r) {
        for (std::int64_t c = 0; c < 11; ++c)
          ASSERT_EQ(chosen.at(r, c), all.at(r, columns[static_cast<std::size_t>(c)]));
        ASSERT_EQ(again.at(r, 0), all.at(r, 63));
        ASSERT_EQ(again.at(r, 1), all.at(r, 0));
      }
    }
}

TEST_P(Linear, ARowOfZerosGivesTheBiasAndARowWithoutNumbersGivesNaN) {
  const LinearWeights weights = random_weights(70, 33, true);
  for (const float fixed_scale : {0.0F, 50.0F}) {
    LinearWeights scaled = weights;
    scaled.activation_scale = fixed_scale;
    const auto packed = backend->pack(scaled, ComputeType::int8);
    Matrix x(5, 33);
    for (std::int64_t k = 0; k < 33; ++k) {
      x.at(0, k) = 0.0F;
      x.at(1, k) = 1e-39F;
      for (std::int64_t r = 2; r < 5; ++r) x.at(r, k) = 1.0F;
    }
    x.at(2, 32) = std::nanf("");
    x.at(3, 0) = INFINITY;
    const Matrix out = product(*backend, x, *packed);
    for (std::int64_t c = 0; c < 70; ++c) {
      ASSERT_EQ(out.at(0, c), weights.bias.data<float>()[static_cast<std::size_t>(c)]);
      ASSERT_EQ(out.at(1, c), weights.bias.data<float>()[static_cast<std::size_t>(c)]);
      ASSERT_TRUE(std::isnan(out.at(2, c)) && std::isnan(out.at(3, c)));
      ASSERT_FALSE(std::isnan(out.at(4, c)));
    }
  }
}

// Enough rows for the library path, where there is one. On a GPU it rounds the inputs of 16-bit
// products too: there the reference sees them rounded.
TEST_P(Linear, FastNumericsStayCloseToTheReference) {
  const auto fast = open(GetParam(), Numerics::fast);
  const LinearWeights weights = random_weights(130, 67, true);
  const Matrix x = Matrix::random(260, 67, 22);
  for (const ComputeType type : types_of(*backend)) {
    const bool rounds = backend->device().kind() == Device::Kind::cuda && is_narrow(type);
    const Matrix seen = rounds ? rounded(x, type) : x;
    const auto packed = fast->pack(weights, type);
    const auto reference_packed = reference->pack(weights, type);
    for (const Activation activation : {Activation::none, Activation::relu, Activation::gelu_erf})
      for (const bool in_place : {false, true}) {
        Matrix out = Matrix::random(260, 130, 23), expected = Matrix::random(260, 130, 23);
        LinearEpilogue epilogue;
        epilogue.activation = activation;
        if (in_place) epilogue.residual = out.view();
        fast->linear(x.view(), *packed, epilogue, out.view());
        if (in_place) epilogue.residual = expected.view();
        reference->linear(seen.view(), *reference_packed, epilogue, expected.view());
        expect_near(out, expected, 1e-5F, std::string(to_string(type)) + " fast");
      }
  }
}

TEST_P(Linear, SelectedOutputsAreTheColumnsOfTheWholeProductInFastNumericsToo) {
  const auto fast = open(GetParam(), Numerics::fast);
  const std::vector<std::int32_t> columns = {0, 33, 5, 129, 64};
  const Matrix x = Matrix::random(40, 67, 24);
  for (const ComputeType type : types_of(*backend)) {
    const auto whole = fast->pack(random_weights(130, 67, true), type);
    const Matrix all = product(*fast, x, *whole);
    const Matrix some = product(*fast, x, *fast->select_outputs(*whole, columns));
    for (std::int64_t r = 0; r < x.rows(); ++r)
      for (std::int64_t c = 0; c < some.cols(); ++c)
        ASSERT_NEAR(some.at(r, c), all.at(r, columns[static_cast<std::size_t>(c)]), 1e-5F);
  }
}

TEST_P(Linear, RefusesWhatItCannotPack) {
  const auto code_of = [&](const LinearWeights& weights, ComputeType type) {
    try {
      static_cast<void>(backend->pack(weights, type));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  LinearWeights weights = random_weights(4, 4, true);
  EXPECT_EQ(code_of(weights, ComputeType::automatic), ErrorCode::unsupported);
  if (backend->device().kind() == Device::Kind::cpu) {
    EXPECT_EQ(code_of(weights, ComputeType::float16), ErrorCode::unsupported);
  }
  weights.weight.mutable_data<float>()[3] = 65520.0F;  // the nearest float16 is an infinity
  EXPECT_EQ(code_of(weights, ComputeType::float16), ErrorCode::unsupported);
  weights = random_weights(4, 4, true);
  weights.bias = Tensor::zeros({3}, DType::float32);
  EXPECT_EQ(code_of(weights, ComputeType::float32), ErrorCode::corrupt);
  weights = random_int8_weights(4, 4, false);
  weights.weight_scales.pop_back();
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
  weights.weight_scales.clear();
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
  weights = random_int8_weights(4, 4, false);
  weights.product_scales = {1, 1, 1, 1};  // without an activation scale
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
  weights.activation_scale = 50.0F;
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::internal);
  weights.product_scales.pop_back();
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
  weights.product_scales = {INFINITY};
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
  weights = random_weights(4, 4, false);
  weights.weight.mutable_data<float>()[3] = INFINITY;
  EXPECT_EQ(code_of(weights, ComputeType::int8), ErrorCode::corrupt);
}

LinearWeights packed_as(const PackedParts& parts) {
  LinearWeights weights;
  weights.packed = std::make_shared<const PackedParts>(parts);
  return weights;
}

using StoredLinear = BackendTest;

TEST_P(StoredLinear, PartsGiveTheSameWeightsOnEveryInstructionSetWithoutACopy) {
  LinearWeights weights = random_weights(130, 45, true);
  weights.activation_scale = 50.0F;
  const Matrix x = Matrix::random(5, 45, 24);
  for (const ComputeType type : types_of(*backend)) {
    const auto packed = backend->pack(weights, type);
    const PackedParts parts = packed->parts();
    EXPECT_EQ(parts.type, type);
    for (const BackendCase& other : cpu_backends()) {
      const auto there = open(other);
      const auto again = there->pack(packed_as(parts), type);
      EXPECT_EQ(again->bytes(), packed->bytes());
      EXPECT_EQ(again->parts().panels.raw(), parts.panels.raw());
      expect_bits_equal(product(*there, x, *again), product(*there, x, *there->pack(weights, type)),
                        name_of(other));
      const std::vector<std::int32_t> columns = {129, 0, 64};
      expect_bits_equal(product(*there, x, *there->select_outputs(*again, columns)),
                        product(*there, x, *there->select_outputs(*packed, columns)), "selected");
    }
  }
}

TEST_P(StoredLinear, RefusesPartsThatAreNotWhatTheLayoutSays) {
  const PackedParts good = backend->pack(random_weights(70, 45, true), ComputeType::int8)->parts();
  const auto code_of = [&](const std::function<void(PackedParts&)>& spoil) {
    PackedParts parts = good;
    spoil(parts);
    try {
      static_cast<void>(backend->pack(packed_as(parts), parts.type));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  using Parts = PackedParts;
  EXPECT_EQ(code_of([](Parts& p) { p.layout += "2"; }), ErrorCode::unsupported);
  EXPECT_EQ(code_of([](Parts& p) { p.outputs = 129; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.outputs = 0; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.inputs = 65; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.inputs = std::int64_t{1} << 62; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.type = ComputeType::float32; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.type = ComputeType::float16; }), ErrorCode::unsupported);
  EXPECT_EQ(code_of([](Parts& p) { p.bias = {}; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.column_scales = p.column_sums; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.column_sums = p.column_scales; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.activation_scale = std::nanf(""); }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) { p.activation_scale = 1; }), ErrorCode::corrupt);
  EXPECT_EQ(code_of([](Parts& p) {
              const Tensor wider = Tensor::zeros({p.bias.shape()[0] + 1}, DType::float32);
              p.bias = Tensor::borrow(p.bias.shape(), DType::float32, wider.raw() + 4, nullptr);
            }),
            ErrorCode::corrupt);
}

TANDEM_FOR_ALL_BACKENDS(Linear);
TANDEM_FOR_CPU_BACKENDS(StoredLinear);

}  // namespace
}  // namespace tandem
