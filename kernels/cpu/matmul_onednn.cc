// The only file that knows oneDNN (2.6 or 3.x) and OpenMP.
#include "kernels/cpu/matmul_onednn.h"

#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>

#include <omp.h>
#include <dnnl.hpp>

#include <tandem/error.h>

namespace tandem::cpu {
namespace {

using dnnl::memory;

// Held while a primitive is made: all threads share oneDNN's cache of primitives, whose locks
// ThreadSanitizer cannot see in a library that was built without it.
std::mutex making_primitive;

// oneDNN asks OpenMP how many threads to start. The number belongs to the calling thread, so
// setting it to one here and back again starts no threads and leaves the host program's own regions
// alone.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

class Matmul final : public OnednnMatmul {
 public:
  void run(const float* x, std::int64_t x_stride, std::int64_t rows, const CpuPackedLinear& weights,
           float* out, std::int64_t out_stride) override try {
    const OneOpenMpThread one_thread;
    Held& held = primitive({rows, weights.outputs(), weights.inputs(), x_stride, out_stride});
    // oneDNN's handles are not const; it only reads the source and the weights.
    held.source.set_data_handle(const_cast<float*>(x));
    held.weights.set_data_handle(const_cast<float*>(weights.panels_f32()));
    held.destination.set_data_handle(out);
    held.primitive.execute(stream_, held.arguments);
    stream_.wait();
  } catch (const dnnl::error& error) {
    throw Error(ErrorCode::internal,
                std::string("multiplying matrices: oneDNN failed: ") + error.what());
  }

 private:
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  struct Held {
    dnnl::matmul primitive;
    memory source, weights, destination;
    std::unordered_map<int, memory> arguments;  // shares the three memories above
  };
  // Beyond this many combinations the cache starts anew: each holds compiled code.
  static constexpr std::size_t kMaxHeld = 256;

  Held& primitive(const Key& key) {
    if (const auto found = held_.find(key); found != held_.end()) return found->second;
    const std::lock_guard lock(making_primitive);
    if (held_.size() >= kMaxHeld) held_.clear();
    const auto [rows, outputs, inputs, x_stride, out_stride] = key;
    const auto type = memory::data_type::f32;
    const memory::desc source({rows, inputs}, type, memory::dims{x_stride, 1});
    const memory::desc weights({inputs, outputs}, type, memory::format_tag::BA16a64b);
    const memory::desc destination({rows, outputs}, type, memory::dims{out_stride, 1});
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc description(engine_, source, weights, destination);
#else
    const dnnl::matmul::primitive_desc description({source, weights, destination}, engine_);
#endif
    Held held{dnnl::matmul(description),
              memory(source, engine_, nullptr),
              memory(weights, engine_, nullptr),
              memory(destination, engine_, nullptr),
              {}};
    held.arguments = {{DNNL_ARG_SRC, held.source},
                      {DNNL_ARG_WEIGHTS, held.weights},
                      {DNNL_ARG_DST, held.destination}};
    return held_.emplace(key, std::move(held)).first->second;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<Key, Held> held_;
};

}  // namespace

std::unique_ptr<OnednnMatmul> make_onednn_matmul() {
  return std::make_unique<Matmul>();
}

}  // namespace tandem::cpu
