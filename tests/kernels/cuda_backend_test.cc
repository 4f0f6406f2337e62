// Laws of the CUDA backend that need no GPU, beyond those of all backends: its kernels wait where
// they must, its spans and slices cover what they cut, its memory comes back, and what it cannot do
// is refused.
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>

#include "kernels/backends.h"

namespace tandem {
namespace {

std::unique_ptr<Backend> on_host(cuda::ThreadOrder order = cuda::ThreadOrder::ascending) {
  return std::make_unique<StagedBackend>(cuda::open_on_host(Numerics::exact, order));
}

LinearWeights random_weights(std::int64_t outputs, std::int64_t inputs) {
  LinearWeights weights;
  weights.weight = tensor_of(Matrix::random(outputs, inputs, 11));
  weights.bias = tensor_of(Matrix::random(1, outputs, 12)).reshaped({outputs});
  return weights;
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_FALSE(error.message().empty());
    return error.code();
  }
  return ErrorCode::internal;
}

// What a thread reads of another without waiting for it depends on who runs first.
class ThreadOrders : public testing::Test {
 protected:
  void expect_equal(std::int64_t rows, std::int64_t cols, const std::string& what,
                    const std::function<void(Backend&, MatrixView)>& op) {
    Matrix ascending(rows, cols), descending(rows, cols);
    op(*first_, ascending.view());
    op(*second_, descending.view());
    expect_bits_equal(ascending, descending, what);
  }

  std::unique_ptr<Backend> first_ = on_host(cuda::ThreadOrder::ascending);
  std::unique_ptr<Backend> second_ = on_host(cuda::ThreadOrder::descending);
};

TEST_F(ThreadOrders, ProductsAndNormsHaveTheSameBitsInBoth) {
  const LinearWeights weights = random_weights(77, 300);
  for (const std::int64_t rows : {3, 70}) {
    const Matrix x = Matrix::random(rows, 300, 1), gain = Matrix::random(1, 300, 2);
    for (const ComputeType type :
         {ComputeType::float32, ComputeType::bfloat16, ComputeType::float16, ComputeType::int8})
      expect_equal(rows, 77, std::string(to_string(type)), [&](Backend& backend, MatrixView out) {
        backend.linear(x.view(), *backend.pack(weights, type), {}, out);
      });
    expect_equal(rows, 300, "layer_norm", [&](Backend& backend, MatrixView out) {
      backend.layer_norm(x.view(), gain.view(), gain.view(), 1e-5F, out);
    });
    expect_equal(rows, 300, "rms_norm", [&](Backend& backend, MatrixView out) {
      backend.rms_norm(x.view(), gain.view(), 1e-5F, out);
    });
  }
}

TEST_F(ThreadOrders, AttentionHasTheSameBitsInBoth) {
  const Matrix queries = Matrix::random(3, 2 * 80, 1, 3.0F), keys = Matrix::random(200, 2 * 80, 2),
               values = Matrix::random(200, 2 * 80, 3);
  const std::vector<AttentionGroup> groups = {{.first_query = 0,
                                               .num_queries = 3,
                                               .keys = keys.view(),
                                               .values = values.view(),
                                               .num_keys = 190,
                                               .causal = true}};
  const AttentionShape shape{.num_heads = 2, .head_dim = 80, .scale = 0.3F};
  Matrix weights[2] = {Matrix(3, 200), Matrix(3, 200)};
  int run = 0;
  expect_equal(3, 160, "attention", [&](Backend& backend, MatrixView out) {
    Matrix& own = weights[run++];
    float* rows[] = {&own.at(0, 0), &own.at(1, 0), &own.at(2, 0)};
    backend.attention(queries.view(), groups, shape, out, rows);
  });
  expect_bits_equal(weights[0].rows_from(0, 3), weights[1].rows_from(0, 3), "weights");
}

TEST_F(ThreadOrders, SelectionHasTheSameBitsInBoth) {
  const Matrix logits = Matrix::random(1, 5000, 1, 4.0F);
  CandidateQuery query;
  query.top_k = 50;
  query.renormalize = true;
  query.edits = {{ScoreEdit::Kind::add, 7, 9.0F}, {ScoreEdit::Kind::penalize, 7, 1.5F}};
  const SelectQuery select{.row = 0, .query = &query, .ids = nullptr, .num_columns = 5000};
  expect_equal(1, 100, "select", [&](Backend& backend, MatrixView out) {
    Matrix copy = logits;
    std::vector<Candidate> found(50);
    SelectAnswer answer;
    backend.select(copy.view(), {&select, 1}, {&answer, 1}, found.data(), 50);
    ASSERT_EQ(answer.count, 50);
    for (std::size_t i = 0; i < 50; ++i) {
      out.row<float>(0)[2 * i] = static_cast<float>(found[i].token);
      out.row<float>(0)[2 * i + 1] = found[i].score;
    }
  });
}

TEST(CudaBackend, SpansCoverAllWordsAndEndWhereTilesDo) {
  for (std::int64_t words = 1; words < 5000; ++words) {
    const std::int64_t span = cuda::span_words(words);
    EXPECT_EQ(span % cuda::kDepth, 0) << words;
    EXPECT_GE(span * cuda::kSpans, words);
    EXPECT_LT((span - cuda::kDepth) * cuda::kSpans, words) << "shorter spans would do";
  }
}

// Ties and runs of the best across slices of 2048 columns, and one more candidate than the device
// ranks: the host's answer begins with the device's.
TEST(CudaBackend, TheHostRanksAsTheDeviceDoes) {
  const auto backend = on_host();
  Matrix logits = Matrix::random(1, 3 * cuda::kSliceColumns + 5, 1, 4.0F);
  for (const std::int64_t column : {0, 2047, 2048, 4095, 6144, 6148}) logits.at(0, column) = 5.0F;
  const auto ask = [&](int top_k) {
    Matrix row = logits;
    CandidateQuery query;
    query.top_k = top_k;
    const SelectQuery select{
        .row = 0, .query = &query, .ids = nullptr, .num_columns = logits.cols()};
    std::vector<Candidate> found(static_cast<std::size_t>(top_k));
    SelectAnswer answer;
    backend->select(row.view(), {&select, 1}, {&answer, 1}, found.data(), found.size());
    EXPECT_EQ(answer.count, top_k);
    return found;
  };
  const auto device = ask(cuda::kMaxTopK), host = ask(cuda::kMaxTopK + 1);
  for (std::size_t i = 0; i < device.size(); ++i) {
    EXPECT_EQ(device[i].token, host[i].token);
    EXPECT_EQ(device[i].score, host[i].score);
    EXPECT_EQ(device[i].log_prob, host[i].log_prob);
  }
  EXPECT_EQ(device[2].token, 2048);
  EXPECT_EQ(device[5].token, 6148);
}

// One call may hold queries of both kinds.
TEST(CudaBackend, QueriesForDeviceAndHostShareACall) {
  const auto backend = on_host();
  Matrix logits = Matrix::random(3, 100, 1);
  CandidateQuery few, all;
  few.top_k = 2;
  all.top_k = 100;
  all.ranked = false;
  const SelectQuery queries[] = {
      {0, &few, nullptr, 100}, {1, &all, nullptr, 100}, {2, &few, nullptr, 90}};
  SelectAnswer answers[3];
  std::vector<Candidate> found(300);
  backend->select(logits.view(), queries, answers, found.data(), 100);
  EXPECT_EQ(answers[0].count, 2);
  EXPECT_EQ(answers[1].count, 100);
  EXPECT_EQ(answers[2].count, 2);
  EXPECT_EQ(found[199].token, 99);
  EXPECT_GE(found[200].score, found[201].score);
}

TEST(CudaMemory, SizesAreRoundedByLessThanAnEighthAndStayRounded) {
  for (std::size_t bytes = 0; bytes < 100'000; bytes += 7) {
    const std::size_t rounded = cuda::rounded_size(bytes);
    EXPECT_GE(rounded, bytes);
    EXPECT_LE(rounded, std::max<std::size_t>(bytes + bytes / 8, bytes + 256));
    EXPECT_EQ(cuda::rounded_size(rounded), rounded);
  }
  EXPECT_EQ(cuda::rounded_size(SIZE_MAX), SIZE_MAX);
}

TEST(CudaMemory, ABlockThatIsGivenBackServesTheNext) {
  const auto backend = cuda::open_on_host();
  void* first = backend->allocate(10'000)->data();
  EXPECT_EQ(backend->allocate(10'000)->data(), first);
  const auto held = backend->allocate(10'000);
  EXPECT_NE(backend->allocate(10'000)->data(), held->data());
}

TEST(CudaMemory, ABufferOutlivesItsBackend) {
  auto backend = cuda::open_on_host();
  const auto buffer = backend->allocate(100);
  backend.reset();
  EXPECT_NE(buffer->data(), nullptr);
}

TEST(CudaMemory, TooMuchIsResourceExhausted) {
  const auto backend = cuda::open_on_host();
  for (const std::size_t bytes : {std::size_t{1} << 40, SIZE_MAX})
    EXPECT_EQ(code_of([&] { static_cast<void>(backend->allocate(bytes)); }),
              ErrorCode::resource_exhausted);
}

// More index arrays than may pile up, without a wait in between; some larger than a page.
TEST(CudaMemory, IndexArraysOfManyOpsKeepTheirValues) {
  const auto backend = cuda::open_on_host();
  constexpr std::int64_t kRows = 400'000;
  std::vector<float> table(10), expected;
  std::iota(table.begin(), table.end(), 0.0F);
  const auto from = backend->allocate(10 * sizeof(float));
  backend->to_device(from->data(), table.data(), 10 * sizeof(float));
  std::vector<std::unique_ptr<Buffer>> outs;
  std::vector<std::int32_t> rows(kRows);
  for (int op = 0; op < 12; ++op) {
    for (std::size_t n = 0; n < rows.size(); ++n)
      rows[n] = static_cast<std::int32_t>((n + static_cast<std::size_t>(op)) % 10);
    outs.push_back(backend->allocate(kRows * sizeof(float)));
    backend->gather_rows({static_cast<const float*>(from->data()), 10, 1}, rows,
                         {static_cast<float*>(outs.back()->data()), kRows, 1});
    rows.assign(rows.size(), -1);
  }
  std::vector<float> found(kRows);
  for (std::size_t op = 0; op < outs.size(); ++op) {
    backend->to_host(found.data(), outs[op]->data(), kRows * sizeof(float));
    for (std::size_t n = 0; n < found.size(); n += 777)
      ASSERT_EQ(found[n], static_cast<float>((n + op) % 10)) << op << " " << n;
  }
}

TEST(CudaBackend, RefusesWhatItCannotDo) {
  const auto backend = on_host();
  const auto packed = backend->pack(random_weights(4, 4), ComputeType::float32);
  EXPECT_EQ(code_of([&] { static_cast<void>(packed->parts()); }), ErrorCode::unsupported);

  auto parts = std::make_shared<PackedParts>();
  parts->layout = "cpu-panels-64";
  LinearWeights stored;
  stored.packed = parts;
  EXPECT_EQ(code_of([&] { static_cast<void>(backend->pack(stored, ComputeType::float32)); }),
            ErrorCode::unsupported);

  constexpr std::int32_t kWide = cuda::kMaxHeadDim + 1;
  const Matrix x = Matrix::random(1, kWide, 1);
  Matrix out(1, kWide);
  const std::vector<AttentionGroup> groups = {
      {.first_query = 0, .num_queries = 1, .keys = x.view(), .values = x.view(), .num_keys = 1}};
  EXPECT_EQ(code_of([&] {
              backend->attention(x.view(), groups, {.num_heads = 1, .head_dim = kWide}, out.view(),
                                 nullptr);
            }),
            ErrorCode::unsupported);
}

}  // namespace
}  // namespace tandem
