// The entrance of the CUDA backend in builds with CUDA: finds the module tandem_cuda, once for the
// process, and opens a GPU through it. It is looked for where this library or program lies, then
// along the run-time path of that binary ($ORIGIN/../lib of what is installed, the build tree of
// what is not) and the system's, then where it was to be installed. It is never unloaded.
#include <cstring>
#include <string>

#include <dlfcn.h>

#include "kernels/cuda/backend.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/module.h"

namespace tandem::cuda {
namespace {

constexpr const char* kFile = "libtandem_cuda.so";

// The directory of the binary that this function was linked into, with a slash; or empty.
std::string own_directory() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&make_cuda_backend), &info) == 0 ||
      info.dli_fname == nullptr)
    return {};
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

struct Loaded {
  const Module* module = nullptr;
  std::string problem;  // what is missing, where there is no module
};

Loaded load() {
  const std::string directory = own_directory();
  void* handle =
      directory.empty() ? nullptr : dlopen((directory + kFile).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) handle = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  std::string problem;
  if (handle == nullptr) {
    problem = dlerror();
    handle = dlopen(TANDEM_CUDA_INSTALLED_MODULE, RTLD_NOW | RTLD_LOCAL);
  }
  if (handle == nullptr) return {nullptr, "the module " + problem};
  const auto entrance = reinterpret_cast<const Module* (*)()>(dlsym(handle, kModuleEntrance));
  if (entrance == nullptr)
    return {nullptr, std::string("the module ") + kFile + " has no entrance " + kModuleEntrance};
  if (std::strcmp(entrance()->contract, TANDEM_CUDA_CONTRACT) != 0)
    return {nullptr, std::string("the module ") + kFile + " was built from other sources"};
  return {entrance(), {}};
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  static const Loaded loaded = load();
  const int ordinal = options.device.ordinal();
  if (loaded.module == nullptr)
    throw Error(ErrorCode::device,
                "opening cuda:" + std::to_string(ordinal) + ": " + loaded.problem,
                "install the module beside libtandem or the program, or choose the device cpu");
  std::unique_ptr<Gpu> gpu(loaded.module->open(ordinal));
  return std::make_unique<CudaBackend>(std::move(gpu), options.numerics);
}

}  // namespace tandem::cuda
