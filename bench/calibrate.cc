// The limits of this machine: peak multiply-add rates and read bandwidth, in about a second.
//
// Every comparison prints these beside its results, so that a speed can be read as a share of what
// the hardware allows, and takes them again between measurements, so that a change of clock or a
// busy neighbour is noticed. `best` is the fastest slice of at most a millisecond or so: the limit.
// `mean` is the rate over the whole time: what the machine gave, the number to watch.
//
// Peaks count a multiply-add as 2 operations and come from independent chains in registers, of the
// widest kind that the CPU has. Bandwidth is that of 32-byte loads over a working set of half of
// L2, a quarter of L3, and 256 MiB a thread. Threads run at the same time and their rates add up.
//
// Usage: tandem_calibrate [--threads N] [--milliseconds N of each measurement]. Prints JSON.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

// 12 independent sums hide a latency of 4 cycles at 2 or 3 operations a cycle.
constexpr int kChains = 12;
constexpr std::int64_t kRounds = 40'000;  // of all chains in a slice: about 0.1 to 0.2 ms

// One slice of a peak measurement: kRounds * kChains times `code`, which adds to %0 from %1 and %2
// and may use register 15. Inline assembly, since compilers spoil loops of the integer form with
// register copies. A macro, since target and instruction must be literals.
#define TANDEM_PEAK_SLICE(name, isa, Vector, code)                                         \
  __attribute__((target(isa))) void name() {                                               \
    Vector sums[kChains] = {};                                                             \
    const Vector a = {}, b = {};                                                           \
    for (std::int64_t i = 0; i < kRounds; ++i) {                                           \
      for (Vector & sum : sums) asm volatile(code : "+x"(sum) : "x"(a), "x"(b) : "xmm15"); \
    }                                                                                      \
  }

TANDEM_PEAK_SLICE(float32_avx2, "avx2,fma", __m256, "vfmadd231ps %2, %1, %0")
TANDEM_PEAK_SLICE(float32_avx512, "avx512f", __m512, "vfmadd231ps %2, %1, %0")
TANDEM_PEAK_SLICE(bfloat16_avx512, "avx512f,avx512bf16", __m512, "vdpbf16ps %2, %1, %0")
TANDEM_PEAK_SLICE(int8_vnni, "avx512f,avx512vnni", __m512i, "vpdpbusd %2, %1, %0")
// Without VNNI the exact way is to widen to 16 bits, so this is what an exact int8 kernel can
// reach.
TANDEM_PEAK_SLICE(int8_avx2, "avx2", __m256i, "vpmaddwd %2, %1, %%ymm15\n\tvpaddd %%ymm15, %0, %0")

struct Rate {
  double best = 0;
  double mean = 0;
};

// Repeats `slice`, which does `work` units, for `seconds`. Units a second.
Rate measure(const std::function<void()>& slice, double work, double seconds) {
  using Seconds = std::chrono::duration<double>;
  Rate rate;
  double done = 0;
  slice();
  const Clock::time_point start = Clock::now();
  Clock::time_point now = start;
  do {
    const Clock::time_point before = now;
    slice();
    now = Clock::now();
    rate.best = std::max(rate.best, work / Seconds(now - before).count());
    done += work;
  } while (Seconds(now - start).count() < seconds);
  rate.mean = done / Seconds(now - start).count();
  return rate;
}

// What every thread measures for itself; prepared on that thread, so that memory is near it.
using Prepare = std::function<std::function<void()>()>;

// The sum of the rates of `threads` threads that run at the same time.
Rate measure_on(int threads, const Prepare& prepare, double work, double seconds) {
  std::vector<Rate> rates(static_cast<std::size_t>(threads));
  std::barrier start(threads);
  {
    std::vector<std::jthread> pool;
    for (Rate& rate : rates) {
      pool.emplace_back([&] {
        const std::function<void()> slice = prepare();
        start.arrive_and_wait();
        rate = measure(slice, work, seconds);
      });
    }
  }
  Rate sum;
  for (const Rate& rate : rates) {
    sum.best += rate.best;
    sum.mean += rate.mean;
  }
  return sum;
}

// Memory of its own pages, huge ones where the system gives them, written once.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) : bytes_(bytes) {
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    madvise(data_, bytes, MADV_HUGEPAGE);
    std::fill_n(static_cast<char*>(data_), bytes, char{1});
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { munmap(data_, bytes_); }

  const char* data() const { return static_cast<const char*>(data_); }

 private:
  void* data_;
  std::size_t bytes_;
};

__attribute__((target("avx2"))) void read_all(const char* data, std::size_t bytes) {
  const auto* at = reinterpret_cast<const __m256i*>(data);
  const auto* const end = reinterpret_cast<const __m256i*>(data + bytes);
  __m256i sums[4] = {};
  for (; at != end; at += 8) {
    for (int i = 0; i < 4; ++i) {
      sums[i] = _mm256_xor_si256(
          sums[i], _mm256_xor_si256(_mm256_load_si256(at + i), _mm256_load_si256(at + 4 + i)));
    }
  }
  for (const __m256i& sum : sums) asm volatile("" ::"x"(sum));
}

// Read bandwidth over `bytes` a thread, in slices of `slice_bytes`.
Rate bandwidth(int threads, std::size_t bytes, std::size_t slice_bytes, double seconds) {
  const Prepare prepare = [=] {
    const auto buffer = std::make_shared<Buffer>(bytes);
    return [=, offset = std::size_t{0}]() mutable {
      for (std::size_t done = 0; done < slice_bytes;) {
        const std::size_t part = std::min(slice_bytes - done, bytes - offset);
        read_all(buffer->data() + offset, part);
        offset = (offset + part) % bytes;
        done += part;
      }
    };
  };
  return measure_on(threads, prepare, static_cast<double>(slice_bytes), seconds);
}

// Bytes of a cache, rounded down to what read_all can do; `otherwise` if the system does not say.
std::size_t cache_bytes(int name, std::size_t otherwise) {
  const long bytes = sysconf(name);
  return (bytes > 0 ? static_cast<std::size_t>(bytes) : otherwise) / 4096 * 4096;
}

Rate peak(int threads, void (*slice)(), int operations, double seconds) {
  const double work = static_cast<double>(kRounds) * kChains * operations;
  return measure_on(
      threads, [=] { return std::function<void()>(slice); }, work, seconds);
}

void print(const char* name, Rate rate, const char* end = ",\n") {
  std::printf("  \"%s\": {\"best\": %.1f, \"mean\": %.1f}%s", name, rate.best * 1e-9,
              rate.mean * 1e-9, end);
}

void calibrate(int threads, double seconds) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw std::runtime_error("this CPU has no AVX2 and FMA, which calibration needs");
  }
  const bool avx512 = __builtin_cpu_supports("avx512f");
  std::printf("{\n  \"threads\": %d,\n", threads);
  print("float32_gflops", avx512 ? peak(threads, float32_avx512, 32, seconds)
                                 : peak(threads, float32_avx2, 16, seconds));
  if (__builtin_cpu_supports("avx512bf16")) {
    print("bfloat16_gflops", peak(threads, bfloat16_avx512, 64, seconds));
  }
  print("int8_gops", __builtin_cpu_supports("avx512vnni") ? peak(threads, int8_vnni, 128, seconds)
                                                          : peak(threads, int8_avx2, 32, seconds));
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const std::size_t l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, kMiB) / 2;
  const std::size_t l3 =
      cache_bytes(_SC_LEVEL3_CACHE_SIZE, 16 * kMiB) / 4 / static_cast<std::size_t>(threads);
  print("l2_gbs", bandwidth(threads, l2, 16 * kMiB, seconds));
  print("l3_gbs", bandwidth(threads, l3 / 4096 * 4096, 16 * kMiB, seconds));
  print("dram_gbs", bandwidth(threads, 256 * kMiB, 16 * kMiB, seconds), "\n}\n");
}

// The value of `option`, a positive whole number, or `otherwise`.
int option_value(const std::vector<std::string>& arguments, const std::string& option,
                 int otherwise) {
  const auto found = std::find(arguments.begin(), arguments.end(), option);
  if (found == arguments.end()) return otherwise;
  const int value = found + 1 == arguments.end() ? 0 : std::atoi((found + 1)->c_str());
  if (value <= 0) throw std::invalid_argument(option + " needs a positive number");
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    calibrate(option_value(arguments, "--threads", 1),
              option_value(arguments, "--milliseconds", 200) * 1e-3);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem_calibrate: %s\n", error.what());
    return 1;
  }
}
