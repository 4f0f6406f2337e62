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

cudaDataType_t type_of(const MatrixProduct& product) {
  return product.type == MatrixProduct::Type::bfloat16 ? CUDA_R_16BF : CUDA_R_16F;
}

cublasLtEpilogue_t epilogue_of(const MatrixProduct& product) {
  if (product.bias == nullptr)
    return product.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
  return product.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

// Without a residual the addend is the output, times 0.
Rows<const float> addend_of(const MatrixProduct& product) {
  return product.residual.data != nullptr ? product.residual
                                          : Rows<const float>{product.out.data, product.out.stride};
}

// To what the output and the addend are aligned, rows included: 16 bytes, the widest that a kernel
// writes at once, or the 4 of a float.
std::uint32_t alignment_of(const MatrixProduct& product) {
  const Rows<const float> addend = addend_of(product);
  const auto bits = reinterpret_cast<std::uintptr_t>(product.out.data) |
                    reinterpret_cast<std::uintptr_t>(addend.data) |
                    static_cast<std::uintptr_t>(product.out.stride * 4) |
                    static_cast<std::uintptr_t>(addend.stride * 4);
  return bits % 16 == 0 ? 16 : 4;
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
  check(library().MatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), kWhat);
  Owned<cublasLtMatmulDescOpaque_t> owned(operation);
  const cublasLtEpilogue_t epilogue = epilogue_of(product);
  check(library().MatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                         sizeof epilogue),
        kWhat);
  if (product.bias != nullptr)
    check(library().MatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                           &product.bias, sizeof product.bias),
          kWhat);
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
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(product));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(product));
  return owned;
}

// A product of `rows` rows in the library's words: out^T = W x^T, where all are transposed.
struct Description {
  Description(const MatrixProduct& product, std::int64_t rows)
      : operation(operation_of(product)),
        weights(
            layout_of(type_of(product), product.outputs, product.inputs, product.weights.stride)),
        x(layout_of(type_of(product), product.inputs, rows, product.x.stride)),
        addend(layout_of(CUDA_R_32F, product.outputs, rows, addend_of(product).stride)),
        out(layout_of(CUDA_R_32F, product.outputs, rows, product.out.stride)) {}

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
  const Kind kind = {static_cast<std::int64_t>(product.type),
                     rows_bucket(product.rows),
                     product.inputs,
                     product.outputs,
                     product.x.stride,
                     product.weights.stride,
                     product.out.stride,
                     adds ? product.residual.stride : -1,
                     static_cast<std::int64_t>(epilogue_of(product)),
                     alignment_of(product),
                     static_cast<std::int64_t>(product.workspace_bytes)};
  auto choice = choices_.find(kind);
  if (choice == choices_.end()) choice = choices_.emplace(kind, choose(product)).first;
  std::optional<cublasLtMatmulAlgo_t>& algorithm = choice->second;
  if (!algorithm) return false;

  const Description about(product, product.rows);
  const float one = 1.0F, beta = adds ? 1.0F : 0.0F;
  const cublasStatus_t status = library().Matmul(
      handle_, about.operation.get(), &one, product.weights.data, about.weights.get(),
      product.x.data, about.x.get(), &beta, addend_of(product).data, about.addend.get(),
      product.out.data, about.out.get(), &*algorithm, product.workspace, product.workspace_bytes,
      stream);
  if (is_refusal(status)) {
    algorithm.reset();
    return false;
  }
  check(status, "multiplying matrices by cuBLASLt");
  return true;
}

}  // namespace tandem::cuda
