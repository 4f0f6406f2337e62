// The module tandem_cuda: Gpu over the CUDA runtime, and lists of launches that come again as
// graphs. All that needs the CUDA toolkit is here, in device_block.cuh and in cublaslt.*; it links
// the runtime statically and loads cuBLASLt when it can, so that the driver is all it asks for.
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <cuda_runtime.h>

#include <tandem/error.h>

#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/device_block.cuh"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/launch_graphs.h"
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

// A kernel as the runtime knows it.
struct DeviceKernel {
  const void* function;
  unsigned threads;
};

template <class... Kernel>
const DeviceKernel& device_kernel(std::size_t index, KernelList<Kernel...>) {
  static const DeviceKernel kernels[] = {
      {reinterpret_cast<const void*>(&run_block<Kernel>), Kernel::kThreads}...};
  return kernels[index];
}

const DeviceKernel& device_kernel(const Launch& launch) {
  return device_kernel(launch.kernel, Kernels());
}

dim3 blocks_of(const Grid& grid) {
  return dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y));
}

void check_launch(cudaError_t code, const Launch& launch) {
  if (code == cudaSuccess) return;
  const char* name = nullptr;
  if (cudaFuncGetName(&name, device_kernel(launch).function) != cudaSuccess) name = "a kernel";
  fail(std::string("launching ") + name, code);
}

// A chain of kernels on a stream (launch_graphs.h).
class StreamGraph {
 public:
  StreamGraph(const LaunchList& launches, cudaStream_t stream) : stream_(stream) {
    cudaGraph_t graph = nullptr;
    check(cudaGraphCreate(&graph, 0), "making a graph");
    graph_.reset(graph);
    for (std::size_t i = 0; i < launches.size(); ++i) add(launches[i]);
    cudaGraphExec_t executable = nullptr;
    check(cudaGraphInstantiate(&executable, graph, 0), "making a graph executable");
    executable_.reset(executable);
  }

  void update(std::size_t node, const Launch& launch) {
    void* argument = const_cast<std::byte*>(launch.arguments);
    const cudaKernelNodeParams parameters = parameters_of(launch, &argument);
    check_launch(cudaGraphExecKernelNodeSetParams(executable_.get(), nodes_[node], &parameters),
                 launch);
  }
  void launch() { check(cudaGraphLaunch(executable_.get(), stream_), "launching a graph"); }

 private:
  static cudaKernelNodeParams parameters_of(const Launch& launch, void** argument) {
    const DeviceKernel& kernel = device_kernel(launch);
    cudaKernelNodeParams parameters{};
    parameters.func = const_cast<void*>(kernel.function);
    parameters.gridDim = blocks_of(launch.grid);
    parameters.blockDim = dim3(kernel.threads);
    parameters.kernelParams = argument;
    return parameters;
  }

  void add(const Launch& launch) {
    void* argument = const_cast<std::byte*>(launch.arguments);
    const cudaKernelNodeParams parameters = parameters_of(launch, &argument);
    const cudaGraphNode_t* before = nodes_.empty() ? nullptr : &nodes_.back();
    cudaGraphNode_t node = nullptr;
    check_launch(
        cudaGraphAddKernelNode(&node, graph_.get(), before, before == nullptr ? 0 : 1, &parameters),
        launch);
    nodes_.push_back(node);
  }

  struct Destroy {
    void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
    void operator()(cudaGraphExec_t executable) const { cudaGraphExecDestroy(executable); }
  };

  cudaStream_t stream_;
  std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, Destroy> graph_;
  std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy> executable_;
  std::vector<cudaGraphNode_t> nodes_;
};

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

  void run(const LaunchList& launches) override {
    use();
    if (graphs_.run(launches)) return;
    for (std::size_t i = 0; i < launches.size(); ++i) launch(launches[i]);
  }

  ProductLibrary product_library() const override { return CublasLt::about(); }
  bool multiply(const MatrixProduct& product) override {
    use();
    return cublaslt_.multiply(product, stream_);
  }

 private:
  // The device is a property of the calling thread, and contexts move between threads.
  void use() const { check(cudaSetDevice(ordinal_), "choosing a GPU"); }

  static void* memory_from(cudaError_t code, void* memory) {
    if (code == cudaSuccess) return memory;
    if (code != cudaErrorMemoryAllocation) fail("allocating memory for the GPU", code);
    cudaGetLastError();  // that memory ran out is answered here and must not show up later
    return nullptr;
  }

  void launch(const Launch& launch) {
    const DeviceKernel& kernel = device_kernel(launch);
    void* argument = const_cast<std::byte*>(launch.arguments);
    check_launch(cudaLaunchKernel(kernel.function, blocks_of(launch.grid), dim3(kernel.threads),
                                  &argument, 0, stream_),
                 launch);
  }

  int ordinal_;
  std::string name_;
  cudaStream_t stream_ = nullptr;
  CublasLt cublaslt_;
  LaunchGraphs<StreamGraph> graphs_{[this](const LaunchList& launches) {
    return std::make_unique<StreamGraph>(launches, stream_);
  }};
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
