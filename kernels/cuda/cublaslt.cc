#include "kernels/cuda/cublaslt.h"

#include <cstdint>
#include <memory>
#include <string>

#include <dlfcn.h>

#include <tandem/error.h>

namespace tandem::cuda {
namespace {

// What is used of the library; the names without their prefix.
#define TANDEM_CUBLASLT_FUNCTIONS(function)                                                   \
  function(Create) function(Destroy) function(GetVersion) function(GetStatusName)             \
      function(MatmulDescCreate) function(MatmulDescDestroy) function(MatmulDescSetAttribute) \
          function(MatrixLayoutCreate) function(MatrixLayoutDestroy)                          \
              function(MatmulPreferenceCreate) function(MatmulPreferenceDestroy)              \
                  function(MatmulPreferenceSetAttribute) function(MatmulAlgoGetHeuristic)     \
                      function(Matmul)

// The library of the headers' major version: the others have another binary interface.
#define TANDEM_TEXT_OF(value) #value
#define TANDEM_TEXT(value) TANDEM_TEXT_OF(value)
constexpr const char* kFile = "libcublasLt.so." TANDEM_TEXT(CUBLAS_VER_MAJOR);
#undef TANDEM_TEXT
#undef TANDEM_TEXT_OF

struct Library {
#define TANDEM_MEMBER(name) decltype(&cublasLt##name) name = nullptr;
  TANDEM_CUBLASLT_FUNCTIONS(TANDEM_MEMBER)
#undef TANDEM_MEMBER
  std::string problem;  // empty: it is loaded

  Library() {
    void* handle = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      problem = dlerror();
      return;
    }
#define TANDEM_FIND(name)                                                              \
  name = reinterpret_cast<decltype(&cublasLt##name)>(dlsym(handle, "cublasLt" #name)); \
  if (name == nullptr) problem = std::string(kFile) + " has no cublasLt" #name;
    TANDEM_CUBLASLT_FUNCTIONS(TANDEM_FIND)
#undef TANDEM_FIND
  }
};

// Loaded once and never unloaded.
const Library& library() {
  static const Library loaded;
  return loaded;
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorCode::device, std::string(what) + ": " + library().GetStatusName(status));
}

// The library's answer to what it has no kernel for.
bool is_refusal(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
}

struct Destroy {
  void operator()(cublasLtMatrixLayout_t layout) const { library().MatrixLayoutDestroy(layout); }
  void operator()(cublasLtMatmulDesc_t product) const { library().MatmulDescDestroy(product); }
  void operator()(cublasLtMatmulPreference_t preference) const {
    library().MatmulPreferenceDestroy(preference);
  }
};
template <class Opaque>
using Owned = std::unique_ptr<Opaque, Destroy>;

// What the library calls the type of both operands, and what it sums in. CUBLAS_COMPUTE_32F rounds
// no float32 to TF32: that is CUBLAS_COMPUTE_32F_FAST_TF32.
struct Types {
  cudaDataType_t operands, sums;
  cublasComputeType_t compute;
  std::int64_t bytes;  // of an element of an operand
};

Types types_of(const MatrixProduct& product) {
  switch (product.type) {
    case ComputeType::bfloat16:
      return {CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, 2};
    case ComputeType::float16:
      return {CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F, 2};
    case ComputeType::int8:
      return {CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I, 1};
    default:
      return {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, 4};
  }
}

bool is_integer(const MatrixProduct& product) {
  return product.type == ComputeType::int8;
}

cublasLtEpilogue_t epilogue_of(const MatrixProduct& product) {
  if (product.bias == nullptr)
    return product.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
  return product.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

// Where the product goes; its elements have 4 bytes in every type.
Operand out_of(const MatrixProduct& product) {
  return is_integer(product) ? Operand{product.sums.data, product.sums.stride}
                             : Operand{product.out.data, product.out.stride};
}

// Without a residual the addend is the output, times 0.
Operand addend_of(const MatrixProduct& product) {
  return product.residual.data != nullptr ? Operand{product.residual.data, product.residual.stride}
                                          : out_of(product);
}

// To what all rows are aligned: 16 bytes, the widest that a kernel moves at once, or the 4 of a
// float. Operands whose elements have fewer bytes come with 16.
std::uint32_t alignment_of(const Operand& operand, std::int64_t bytes) {
  const auto bits = reinterpret_cast<std::uintptr_t>(operand.data) |
                    static_cast<std::uintptr_t>(operand.stride * bytes);
  return bits % kOperandAlignment == 0 ? kOperandAlignment : 4;
}

std::array<std::uint32_t, 4> alignments_of(const MatrixProduct& product) {
  const std::int64_t bytes = types_of(product).bytes;
  return {alignment_of(product.weights, bytes), alignment_of(product.x, bytes),
          alignment_of(addend_of(product), 4), alignment_of(out_of(product), 4)};
}

// Column-major, as the library has it: rows of ours are its columns.
Owned<cublasLtMatrixLayoutOpaque_t> layout_of(cudaDataType_t type, std::int64_t columns,
                                              std::int64_t rows, std::int64_t stride) {
  cublasLtMatrixLayout_t layout = nullptr;
  check(library().MatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(columns),
                                     static_cast<std::uint64_t>(rows), stride),
        "describing a matrix to cuBLASLt");
  return Owned<cublasLtMatrixLayoutOpaque_t>(layout);
}

Owned<cublasLtMatmulDescOpaque_t> operation_of(const MatrixProduct& product) {
  constexpr const char* kWhat = "describing a product to cuBLASLt";
  cublasLtMatmulDesc_t operation = nullptr;
  const Types types = types_of(product);
  check(library().MatmulDescCreate(&operation, types.compute, types.sums), kWhat);
  Owned<cublasLtMatmulDescOpaque_t> owned(operation);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, auto value) {
    check(library().MatmulDescSetAttribute(operation, attribute, &value, sizeof value), kWhat);
  };
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(product));
  if (product.bias != nullptr) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  if (is_integer(product)) set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  return owned;
}

Owned<cublasLtMatmulPreferenceOpaque_t> preference_of(const MatrixProduct& product) {
  constexpr const char* kWhat = "asking cuBLASLt for an algorithm";
  cublasLtMatmulPreference_t preference = nullptr;
  check(library().MatmulPreferenceCreate(&preference), kWhat);
  Owned<cublasLtMatmulPreferenceOpaque_t> owned(preference);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check(library().MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
          kWhat);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{product.workspace_bytes});
  const auto [weights, x, addend, out] = alignments_of(product);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, weights);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, x);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, addend);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, out);
  return owned;
}

// A product of `rows` rows in the library's words: out^T = W x^T, where all are transposed. Weights
// of int8 stand along their inputs and the library transposes them back: "TN", the one form that it
// has for integers in plain layouts. Its tiled ones are for compute capability 8.0 and before alone
// ("To use IMMA kernels", section cublasLtMatmul() of the manual of 13.0).
struct Description {
  Description(const MatrixProduct& product, std::int64_t rows)
      : operation(operation_of(product)),
        weights(is_integer(product) ? layout_of(types_of(product).operands, product.inputs,
                                                product.outputs, product.weights.stride)
                                    : layout_of(types_of(product).operands, product.outputs,
                                                product.inputs, product.weights.stride)),
        x(layout_of(types_of(product).operands, product.inputs, rows, product.x.stride)),
        addend(layout_of(types_of(product).sums, product.outputs, rows, addend_of(product).stride)),
        out(layout_of(types_of(product).sums, product.outputs, rows, out_of(product).stride)) {}

  Owned<cublasLtMatmulDescOpaque_t> operation;
  Owned<cublasLtMatrixLayoutOpaque_t> weights, x, addend, out;
};

}  // namespace

CublasLt::~CublasLt() {
  if (handle_ != nullptr) library().Destroy(handle_);
}

ProductLibrary CublasLt::about() {
  if (!library().problem.empty()) return {false, library().problem};
  const std::size_t version = library().GetVersion();  // 10000 major + 100 minor + patch
  return {true, "cuBLASLt " + std::to_string(version / 10000) + "." +
                    std::to_string(version / 100 % 100) + "." + std::to_string(version % 100)};
}

// The algorithm for all products of this kind; empty if the library has none.
std::optional<cublasLtMatmulAlgo_t> CublasLt::choose(const MatrixProduct& product) const {
  const Description about(product, rows_bucket(product.rows));
  const auto preference = preference_of(product);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status = library().MatmulAlgoGetHeuristic(
      handle_, about.operation.get(), about.weights.get(), about.x.get(), about.addend.get(),
      about.out.get(), preference.get(), 1, &best, &found);
  if (is_refusal(status)) return {};
  check(status, "choosing an algorithm of cuBLASLt");
  if (found == 0 || best.state != CUBLAS_STATUS_SUCCESS) return {};
  return best.algo;
}

bool CublasLt::multiply(const MatrixProduct& product, cudaStream_t stream) {
  if (!library().problem.empty()) return false;
  if (handle_ == nullptr) check(library().Create(&handle_), "opening cuBLASLt");
  const bool adds = product.residual.data != nullptr;
  const auto [weights_alignment, x_alignment, addend_alignment, out_alignment] =
      alignments_of(product);
  const Kind kind = {static_cast<std::int64_t>(product.type),
                     rows_bucket(product.rows),
                     product.inputs,
                     product.outputs,
                     product.x.stride,
                     product.weights.stride,
                     out_of(product).stride,
                     adds ? product.residual.stride : -1,
                     static_cast<std::int64_t>(epilogue_of(product)),
                     weights_alignment,
                     x_alignment,
                     addend_alignment,
                     out_alignment,
                     static_cast<std::int64_t>(product.workspace_bytes)};
  auto choice = choices_.find(kind);
  if (choice == choices_.end()) choice = choices_.emplace(kind, choose(product)).first;
  std::optional<cublasLtMatmulAlgo_t>& algorithm = choice->second;
  if (!algorithm) return false;

  const Description about(product, product.rows);
  const float floats[] = {1.0F, adds ? 1.0F : 0.0F};
  const std::int32_t integers[] = {1, 0};
  const bool integer = is_integer(product);
  const void* alpha = integer ? static_cast<const void*>(&integers[0]) : &floats[0];
  const void* beta = integer ? static_cast<const void*>(&integers[1]) : &floats[1];
  void* out = integer ? static_cast<void*>(product.sums.data) : product.out.data;
  const cublasStatus_t status = library().Matmul(
      handle_, about.operation.get(), alpha, product.weights.data, about.weights.get(),
      product.x.data, about.x.get(), beta, addend_of(product).data, about.addend.get(), out,
      about.out.get(), &*algorithm, product.workspace, product.workspace_bytes, stream);
  if (is_refusal(status)) {
    algorithm.reset();
    return false;
  }
  check(status, "multiplying matrices by cuBLASLt");
  return true;
}

}  // namespace tandem::cuda
