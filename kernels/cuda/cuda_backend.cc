#include "kernels/cuda/cuda_backend.h"

#include <utility>

namespace tandem::cuda {
namespace {

Elements elements_of(MatrixView out) {
  return {out.rows(), out.cols()};
}

}  // namespace

CudaBackend::CudaBackend(std::unique_ptr<Gpu> gpu, Numerics numerics)
    : memory_(std::make_shared<DeviceMemory>(std::move(gpu))),
      uploads_(*memory_),
      ordinal_(memory_->gpu().ordinal()),
      numerics_(numerics),
      fast_(numerics == Numerics::fast && memory_->gpu().product_library().found) {}

std::string CudaBackend::name() const {
  const ProductLibrary library = memory_->gpu().product_library();
  return "cuda:" + std::to_string(ordinal_) + ", " + memory_->gpu().name() + ", " +
         (numerics_ == Numerics::exact ? "exact, " : "fast, ") +
         (library.found ? "" : "no tensor cores: ") + library.about;
}

// --- memory --------------------------------------------------------------------------------------

std::unique_ptr<Buffer> CudaBackend::allocate(std::size_t bytes) {
  return memory_->allocate(bytes);
}

void CudaBackend::to_device(void* device, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  gpu().copy_in(device, host, bytes);
  sync();
}

void CudaBackend::to_host(void* host, const void* device, std::size_t bytes) {
  if (bytes == 0) return;
  gpu().copy_out(host, device, bytes);
  sync();
}

void CudaBackend::sync() {
  gpu().sync();
  uploads_.reset();
}

// --- rows ----------------------------------------------------------------------------------------

void CudaBackend::embed(ConstMatrixView table, std::span<const TokenId> ids, float scale,
                        ConstMatrixView positions, std::span<const std::int32_t> position_ids,
                        MatrixView out) {
  uploads_.begin();
  EmbedKernel kernel;
  kernel.elements = elements_of(out);
  kernel.table = rows_of(table);
  kernel.ids = uploads_.upload(ids);
  kernel.scale = scale;
  kernel.positions = rows_of(positions);
  if (positions.rows() > 0) kernel.position_ids = uploads_.upload(position_ids);
  kernel.out = rows_of(out);
  run(kernel, kernel.elements.grid());
}

void CudaBackend::layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias,
                             float epsilon, MatrixView out) {
  LayerNormKernel kernel;
  kernel.x = rows_of(x);
  kernel.gain = gain.row<float>(0);
  kernel.bias = rows_of(bias).data;
  kernel.epsilon = epsilon;
  kernel.columns = x.cols();
  kernel.out = rows_of(out);
  run(kernel, {x.rows(), 1});
}

void CudaBackend::rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) {
  RmsNormKernel kernel;
  kernel.x = rows_of(x);
  kernel.gain = gain.row<float>(0);
  kernel.epsilon = epsilon;
  kernel.columns = x.cols();
  kernel.out = rows_of(out);
  run(kernel, {x.rows(), 1});
}

void CudaBackend::activate(ConstMatrixView x, Activation activation, MatrixView out) {
  ActivateKernel kernel;
  kernel.elements = elements_of(out);
  kernel.x = rows_of(x);
  kernel.activation = activation;
  kernel.out = rows_of(out);
  run(kernel, kernel.elements.grid());
}

void CudaBackend::add(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  AddKernel kernel;
  kernel.elements = elements_of(out);
  kernel.a = rows_of(a);
  kernel.b = rows_of(b);
  kernel.out = rows_of(out);
  run(kernel, kernel.elements.grid());
}

void CudaBackend::multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  MultiplyKernel kernel;
  kernel.elements = elements_of(out);
  kernel.a = rows_of(a);
  kernel.b = rows_of(b);
  kernel.out = rows_of(out);
  run(kernel, kernel.elements.grid());
}

template <class To>
void CudaBackend::scatter(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                          MatrixView to) {
  uploads_.begin();
  ScatterKernel<To> kernel;
  kernel.elements = {from.rows(), from.cols()};
  kernel.from = rows_of(from);
  kernel.to_rows = uploads_.upload(to_rows);
  kernel.to = rows_of<To>(to);
  run(kernel, kernel.elements.grid());
}

void CudaBackend::scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                               MatrixView to) {
  if (to.dtype() == DType::float32)
    scatter<float>(from, to_rows, to);
  else
    scatter<Float16>(from, to_rows, to);
}

template <class From, class To>
void CudaBackend::gather(ConstMatrixView from, std::span<const std::int32_t> rows, MatrixView out) {
  uploads_.begin();
  GatherKernel<From, To> kernel;
  kernel.elements = elements_of(out);
  kernel.from = rows_of<From>(from);
  kernel.rows = uploads_.upload(rows);
  kernel.out = rows_of<To>(out);
  run(kernel, kernel.elements.grid());
}

void CudaBackend::gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                              MatrixView out) {
  if (out.dtype() == DType::float32)
    gather<float, float>(from, rows, out);
  else if (from.dtype() == DType::float32)
    gather<float, Float16>(from, rows, out);
  else
    gather<Float16, Float16>(from, rows, out);
}

void CudaBackend::ssru(ConstMatrixView candidate, ConstMatrixView forget,
                       std::span<const std::int32_t> previous_slots,
                       std::span<const std::int32_t> slots, MatrixView states, MatrixView out) {
  uploads_.begin();
  SsruKernel kernel;
  kernel.rows = candidate.rows();
  kernel.columns = candidate.cols();
  kernel.candidate = rows_of(candidate);
  kernel.forget = rows_of(forget);
  kernel.previous_slots = uploads_.upload(previous_slots);
  kernel.slots = uploads_.upload(slots);
  kernel.states = rows_of(states);
  kernel.out = rows_of(out);
  run(kernel, kernel.grid());
}

}  // namespace tandem::cuda
