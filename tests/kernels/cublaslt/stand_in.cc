// A library of cuBLASLt's name for machines without a GPU: takes the descriptions that the module
// gives the real one, checks that they agree with each other, and multiplies in plain loops, with
// matrices in column-major order as the library's manual has it. Its one algorithm knows its size.
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
    const std::uint16_t bits = static_cast<const std::uint16_t*>(matrix)[element];
    return type == CUDA_R_16BF ? tandem::bfloat16_to_float(bits) : tandem::half_to_float(bits);
  }
};

struct Operation {
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const float* bias = nullptr;
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

// D = A B + C.
bool agree(const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  return a.rows == d.rows && b.columns == d.columns && a.columns == b.rows && c.rows == d.rows &&
         c.columns == d.columns && a.stride >= a.rows && b.stride >= b.rows && c.stride >= c.rows &&
         d.stride >= d.rows && a.type == b.type && c.type == CUDA_R_32F && d.type == CUDA_R_32F;
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
  if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  *operation = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation);
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
  *preference = reinterpret_cast<cublasLtMatmulPreference_t>(new char);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete reinterpret_cast<char*>(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t /*preference*/,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
  std::uint64_t workspace = 0;
  std::uint32_t alignment = 0;
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) return take(workspace, value, bytes);
  return take(alignment, value, bytes);
}

// The algorithm is good for up to as many rows (columns of B) as it was asked for.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t /*operation*/, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
    cublasLtMatmulPreference_t /*preference*/, int /*asked*/,
    cublasLtMatmulHeuristicResult_t results[], int* found) {
  const auto& rows = inner<Layout>(b);
  if (!agree(inner<Layout>(a), rows, inner<Layout>(c), inner<Layout>(d)))
    return CUBLAS_STATUS_INVALID_VALUE;
  *found = rows.rows == 13 ? 0 : 1;  // none for 13 inputs
  results[0].state = CUBLAS_STATUS_SUCCESS;
  results[0].algo.data[0] = static_cast<std::uint64_t>(rows.columns);
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
  if (!agree(as, bs, cs, ds) || static_cast<std::uint64_t>(bs.columns) > algorithm->data[0])
    return CUBLAS_STATUS_INVALID_VALUE;
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
