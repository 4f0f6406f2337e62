// The module tandem_cuda: Gpu over the CUDA runtime. All that needs the CUDA toolkit is here, in
// device_block.cuh and in cublaslt.*; it links the runtime statically and loads cuBLASLt when it can, so
// that the driver is all it asks for.
#include <memory>
#include <string>

#include <cuda_runtime.h>

#include <tandem/error.h>

#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/device_block.cuh"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/module.h"

namespace tandem::cuda {
namespace {

[[noreturn]] void fail(const std::string& what, cudaError_t code) {
  throw Error(ErrorCode::device,
              what + ": " + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) + ")");
}

void check(cudaError_t code, const char* what) {
  if (code != cudaSuccess) fail(what, code);
}

// What stands between this process and device `ordinal`, as an Error; else the number of devices.
void check_device(int ordinal) {
  const std::string what = "opening cuda:" + std::to_string(ordinal) + ": ";
  int driver = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    throw Error(ErrorCode::device, what + "no NVIDIA driver was found",
                "install the driver (libcuda.so.1), or choose the device cpu");
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0))
    throw Error(ErrorCode::device, what + "the driver sees no GPU", "choose the device cpu");
  if (found != cudaSuccess) fail(what + "the driver cannot be used", found);
  if (ordinal >= count)
    throw Error(ErrorCode::device, what + "there are only " + std::to_string(count) +
                                       " devices, cuda:0 to cuda:" + std::to_string(count - 1));
}

class CudaGpu final : public Gpu {
 public:
  explicit CudaGpu(int ordinal) : ordinal_(ordinal) {
    check_device(ordinal);
    use();
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, ordinal), "reading the properties of a GPU");
    name_ = properties.name;
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  }
  ~CudaGpu() override {
    cudaSetDevice(ordinal_);
    cudaStreamDestroy(stream_);
  }
  CudaGpu(const CudaGpu&) = delete;
  CudaGpu& operator=(const CudaGpu&) = delete;

  int ordinal() const override { return ordinal_; }
  std::string name() const override { return name_; }

  void* allocate(std::size_t bytes) override {
    use();
    void* device = nullptr;
    return memory_from(cudaMalloc(&device, bytes), device);
  }
  void free(void* device) noexcept override {
    cudaSetDevice(ordinal_);
    cudaFree(device);
  }
  void* allocate_host(std::size_t bytes) override {
    use();
    void* host = nullptr;
    return memory_from(cudaHostAlloc(&host, bytes, cudaHostAllocDefault), host);
  }
  void free_host(void* host) noexcept override {
    cudaSetDevice(ordinal_);
    cudaFreeHost(host);
  }

  void copy_in(void* device, const void* host, std::size_t bytes) override {
    use();
    check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_),
          "copying to the GPU");
  }
  void copy_out(void* host, const void* device, std::size_t bytes) override {
    use();
    check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_),
          "copying from the GPU");
  }

  void sync() override {
    use();
    check(cudaStreamSynchronize(stream_), "waiting for the GPU");
  }

#define TANDEM_RUN(Kernel)                                    \
  void run(const Kernel& kernel, const Grid& grid) override { \
    launch(kernel, grid, #Kernel);                            \
  }
  TANDEM_CUDA_KERNELS(TANDEM_RUN)
#undef TANDEM_RUN

  ProductLibrary product_library() const override { return CublasLt::about(); }
  bool multiply(const MatrixProduct& product) override {
    use();
    return cublaslt_.multiply(product, stream_);
  }

 private:
  // The device is a property of the calling thread, and contexts move between threads.
  void use() const {
    check(cudaSetDevice(ordinal_), "choosing a GPU");
  }

  static void* memory_from(cudaError_t code, void* memory) {
    if (code == cudaSuccess) return memory;
    if (code != cudaErrorMemoryAllocation) fail("allocating memory for the GPU", code);
    cudaGetLastError();  // that memory ran out is answered here and must not show up later
    return nullptr;
  }

  template <class Kernel>
  void launch(const Kernel& kernel, const Grid& grid, const char* name) {
    if (grid.x == 0 || grid.y == 0) return;
    use();
    const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y));
    run_block<<<blocks, Kernel::kThreads, 0, stream_>>>(kernel);
    if (const cudaError_t code = cudaGetLastError(); code != cudaSuccess)
      fail(std::string("launching ") + name, code);
  }

  int ordinal_;
  std::string name_;
  cudaStream_t stream_ = nullptr;
  CublasLt cublaslt_;
};

Gpu* open_gpu(int ordinal) {
  return new CudaGpu(ordinal);
}

}  // namespace
}  // namespace tandem::cuda

extern "C" __attribute__((visibility("default"))) const tandem::cuda::Module* tandem_cuda_module() {
  static const tandem::cuda::Module module{TANDEM_CUDA_CONTRACT, tandem::cuda::open_gpu};
  return &module;
}
