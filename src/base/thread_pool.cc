#include "base/thread_pool.h"

#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>

#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

constexpr int kMaxThreads = 1024;

// Pauses before parking: a pause is 40 to 140 cycles, so this is 10 to 40 us, longer than the gaps
// between the products of a step and shorter than a scheduler's slice.
constexpr int kSpins = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// How many forks lie between the first process and this one. The handler only adds to an atomic,
// which is safe in a child of a multi-threaded process.
std::atomic<std::uint64_t> g_forks{0};

std::uint64_t fork_generation() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return g_forks.load(std::memory_order_relaxed);
}

// Returns when `value` differs from `seen`: spins, then parks.
std::uint32_t wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t seen) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const std::uint32_t now = value.load(std::memory_order_acquire);
    if (now != seen) return now;
    pause();
  }
  std::uint32_t now = value.load(std::memory_order_acquire);
  while (now == seen) {
    value.wait(seen, std::memory_order_acquire);
    now = value.load(std::memory_order_acquire);
  }
  return now;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : size_(threads), fork_generation_(fork_generation()) {
  if (threads < 1 || threads > kMaxThreads)
    throw Error(ErrorCode::invalid_argument, "starting a thread pool: expected 1 to " +
                                                 std::to_string(kMaxThreads) + " threads, found " +
                                                 std::to_string(threads));
  try {
    threads_.reserve(static_cast<std::size_t>(threads - 1));
    for (int worker = 1; worker < threads; ++worker)
      threads_.emplace_back([this, worker] { serve(worker); });
  } catch (const std::system_error& error) {
    stop();
    throw Error(ErrorCode::resource_exhausted,
                "starting a thread pool of " + std::to_string(threads) +
                    " threads: the system refused one: " + error.what(),
                "use fewer threads");
  }
}

ThreadPool::~ThreadPool() {
  if (fork_generation_ == fork_generation()) {
    stop();
    return;
  }
  for (std::thread& thread : threads_) thread.detach();  // they live in the parent only
}

void ThreadPool::run(std::int64_t count, Call call, const void* context) {
  if (fork_generation_ != fork_generation()) {
    call(context, 0, count, 0);
    return;
  }
  TANDEM_CHECK(unfinished_.load(std::memory_order_relaxed) == 0);  // one loop at a time
  count_ = count;
  call_ = call;
  context_ = context;
  unfinished_.store(static_cast<std::uint32_t>(size_ - 1), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  run_share(0);
  std::uint32_t left = unfinished_.load(std::memory_order_acquire);
  while (left != 0) left = wait_while_equal(unfinished_, left);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::run_share(int worker) noexcept {
  // Quotient and remainder apart, so that count * worker cannot overflow.
  const std::int64_t share = count_ / size_, extra = count_ % size_;
  const auto first = [&](std::int64_t w) { return share * w + (w < extra ? w : extra); };
  const std::int64_t begin = first(worker), end = first(worker + 1);
  if (begin == end) return;
  try {
    call_(context_, begin, end, worker);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

void ThreadPool::serve(int worker) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    seen = wait_while_equal(epoch_, seen);
    if (stopping_) return;
    run_share(worker);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  }
}

void ThreadPool::stop() noexcept {
  stopping_ = true;
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace tandem
