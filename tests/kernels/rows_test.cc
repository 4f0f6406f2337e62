// Row ops against the reference, in place where that is promised, and row by row.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/backends.h"

namespace tandem {
namespace {

constexpr std::int64_t kWidths[] = {1, 3, 4, 7, 8, 15, 16, 17, 33, 63, 64, 65, 130};

using Rows = BackendTest;

TEST_P(Rows, LayerNormEqualsTheReferenceAlsoInPlaceAndWithoutBias) {
  for (const std::int64_t width : kWidths)
    for (const bool with_bias : {true, false}) {
      const Matrix gain = Matrix::random(1, width, 2), bias = Matrix::random(1, width, 3);
      const ConstMatrixView bias_view = with_bias ? bias.view() : ConstMatrixView();
      Matrix x = Matrix::random(5, width, 1, 4.0F), expected(5, width), out(5, width);
      for (std::int64_t d = 0; d < width; ++d) x.at(1, d) += 100.0F;  // a mean far from zero
      reference->layer_norm(x.view(), gain.view(), bias_view, 1e-5F, expected.view());
      backend->layer_norm(x.view(), gain.view(), bias_view, 1e-5F, out.view());
      expect_near(out, expected, 5e-5F, "width " + std::to_string(width));
      backend->layer_norm(x.view(), gain.view(), bias_view, 1e-5F, x.view());
      expect_bits_equal(x, out, "in place");
    }
}

TEST_P(Rows, RmsNormEqualsTheReferenceAlsoInPlace) {
  for (const std::int64_t width : kWidths) {
    const Matrix gain = Matrix::random(1, width, 2);
    Matrix x = Matrix::random(5, width, 1, 4.0F), expected(5, width), out(5, width);
    reference->rms_norm(x.view(), gain.view(), 1e-6F, expected.view());
    backend->rms_norm(x.view(), gain.view(), 1e-6F, out.view());
    expect_near(out, expected, 2e-6F, "width " + std::to_string(width));
    backend->rms_norm(x.view(), gain.view(), 1e-6F, x.view());
    expect_bits_equal(x, out, "in place");
  }
}

TEST_P(Rows, SumsAndProductsHaveTheBitsOfTheReferenceAlsoInPlace) {
  for (const std::int64_t width : kWidths) {
    const Matrix a = Matrix::random(4, width, 1), b = Matrix::random(4, width, 2);
    Matrix expected(4, width), out(4, width), in_place = a;
    reference->add(a.view(), b.view(), expected.view());
    backend->add(a.view(), b.view(), out.view());
    expect_bits_equal(out, expected, "add");
    backend->add(b.view(), in_place.view(), in_place.view());
    expect_bits_equal(in_place, expected, "add in place");
    reference->multiply(a.view(), b.view(), expected.view());
    in_place = a;
    backend->multiply(in_place.view(), b.view(), in_place.view());
    expect_bits_equal(in_place, expected, "multiply in place");
    EXPECT_TRUE(out.padding_is_untouched() && in_place.padding_is_untouched());
  }
}

TEST_P(Rows, EmbedScalesTheTableAddsPositionsAndTakesNegativeIdsAsZeros) {
  const std::vector<TokenId> ids = {3, 0, -1, 9, 3};
  const std::vector<std::int32_t> places = {0, 1, 2, 0, 4};
  for (const std::int64_t width : kWidths) {
    const Matrix table = Matrix::random(10, width, 1), positions = Matrix::random(5, width, 2);
    for (const bool with_positions : {true, false}) {
      const ConstMatrixView view = with_positions ? positions.view() : ConstMatrixView();
      Matrix out(5, width), expected(5, width);
      backend->embed(table.view(), ids, 22.6F, view, places, out.view());
      reference->embed(table.view(), ids, 22.6F, view, places, expected.view());
      expect_near(out, expected, 2e-6F, "width " + std::to_string(width));
    }
  }
}

TEST_P(Rows, EmbedOfChosenCandidatesIsThatOfTheirTokens) {
  const std::vector<TokenId> ids = {3, 0, -1, 9, 3};
  const std::vector<std::int32_t> places = {0, 1, 2, 0, 4};
  std::vector<Candidate> chosen;
  for (const TokenId id : ids) chosen.push_back({.token = id, .log_prob = -1, .score = 2});
  const Matrix table = Matrix::random(10, 33, 1), positions = Matrix::random(5, 33, 2);
  Matrix out(5, 33), expected(5, 33);
  backend->embed(table.view(), ids, 22.6F, positions.view(), places, expected.view());
  backend->embed(table.view(), TokenIds(chosen.data(), chosen.size()), 22.6F, positions.view(),
                 places, out.view());
  expect_bits_equal(out, expected, "chosen");
}

TEST_P(Rows, ScatterThenGatherGivesTheRowsBack) {
  const Matrix from = Matrix::random(3, 33, 1);
  Matrix cache = Matrix::random(8, 33, 2), back(3, 33);
  const Matrix before = cache;
  const std::vector<std::int32_t> slots = {5, 0, 7};
  backend->scatter_rows(from.view(), slots, cache.view());
  backend->gather_rows(cache.view(), slots, back.view());
  expect_bits_equal(back, from, "rows");
  for (const std::int64_t other : {1, 2, 3, 4, 6})
    expect_bits_equal(cache.rows_from(other, 1), before.rows_from(other, 1), "other rows");
  EXPECT_TRUE(cache.padding_is_untouched() && back.padding_is_untouched());
}

TEST_P(Rows, ACacheInFloat16HoldsTheNearestOfEachValue) {
  if (backend->cache_type(ComputeType::int8) != DType::float16) return;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::int64_t width : kWidths) {
    Matrix from = Matrix::random(4, width, 1, 30.0F);
    from.at(0, 0) = 1.0F + 1.0F / 2048;  // half way between two: to the even one
    from.at(1, 0) = -infinity;
    from.at(2, 0) = std::nanf("");
    from.at(3, 0) = 65520;             // rounds to infinity
    from.at(0, width - 1) = -3.3e-6F;  // below the normal numbers
    NarrowMatrix cache(from);
    const NarrowMatrix expected = cache;
    const std::vector<std::int32_t> slots = {2, 0, 3, 1};
    cache.clear();
    backend->scatter_rows(from.view(), slots, cache.view());
    NarrowMatrix back(Matrix(4, width)), gathered(Matrix(4, width));
    backend->gather_rows(cache.view(), slots, back.view());
    EXPECT_EQ(back.bits(), expected.bits()) << "stored, width " << width;
    backend->gather_rows(from.view(), std::vector<std::int32_t>{0, 1, 2, 3}, gathered.view());
    EXPECT_EQ(gathered.bits(), expected.bits()) << "rounded on the way, width " << width;
  }
}

TEST_P(Rows, SsruEqualsTheReferenceAndChainsThroughTheSlots) {
  for (const std::int64_t width : kWidths) {
    const Matrix candidate = Matrix::random(4, width, 1, 3.0F),
                 forget = Matrix::random(4, width, 2, 9.0F);
    const std::vector<std::int32_t> previous = {-1, 2, 0, 3}, slots = {2, 0, 3, 3};
    Matrix states = Matrix::random(5, width, 3), expected_states = states;
    Matrix out(4, width), expected(4, width);
    backend->ssru(candidate.view(), forget.view(), previous, slots, states.view(), out.view());
    reference->ssru(candidate.view(), forget.view(), previous, slots, expected_states.view(),
                    expected.view());
    expect_near(out, expected, 2e-6F, "out, width " + std::to_string(width));
    expect_near(states, expected_states, 2e-6F, "states, width " + std::to_string(width));
  }
}

// Many wide rows, so that two threads share the work.
TEST_P(Rows, ARowHasTheSameBitsAloneAndInABatch) {
  constexpr std::int64_t kBatch = 300, kWidth = 515;
  const Matrix x = Matrix::random(kBatch, kWidth, 1), gain = Matrix::random(1, kWidth, 2);
  const auto single = open_single(GetParam());
  const auto every_op = [&](Backend& with, const Matrix& rows) {
    Matrix out(rows.rows(), kWidth);
    with.layer_norm(rows.view(), gain.view(), gain.view(), 1e-5F, out.view());
    with.activate(out.view(), Activation::gelu_tanh, out.view());
    with.add(out.view(), rows.view(), out.view());
    with.rms_norm(out.view(), gain.view(), 1e-5F, out.view());
    with.multiply(out.view(), rows.view(), out.view());
    return out;
  };
  const Matrix together = every_op(*backend, x);
  for (std::int64_t row = 0; row < kBatch; row += 23)
    expect_bits_equal(every_op(*single, x.rows_from(row, 1)), together.rows_from(row, 1),
                      "row " + std::to_string(row));
}

// Largest errors against double, relative where the function has no zero in the way.
TEST_P(Rows, ActivationsAreAccurateOverTheirWholeRange) {
  constexpr std::int64_t kPoints = 4001;
  Matrix x(1, kPoints), out(1, kPoints);
  for (std::int64_t i = 0; i < kPoints; ++i)
    x.at(0, i) = (static_cast<float>(i) - 2000.0F) / 2000.0F * 12.0F;
  for (int a = 0; a <= static_cast<int>(Activation::tanh); ++a) {
    Matrix expected(1, kPoints);
    backend->activate(x.view(), static_cast<Activation>(a), out.view());
    reference->activate(x.view(), static_cast<Activation>(a), expected.view());
    for (std::int64_t i = 0; i < kPoints; ++i) {
      const float exact = expected.at(0, i);
      const float square = x.at(0, i) * x.at(0, i);
      // The tail of Phi goes as exp(-x^2 / 2): rounding x^2 once costs x^2 / 2 units in the last
      // place.
      const bool erf = static_cast<Activation>(a) == Activation::gelu_erf;
      const float relative = erf ? 1e-6F + 1.2e-7F * square : 3e-6F;
      // The tail of the tanh form cancels in its own formula; the absolute error is what counts
      // there.
      const float absolute = static_cast<Activation>(a) == Activation::gelu_tanh ? 2e-7F : 1e-35F;
      const float tolerance = relative * std::abs(exact) + absolute;
      ASSERT_NEAR(out.at(0, i), exact, tolerance) << "activation " << a << " at " << x.at(0, i);
    }
  }
}

TEST_P(Rows, ActivationsKeepNaNAndSurviveHugeInputs) {
  Matrix x(1, 5), out(1, 5);
  const float inputs[] = {std::nanf(""), 1e4F, -1e4F, 1e30F, -1e30F};
  std::copy(std::begin(inputs), std::end(inputs), &x.at(0, 0));
  for (int a = 1; a <= static_cast<int>(Activation::tanh); ++a) {
    backend->activate(x.view(), static_cast<Activation>(a), out.view());
    EXPECT_TRUE(std::isnan(out.at(0, 0))) << a;
    for (std::int64_t i = 1; i < 5; ++i) EXPECT_FALSE(std::isnan(out.at(0, i))) << a << " " << i;
  }
}

TANDEM_FOR_ALL_BACKENDS(Rows);

}  // namespace
}  // namespace tandem
