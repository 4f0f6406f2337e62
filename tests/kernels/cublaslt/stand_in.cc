// A library of cuBLASLt's name for machines without a GPU: takes the descriptions that the module
// gives the real one, checks that they agree with each other and with what the manual asks (section
// cublasLtMatmul(), "To use IMMA kernels", of integers), and multiplies in plain loops, with
// matrices in column-major order as the manual has it. Its one algorithm knows its size and the
// alignment of its matrices that it was promised.
#include <cstdint>
#include <cstring>

#include <cublasLt.h>

#include "tensor/dtype.h"

namespace {

struct Layout {
  cudaDataType_t type;
  std::int64_t rows, columns, stride;

  double at(const void* matrix, std::int64_t row, std::int64_t column) const {
    const std::int64_t element = row + column * stride;
    if (type == CUDA_R_32F) return static_cast<const float*>(matrix)[element];
    if (type == CUDA_R_8I) return static_cast<const std::int8_t*>(matrix)[element];
    const std::uint16_t bits = static_cast<const std::uint16_t*>(matrix)[element];
    return type == CUDA_R_16BF ? tandem::bfloat16_to_float(bits) : tandem::half_to_float(bits);
  }
};

struct Operation {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  std::int32_t transposes_a = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const float* bias = nullptr;
};

// Of A, B, C and D, in bytes.
struct Alignments {
  std::uint32_t bytes[4] = {256, 256, 256, 256};

  bool hold(const void* a, const void* b, const void* c, const void* d) const {
    const void* matrices[] = {a, b, c, d};
    for (int i = 0; i < 4; ++i)
      if (reinterpret_cast<std::uintptr_t>(matrices[i]) % bytes[i] != 0) return false;
    return true;
  }
};

template <class Inner, class Handle>
Inner& inner(Handle handle) {
  return *reinterpret_cast<Inner*>(handle);
}

template <class T>
cublasStatus_t take(T& to, const void* value, std::size_t bytes) {
  if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&to, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

// Of integers: "TN", leading dimensions, rows of D and the inner dimension multiples of 4, no
// epilogue.
bool integers_agree(const Operation& about, const Layout& a, const Layout& b, const Layout& c,
                    const Layout& d) {
  return about.transposes_a == CUBLAS_OP_T && about.epilogue == CUBLASLT_EPILOGUE_DEFAULT &&
         a.type == CUDA_R_8I && c.type == CUDA_R_32I && a.stride % 4 == 0 && b.stride % 4 == 0 &&
         c.stride % 4 == 0 && d.stride % 4 == 0 && d.rows % 4 == 0 && b.rows % 4 == 0;
}

bool floats_agree(const Operation& about, const Layout& a, const Layout& c) {
  return about.transposes_a == CUBLAS_OP_N && c.type == CUDA_R_32F &&
         (a.type == CUDA_R_32F || a.type == CUDA_R_16F || a.type == CUDA_R_16BF);
}

// D = op(A) B + C.
bool agree(const Operation& about, const Layout& a, const Layout& b, const Layout& c,
           const Layout& d) {
  const bool transposes = about.transposes_a == CUBLAS_OP_T;
  return (transposes ? a.columns : a.rows) == d.rows && b.columns == d.columns &&
         (transposes ? a.rows : a.columns) == b.rows && c.rows == d.rows &&
         c.columns == d.columns && a.stride >= a.rows && b.stride >= b.rows && c.stride >= c.rows &&
         d.stride >= d.rows && a.type == b.type && c.type == d.type &&
         (about.compute == CUBLAS_COMPUTE_32I ? integers_agree(about, a, b, c, d)
                                              : floats_agree(about, a, c));
}

void multiply_integers(const void* a, const Layout& as, const void* b, const Layout& bs, void* d,
                       const Layout& ds) {
  for (std::int64_t column = 0; column < ds.columns; ++column)
    for (std::int64_t row = 0; row < ds.rows; ++row) {
      double sum = 0;  // whole numbers below 2^31
      for (std::int64_t k = 0; k < bs.rows; ++k) sum += as.at(a, k, row) * bs.at(b, k, column);
      static_cast<std::int32_t*>(d)[row + column * ds.stride] = static_cast<std::int32_t>(sum);
    }
}

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(new char);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete reinterpret_cast<char*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
std::size_t cublasLtGetVersion() {
  return CUBLAS_VER_MAJOR * 10000 + 203;
}
const char* cublasLtGetStatusName(cublasStatus_t /*status*/) {
  return "a status";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation,
                                        cublasComputeType_t compute, cudaDataType_t scale) {
  const bool floats = compute == CUBLAS_COMPUTE_32F && scale == CUDA_R_32F;
  const bool integers = compute == CUBLAS_COMPUTE_32I && scale == CUDA_R_32I;
  if (!floats && !integers) return CUBLAS_STATUS_NOT_SUPPORTED;
  *operation = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation{.compute = compute});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  delete &inner<Operation>(operation);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  auto& to = inner<Operation>(operation);
  if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE) return take(to.epilogue, value, bytes);
  if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER) return take(to.bias, value, bytes);
  if (attribute == CUBLASLT_MATMUL_DESC_TRANSA) return take(to.transposes_a, value, bytes);
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t stride) {
  *layout = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{
      type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), stride});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete &inner<Layout>(layout);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = reinterpret_cast<cublasLtMatmulPreference_t>(new Alignments);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete &inner<Alignments>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
  std::uint64_t workspace = 0;
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return take(workspace, value, bytes);
  const int matrix = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  if (matrix < 0 || matrix > 3) return CUBLAS_STATUS_INVALID_VALUE;
  return take(inner<Alignments>(preference).bytes[matrix], value, bytes);
}

// The algorithm is good for up to as many rows (columns of B) as it was asked for.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t /*handle*/,
                                              cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int /*asked*/,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* found) {
  const auto& rows = inner<Layout>(b);
  if (!agree(inner<Operation>(operation), inner<Layout>(a), rows, inner<Layout>(c),
             inner<Layout>(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  *found = rows.rows == 13 || rows.rows == 208 ? 0 : 1;  // none for so many inputs
  results[0].state = CUBLAS_STATUS_SUCCESS;
  results[0].algo.data[0] = static_cast<std::uint64_t>(rows.columns);
  std::memcpy(&results[0].algo.data[1], inner<Alignments>(preference).bytes, sizeof(Alignments));
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t operation,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* /*workspace*/,
                              std::size_t /*workspace_bytes*/, cudaStream_t /*stream*/) {
  const auto &as = inner<Layout>(a_layout), &bs = inner<Layout>(b_layout),
             &cs = inner<Layout>(c_layout), &ds = inner<Layout>(d_layout);
  const auto& about = inner<Operation>(operation);
  Alignments promised;
  std::memcpy(promised.bytes, &algorithm->data[1], sizeof promised.bytes);
  if (!agree(about, as, bs, cs, ds) || !promised.hold(a, b, c, d) ||
      static_cast<std::uint64_t>(bs.columns) > algorithm->data[0])
    return CUBLAS_STATUS_INVALID_VALUE;
  if (about.compute == CUBLAS_COMPUTE_32I) {
    if (*static_cast<const std::int32_t*>(alpha) != 1 ||
        *static_cast<const std::int32_t*>(beta) != 0)
      return CUBLAS_STATUS_INVALID_VALUE;
    multiply_integers(a, as, b, bs, d, ds);
    return CUBLAS_STATUS_SUCCESS;
  }
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  for (std::int64_t column = 0; column < ds.columns; ++column)
    for (std::int64_t row = 0; row < ds.rows; ++row) {
      double sum = 0;
      for (std::int64_t k = 0; k < as.columns; ++k) sum += as.at(a, row, k) * bs.at(b, k, column);
      sum *= scale;
      if (keep != 0.0F) sum += keep * cs.at(c, row, column);
      if ((about.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) sum += about.bias[row];
      if ((about.epilogue & CUBLASLT_EPILOGUE_RELU) != 0 && sum < 0) sum = 0;
      static_cast<float*>(d)[row + column * ds.stride] = static_cast<float>(sum);
    }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
