// Speed of the cpu backend's ops on one thread: `kernels_bench --benchmark_filter=linear`.
//
// Counters: "flops" counts a multiply-add as two operations; "bytes" is what must be read at least
// once (weights, cache or logits). Compare them with the machine's peak and with its L2, L3 or DRAM
// bandwidth, whichever holds the weights. TANDEM_MAX_ISA chooses the instruction set.
#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/backend.h"

namespace tandem {
namespace {

using benchmark::Counter;

std::unique_ptr<Backend> open(Numerics numerics = Numerics::exact) {
  return make_backend({.device = Device::cpu(), .threads = 1, .numerics = numerics});
}

Tensor random_tensor(Shape shape, unsigned seed) {
  Tensor tensor = Tensor::zeros(shape, DType::float32);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (float& value : tensor.mutable_data<float>()) value = uniform(generator);
  return tensor;
}

MatrixView view_of(Tensor& tensor) {
  return {tensor.mutable_data<float>().data(), tensor.shape()[0], tensor.shape()[1]};
}

void count(benchmark::State& state, double flops, double bytes) {
  const auto runs = static_cast<double>(state.iterations());
  if (flops > 0) state.counters["flops"] = Counter(flops * runs, Counter::kIsRate);
  if (bytes > 0) state.counters["bytes"] = Counter(bytes * runs, Counter::kIsRate);
}

double bytes_of(ComputeType type) {
  return type == ComputeType::int8 ? 1 : type == ComputeType::bfloat16 ? 2 : 4;
}

// One product with weights that stay in the cache that holds them.
void linear(benchmark::State& state, ComputeType type, Numerics numerics) {
  const std::int64_t rows = state.range(0), outputs = state.range(1), inputs = state.range(2);
  const auto backend = open(numerics);
  LinearWeights weights;
  weights.weight = random_tensor({outputs, inputs}, 1);
  const auto packed = backend->pack(weights, type);
  const Tensor x = random_tensor({rows, inputs}, 2);
  Tensor out = Tensor::zeros({rows, outputs}, DType::float32);
  for (auto _ : state) {
    backend->linear(ConstMatrixView(x), *packed, {}, view_of(out));
    benchmark::ClobberMemory();
  }
  count(state, 2.0 * static_cast<double>(rows * outputs * inputs),
        static_cast<double>(outputs * inputs) * bytes_of(type));
}

// The same with weights from memory: more of them in turn than caches hold, as in a decoder step.
void linear_from_memory(benchmark::State& state, ComputeType type) {
  const std::int64_t rows = state.range(0), outputs = state.range(1), inputs = state.range(2);
  constexpr double kAllBytes = 96 << 20;
  const auto backend = open();
  LinearWeights weights;
  weights.weight = random_tensor({outputs, inputs}, 1);
  const double bytes = static_cast<double>(outputs * inputs) * bytes_of(type);
  std::vector<std::shared_ptr<const PackedLinear>> packed;
  for (double all = 0; all < kAllBytes; all += bytes)
    packed.push_back(backend->pack(weights, type));
  const Tensor x = random_tensor({rows, inputs}, 2);
  Tensor out = Tensor::zeros({rows, outputs}, DType::float32);
  std::size_t next = 0;
  for (auto _ : state) {
    backend->linear(ConstMatrixView(x), *packed[next], {}, view_of(out));
    benchmark::ClobberMemory();
    next = (next + 1) % packed.size();
  }
  count(state, 2.0 * static_cast<double>(rows * outputs * inputs), bytes);
}

void product_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"M", "N", "K"});
  for (const auto& [outputs, inputs] : std::vector<std::pair<int, int>>{
           {512, 512}, {2048, 512}, {512, 2048}, {32000, 512}, {256, 1536}})
    for (const int rows : {1, 4, 8, 32}) bench->Args({rows, outputs, inputs});
}

BENCHMARK_CAPTURE(linear, float32, ComputeType::float32, Numerics::exact)->Apply(product_shapes);
BENCHMARK_CAPTURE(linear, bfloat16, ComputeType::bfloat16, Numerics::exact)->Apply(product_shapes);
BENCHMARK_CAPTURE(linear, int8, ComputeType::int8, Numerics::exact)->Apply(product_shapes);
BENCHMARK_CAPTURE(linear_from_memory, float32, ComputeType::float32)
    ->ArgNames({"M", "N", "K"})
    ->ArgsProduct({{1, 2, 4, 6, 7, 12, 32, 48}, {2048}, {512}});
BENCHMARK_CAPTURE(linear_from_memory, int8, ComputeType::int8)
    ->ArgNames({"M", "N", "K"})
    ->ArgsProduct({{1, 2, 4, 6, 7, 12, 32, 48}, {2048}, {512}});
BENCHMARK_CAPTURE(linear, float32_fast, ComputeType::float32, Numerics::fast)
    ->ArgNames({"M", "N", "K"})
    ->ArgsProduct({{32, 128, 512}, {512, 2048}, {512}});
BENCHMARK_CAPTURE(linear, float32_many, ComputeType::float32, Numerics::exact)
    ->ArgNames({"M", "N", "K"})
    ->ArgsProduct({{32, 128, 512}, {512, 2048}, {512}});

// A lexical shortlist of 1,000 out of 32,000 columns.
void select_outputs(benchmark::State& state, ComputeType type) {
  const auto backend = open();
  LinearWeights weights;
  weights.weight = random_tensor({32000, 256}, 1);
  const auto packed = backend->pack(weights, type);
  std::vector<std::int32_t> columns;
  for (std::int32_t column = 0; column < 32000; column += 32) columns.push_back(column);
  for (auto _ : state) benchmark::DoNotOptimize(backend->select_outputs(*packed, columns));
  count(state, 0, 1000 * 256 * bytes_of(type));
}
BENCHMARK_CAPTURE(select_outputs, float32, ComputeType::float32);
BENCHMARK_CAPTURE(select_outputs, int8, ComputeType::int8);

void layer_norm(benchmark::State& state) {
  const auto backend = open();
  const std::int64_t rows = state.range(0), width = 512;
  Tensor x = random_tensor({rows, width}, 1);
  const Tensor gain = random_tensor({1, width}, 2), bias = random_tensor({1, width}, 3);
  Tensor out = Tensor::zeros({rows, width}, DType::float32);
  for (auto _ : state) {
    backend->layer_norm(view_of(x), ConstMatrixView(gain), ConstMatrixView(bias), 1e-5F,
                        view_of(out));
    benchmark::ClobberMemory();
  }
  count(state, 0, static_cast<double>(rows * width) * 8);
}
BENCHMARK(layer_norm)->ArgName("rows")->Arg(1)->Arg(32);

// 8 heads of 64, `queries` queries that read the same `keys` keys.
void attention(benchmark::State& state) {
  const auto backend = open();
  const auto queries = static_cast<std::int32_t>(state.range(0)),
             keys = static_cast<std::int32_t>(state.range(1));
  Tensor q = random_tensor({queries, 512}, 1), k = random_tensor({keys, 512}, 2),
         v = random_tensor({keys, 512}, 3);
  Tensor out = Tensor::zeros({queries, 512}, DType::float32);
  AttentionGroup group;
  group.num_queries = queries;
  group.keys = view_of(k);
  group.values = view_of(v);
  group.num_keys = keys;
  for (auto _ : state) {
    backend->attention(view_of(q), {&group, 1}, {.num_heads = 8, .head_dim = 64, .scale = 0.125F},
                       view_of(out), nullptr);
    benchmark::ClobberMemory();
  }
  count(state, 4.0 * queries * keys * 512, 8.0 * keys * 512);
}
BENCHMARK(attention)
    ->ArgNames({"queries", "keys"})
    ->Args({1, 32})
    ->Args({4, 32})
    ->Args({32, 32})
    ->Args({128, 128});

// A decoder step of 32 sentences with one query each: 8 heads of 64, keys and values of a position
// side by side as in the cache of a model that computes in `type`, 12 layers in turn, so that they
// come from L3 or memory.
void attention_of_a_batch(benchmark::State& state, ComputeType type) {
  const auto backend = open();
  const DType cache_type = backend->cache_type(type);
  constexpr std::int32_t kRows = 32, kLayers = 12;
  const auto keys = static_cast<std::int32_t>(state.range(0));
  Tensor q = random_tensor({kRows, 512}, 1), out = Tensor::zeros({kRows, 512}, DType::float32);
  std::vector<Tensor> caches;
  const Tensor positions = random_tensor({kRows * keys, 1024}, 2);
  std::vector<std::int32_t> slots(static_cast<std::size_t>(kRows * keys));
  std::iota(slots.begin(), slots.end(), 0);
  const auto view_of_cache = [&](Tensor& cache) {
    return MatrixView(cache.mutable_raw(), cache_type, kRows * keys, 1024, 1024);
  };
  for (std::int32_t layer = 0; layer < kLayers; ++layer) {
    caches.push_back(Tensor::zeros({kRows * keys, 1024}, cache_type));
    backend->scatter_rows(ConstMatrixView(positions), slots, view_of_cache(caches.back()));
  }
  // Position p of row r is slot 32 p + r: a step takes one slot for each row.
  for (std::int32_t i = 0; i < kRows * keys; ++i)
    slots[static_cast<std::size_t>(i)] = i % keys * kRows + i / keys;
  std::vector<AttentionGroup> groups(kRows);
  for (auto _ : state) {
    for (Tensor& cache : caches) {
      for (std::int32_t row = 0; row < kRows; ++row) {
        AttentionGroup& group = groups[static_cast<std::size_t>(row)];
        group.first_query = row;
        group.num_queries = 1;
        group.keys = view_of_cache(cache).slice_cols(0, 512);
        group.values = view_of_cache(cache).slice_cols(512, 512);
        group.slots = slots.data() + row * keys;
        group.num_keys = keys;
      }
      backend->attention(view_of(q), groups, {.num_heads = 8, .head_dim = 64, .scale = 0.125F},
                         view_of(out), nullptr);
    }
    benchmark::ClobberMemory();
  }
  const double elements = 2.0 * kLayers * kRows * keys * 512;
  count(state, 2 * elements, elements * static_cast<double>(size_of(cache_type)));
}
BENCHMARK_CAPTURE(attention_of_a_batch, float32, ComputeType::float32)->ArgName("keys")->Arg(30);
BENCHMARK_CAPTURE(attention_of_a_batch, int8, ComputeType::int8)->ArgName("keys")->Arg(10)->Arg(30);

void select(benchmark::State& state) {
  const auto backend = open();
  constexpr std::int64_t kColumns = 32000;
  Tensor logits = random_tensor({1, kColumns}, 1);
  CandidateQuery question;
  question.top_k = static_cast<int>(state.range(0));
  question.ranked = state.range(1) != 0;
  const SelectQuery query{.row = 0, .query = &question, .ids = nullptr, .num_columns = kColumns};
  SelectAnswer answer;
  std::vector<Candidate> out(static_cast<std::size_t>(question.top_k));
  for (auto _ : state)
    backend->select(view_of(logits), {&query, 1}, {&answer, 1}, out.data(), out.size());
  count(state, 0, kColumns * 4.0);
}
BENCHMARK(select)
    ->ArgNames({"k", "ranked"})
    ->Args({1, 1})
    ->Args({8, 1})
    ->Args({1000, 1})
    ->Args({32000, 1})
    ->Args({32000, 0});

}  // namespace
}  // namespace tandem

BENCHMARK_MAIN();
