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
      ordinal_(memory_->stream().gpu().ordinal()),
      numerics_(numerics),
      fast_(numerics == Numerics::fast && memory_->stream().gpu().product_library().found) {}

std::string CudaBackend::name() const {
  const ProductLibrary library = memory_->stream().gpu().product_library();
  return "cuda:" + std::to_string(ordinal_) + ", " + memory_->stream().gpu().name() + ", " +
         (numerics_ == Numerics::exact ? "exact, " : "fast, ") +
         (library.found ? "" : "without cuBLASLt: ") + library.about;
}

// --- memory --------------------------------------------------------------------------------------

std::unique_ptr<Buffer> CudaBackend::allocate(std::size_t bytes) {
  return memory_->allocate(bytes);
}

void CudaBackend::to_device(void* device, const void* host, std::size_t bytes) {
  if (bytes == 0) return;
  stream().copy_in(device, host, bytes);
  sync();
}

void CudaBackend::to_host(void* host, const void* device, std::size_t bytes) {
  if (bytes == 0) return;
  stream().copy_out(host, device, bytes);
  sync();
}

void CudaBackend::sync() {
  stream().sync();
}

// --- rows ----------------------------------------------------------------------------------------

void CudaBackend::embed(ConstMatrixView table, TokenIds ids, float scale, ConstMatrixView positions,
                        std::span<const std::int32_t> position_ids, MatrixView out) {
  stream().begin_op();
  EmbedKernel kernel;
  kernel.elements = elements_of(out);
  kernel.table = rows_of(table);
  kernel.ids = stream().upload(ids.ids());
  kernel.chosen = ids.chosen();
  kernel.scale = scale;
  kernel.positions = rows_of(positions);
  if (positions.rows() > 0) kernel.position_ids = stream().upload(position_ids);
  kernel.out = rows_of(out);
  stream().run(kernel, kernel.elements.grid());
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
  stream().run(kernel, {x.rows(), 1});
}

void CudaBackend::rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) {
  RmsNormKernel kernel;
  kernel.x = rows_of(x);
  kernel.gain = gain.row<float>(0);
  kernel.epsilon = epsilon;
  kernel.columns = x.cols();
  kernel.out = rows_of(out);
  stream().run(kernel, {x.rows(), 1});
}

void CudaBackend::activate(ConstMatrixView x, Activation activation, MatrixView out) {
  ActivateKernel kernel;
  kernel.elements = elements_of(out);
  kernel.x = rows_of(x);
  kernel.activation = activation;
  kernel.out = rows_of(out);
  stream().run(kernel, kernel.elements.grid());
}

void CudaBackend::add(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  AddKernel kernel;
  kernel.elements = elements_of(out);
  kernel.a = rows_of(a);
  kernel.b = rows_of(b);
  kernel.out = rows_of(out);
  stream().run(kernel, kernel.elements.grid());
}

void CudaBackend::multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) {
  MultiplyKernel kernel;
  kernel.elements = elements_of(out);
  kernel.a = rows_of(a);
  kernel.b = rows_of(b);
  kernel.out = rows_of(out);
  stream().run(kernel, kernel.elements.grid());
}

template <class To>
void CudaBackend::scatter(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                          MatrixView to) {
  stream().begin_op();
  ScatterKernel<To> kernel;
  kernel.elements = {from.rows(), from.cols()};
  kernel.from = rows_of(from);
  kernel.to_rows = stream().upload(to_rows);
  kernel.to = rows_of<To>(to);
  stream().run(kernel, kernel.elements.grid());
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
  stream().begin_op();
  GatherKernel<From, To> kernel;
  kernel.elements = elements_of(out);
  kernel.from = rows_of<From>(from);
  kernel.rows = stream().upload(rows);
  kernel.out = rows_of<To>(out);
  stream().run(kernel, kernel.elements.grid());
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
  stream().begin_op();
  SsruKernel kernel;
  kernel.rows = candidate.rows();
  kernel.columns = candidate.cols();
  kernel.candidate = rows_of(candidate);
  kernel.forget = rows_of(forget);
  kernel.previous_slots = stream().upload(previous_slots);
  kernel.slots = stream().upload(slots);
  kernel.states = rows_of(states);
  kernel.out = rows_of(out);
  stream().run(kernel, kernel.grid());
}

}  // namespace tandem::cuda
