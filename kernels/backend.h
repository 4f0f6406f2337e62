// The whole contract between the layers above and the hardware. A model is written once against
// this class; kernels/reference, kernels/cpu and kernels/cuda implement it.
//
// Dimension letters: N rows in this call (tokens of all sentences, without padding), D model width,
// F feed-forward width, H heads, V vocabulary, K inner dimension of a product.
//
// A Backend object is one execution context: it owns its thread pool or stream and its scratch
// memory, and is used by one thread at a time. Packed weights are immutable and shared by all
// contexts of the same kind. Ops never allocate memory that outlives the call, run in the order in
// which they are called, and are asynchronous on a device until `sync`. Shapes are the caller's
// duty and are checked in debug builds; data may hold anything.
//
// Row invariance: with Numerics::exact every output row of every op is computed with the same order
// of operations whatever the number of rows, the neighbours and the threads, so that it is bit-equal.
// tests/kernels states this as a law for each op. Inputs and outputs may alias only where said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tandem/device.h>

#include "base/candidate.h"
#include "tensor/tensor.h"
#include "tensor/view.h"

namespace tandem {

// The weights of a product in the layout of one backend, for a file that is mapped: Backend::pack
// takes them as they are, without a copy. Tensors are float32 unless said, padded as `layout` says.
struct PackedParts {
  std::string layout;  // a name that changes whenever the bytes would
  ComputeType type = ComputeType::float32;
  std::int64_t outputs = 0, inputs = 0;
  Tensor panels;         // the weights, float32, bfloat16 or int8
  Tensor bias;
  Tensor column_scales;  // int8 only: value = q * scale
  Tensor column_sums;    // int8 only, int32: sums of the weights of each output
  Tensor product_scales;  // int8 with an activation scale only, as in LinearWeights
  float activation_scale = 0;
};

// y = x W^T + b, as it comes from a file. Any of the three weight forms of Marian's files and of
// Hugging Face fit: float32, or int8 with one scale, or int8 with a scale for each output column;
// or else `packed`, which stands for everything else.
struct LinearWeights {
  Tensor weight;                 // [N_out, K] float32, or int8 when `weight_scales` is given
  std::vector<float> weight_scales;  // int8: value = q * scale; 1 entry, or N_out
  Tensor bias;                   // [N_out] float32, or empty
  float activation_scale = 0;    // int8 products: x is quantised as round(x * activation_scale);
                                 // 0: a scale for each row, 127 / max|x|
  // int8 products with an activation scale: what a sum is multiplied by, 1 entry or N_out, where
  // the weights' format rounds it in a way of its own. Empty: weight scale / activation scale.
  std::vector<float> product_scales;
  std::shared_ptr<const PackedParts> packed;

  bool empty() const { return weight.empty() && packed == nullptr; }
};

// Weights in the layout of one backend. Made by Backend::pack, used by Backend::linear.
class PackedLinear {
 public:
  virtual ~PackedLinear() = default;
  virtual std::int64_t outputs() const = 0;      // N_out
  virtual std::int64_t inputs() const = 0;       // K
  virtual ComputeType compute_type() const = 0;  // float32, bfloat16, float16 or int8
  virtual std::size_t bytes() const = 0;
  // What a file stores so that `pack` of the same kind of backend gives these weights again; shares
  // the memory. Throws Error{unsupported} where weights cannot be stored.
  virtual PackedParts parts() const = 0;
};

enum class Activation { none, relu, gelu_erf, gelu_tanh, gelu_sigmoid, silu, tanh };

// What follows a product: y = activation(x W^T + b) + residual.
struct LinearEpilogue {
  Activation activation = Activation::none;
  ConstMatrixView residual;  // [N, N_out] float32, or empty; may alias the output
};

// Consecutive queries that read the same keys: a sentence in the encoder, all rows of a sentence in
// cross-attention, one row in decoder self-attention.
struct AttentionGroup {
  std::int64_t first_query = 0;  // row of the query matrix
  std::int32_t num_queries = 0;
  // Key j is row slots[j] of `keys` (row j when slots is null); values likewise.
  ConstMatrixView keys;          // [*, H * head_dim] float32 or, where it is the cache_type, float16
  ConstMatrixView values;        // the same
  const std::int32_t* slots = nullptr;
  std::int32_t num_keys = 0;     // keys seen by the first query; at least 1
  // Query i sees num_keys + i keys (a decoder row that feeds several tokens); otherwise num_keys.
  bool causal = false;
  // Where the first query stands among the keys, for AttentionShape::distance_bias: query i at
  // first_position + i, key j at j.
  std::int32_t first_position = 0;
};

struct AttentionShape {
  std::int32_t num_heads = 1;
  std::int32_t head_dim = 1;
  float scale = 1.0F;  // multiplies the scores, usually 1 / sqrt(head_dim)
  // [H, 2 * R + 1], or empty: what a head adds to the scaled score of a key by its distance
  // d = position of the key - position of the query. Column R + d; beyond R the outermost columns.
  ConstMatrixView distance_bias = {};
};

// One query of `select`: which row of logits, and what is asked of it.
struct SelectQuery {
  std::int64_t row = 0;
  const CandidateQuery* query = nullptr;
  // Column c stands for token ids[c], ascending (a lexical shortlist); null: token c.
  const std::int32_t* ids = nullptr;
  std::int64_t num_columns = 0;  // columns of this row that count
};

enum class SelectStatus : std::uint8_t { ok, not_a_number };

struct SelectAnswer {
  std::int32_t count = 0;        // candidates found, at most top_k
  SelectStatus status = SelectStatus::ok;
};

// The tokens of the rows of `embed`: ids of the host, or those of candidates in device memory.
class TokenIds {
 public:
  TokenIds(std::span<const TokenId> ids) : ids_(ids), size_(ids.size()) {}            // NOLINT
  TokenIds(const std::vector<TokenId>& ids) : TokenIds(std::span<const TokenId>(ids)) {}  // NOLINT
  TokenIds(const Candidate* chosen, std::size_t size) : chosen_(chosen), size_(size) {}

  std::size_t size() const { return size_; }
  std::span<const TokenId> ids() const { return ids_; }  // empty: they are those of chosen()
  const Candidate* chosen() const { return chosen_; }    // or null
  // Of row n, where device memory is the host's.
  TokenId operator[](std::size_t n) const { return chosen_ != nullptr ? chosen_[n].token : ids_[n]; }

 private:
  std::span<const TokenId> ids_;
  const Candidate* chosen_ = nullptr;
  std::size_t size_;
};

// Device memory. Freed on destruction.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual void* data() = 0;
  virtual std::size_t bytes() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // --- about -------------------------------------------------------------------------------

  virtual Device device() const = 0;
  // One line for people: "cpu, avx512-vnni, 2 threads, exact".
  virtual std::string name() const = 0;

  // The type in which this backend likes to keep the keys and values of a model that computes in
  // `type`: float32, or float16, which halves what a decoder step reads. float32 for float32.
  virtual DType cache_type(ComputeType /*type*/) const { return DType::float32; }

  // Whether waiting for the answers of a pass costs so much that passes whose answers may not be
  // needed are worth running before the wait.
  virtual bool prefers_running_ahead() const { return false; }

  // --- memory ------------------------------------------------------------------------------

  // At least `bytes` bytes, aligned to 64, contents undefined. Throws Error{resource_exhausted}.
  virtual std::unique_ptr<Buffer> allocate(std::size_t bytes) = 0;
  // Between host and device memory; plain copies on a CPU.
  virtual void to_device(void* device, const void* host, std::size_t bytes) = 0;
  virtual void to_host(void* host, const void* device, std::size_t bytes) = 0;
  // Waits until all work is done. Errors of earlier asynchronous work are thrown here.
  virtual void sync() = 0;

  // --- products ----------------------------------------------------------------------------

  // Packs once at load time. `type` is float32, bfloat16, int8 or, on a GPU, float16; float weights
  // are quantised for int8 (one scale for each output column, max|w| / 127) and rounded to the nearest
  // for the 16-bit types (ties to even); int8 weights are dequantised for the others. Throws
  // Error{unsupported} if this backend cannot compute in `type`, a weight is beyond float16, or
  // weights that are packed have another layout.
  virtual std::shared_ptr<const PackedLinear> pack(const LinearWeights& weights, ComputeType type) = 0;

  // The same weights restricted to the outputs `columns`, in that order (a lexical shortlist).
  virtual std::shared_ptr<const PackedLinear> select_outputs(const PackedLinear& weights,
                                                             std::span<const std::int32_t> columns) = 0;

  // out = activation(x W^T + b) + residual.   x [N, K], out [N, N_out], float32.
  // bfloat16, float16: only the weights are rounded. x and the sums are float32, so that the result is that
  // of float32 on the rounded weights, bit for bit. With Numerics::fast a GPU may round x too, to the
  // same 16 bits, where there are many rows.
  // int8: q = clamp(round_half_even(x * s), -127, 127), exact 32-bit sums, one multiplication by
  // weight scale / s, then the bias: intgemm's formula. Without an activation scale that factor is
  // (1 / s) * weight scale, with one it is the product scale; all in float32.
  virtual void linear(ConstMatrixView x, const PackedLinear& weights, const LinearEpilogue& epilogue,
                      MatrixView out) = 0;

  // --- rows --------------------------------------------------------------------------------

  // out[n] = scale * table[ids[n]] + positions[position_ids[n]].   table [V, D], out [N, D].
  // A negative id is a row of zeros (Marian's start of sentence). `positions` may be empty.
  virtual void embed(ConstMatrixView table, TokenIds ids, float scale, ConstMatrixView positions,
                     std::span<const std::int32_t> position_ids, MatrixView out) = 0;

  // out[n] = gain * (x[n] - mean) / sqrt(variance + epsilon) + bias.  x, out [N, D]; gain, bias [1, D];
  // empty bias: none. The variance is the mean of squared differences. out may be x.
  virtual void layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias, float epsilon,
                          MatrixView out) = 0;

  // out[n] = gain * x[n] / sqrt(mean(x[n]^2) + epsilon).  out may be x.
  virtual void rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) = 0;

  // out = activation(x); out may be x.
  virtual void activate(ConstMatrixView x, Activation activation, MatrixView out) = 0;

  // out = a + b; out may be a or b.
  virtual void add(ConstMatrixView a, ConstMatrixView b, MatrixView out) = 0;

  // out = a * b, element by element (gated feed-forward); out may be a or b.
  virtual void multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) = 0;

  // to[to_rows[n]] = from[n] for all n: appends to a cache.  from [N, D] float32; to [slots, D] float32,
  // or of the cache_type: rounded to the nearest, ties to even.
  virtual void scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows, MatrixView to) = 0;

  // out[n] = from[rows[n]]; out must not alias from. Types as in scatter_rows, or both the cache_type.
  virtual void gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows, MatrixView out) = 0;

  // --- attention and recurrence ------------------------------------------------------------

  // Multi-head attention, Vaswani et al. 2017, section 3.2.
  //   queries [N, H * head_dim], out [N, H * head_dim]; every query belongs to exactly one group.
  // Max-subtracted softmax in float32. Keys and values in float16 are widened, which is exact: the
  // result is that of float32 keys and values that were rounded, bit for bit.
  // The result of a query depends on its own keys alone.
  // weights_of_head0: null, or for each query a pointer to as many floats as it sees keys.
  virtual void attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                         const AttentionShape& shape, MatrixView out, float* const* weights_of_head0) = 0;

  // Simpler simple recurrent unit (Kim et al. 2019, arXiv 1911.00367):
  //   f = sigmoid(forget[n]);  c = f * c_previous + (1 - f) * candidate[n];  out[n] = relu(c)
  // in the order of n. c_previous is states[previous_slots[n]] (zeros if negative) and c is written to
  // states[slots[n]], so a row that feeds several tokens chains through the slots. The result may be
  // read by a later n of the same call.   candidate, forget, out [N, D]; states [slots, D].
  virtual void ssru(ConstMatrixView candidate, ConstMatrixView forget, std::span<const std::int32_t> previous_slots,
                    std::span<const std::int32_t> slots, MatrixView states, MatrixView out) = 0;

  // --- choice ------------------------------------------------------------------------------

  // Answers candidate queries (base/candidate.h states the five steps) over rows of logits [*, V].
  // Query i writes at most query->top_k candidates to out[i * out_stride ...] and its count to
  // answers[i]. The rows of logits may be overwritten. Blocks until the answers are on the host.
  virtual void select(MatrixView logits, std::span<const SelectQuery> queries, std::span<SelectAnswer> answers,
                      Candidate* out, std::size_t out_stride) = 0;

  // The same for queries that are ranked and ask for one candidate, over at most kMostBestColumns
  // columns, without a wait: the answer to query i is best[i], in device memory, for `embed` and
  // `to_host`. Where there is none its token is -1; where the scores are not numbers its log_prob is
  // NaN besides. `queries` and what they point to may change at once. This one serves backends whose
  // memory is the host's.
  virtual void select_best(MatrixView logits, std::span<const SelectQuery> queries, Candidate* best);
  static constexpr std::int64_t kMostBestColumns = std::int64_t{1} << 19;
};

// How to make an execution context.
struct BackendOptions {
  Device device = Device::cpu();
  int threads = 1;
  Numerics numerics = Numerics::exact;
};

// Throws Error{unsupported} when the device is not built in, Error{device} when it is not there.
std::unique_ptr<Backend> make_backend(const BackendOptions& options);

// The oracle: slow, obvious, double accumulation. For tests and `doctor`.
std::unique_ptr<Backend> make_reference_backend();

}  // namespace tandem
