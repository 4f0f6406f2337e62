// A fixed set of threads that split one loop at a time: the only parallelism inside a backend.
//
// Use it for loops of microseconds that follow each other closely (the products of one decoder
// step). Between loops the workers spin for some ten microseconds and then park in the kernel, so
// that an idle pool costs nothing; a hand-over to a spinning worker costs about 0.1 us, waking a
// parked one some 5 to 50 us.
//
// The split is static and contiguous, so that the same worker meets the same weights again. The
// calling thread is worker 0. A pool of size 1 has no threads and calls the body directly. One
// loop at a time: a pool belongs to one Backend, which is used by one thread at a time.
//
// After fork() a child has none of the parent's threads: a pool that was made before the fork runs
// its loops on the calling thread alone in the child, with the same results.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace tandem {

class ThreadPool {
 public:
  // Throws Error{invalid_argument} for fewer than 1 or more than 1024 threads and
  // Error{resource_exhausted} when the system refuses to start one.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // Calls body(begin, end, worker) so that the ranges of all workers (0 <= worker < size()) cover
  // [0, count) once, in parallel, and returns when all are done. Empty ranges are not called. If
  // bodies throw, one of the exceptions reaches the caller after all have ended.
  template <class Body>
  void parallel_for(std::int64_t count, Body&& body) {
    if (count <= 0) return;
    if (size_ == 1 || count == 1) {
      body(std::int64_t{0}, count, 0);
      return;
    }
    using Function = std::remove_reference_t<Body>;
    run(
        count,
        [](const void* context, std::int64_t begin, std::int64_t end, int worker) {
          (*static_cast<Function*>(const_cast<void*>(context)))(begin, end, worker);
        },
        &body);
  }

 private:
  using Call = void (*)(const void* context, std::int64_t begin, std::int64_t end, int worker);

  void run(std::int64_t count, Call call, const void* context);
  void run_share(int worker) noexcept;
  void serve(int worker) noexcept;
  void stop() noexcept;

  int size_;
  std::uint64_t fork_generation_;
  std::vector<std::thread> threads_;

  // The loop in progress: written before `epoch_` is advanced, read by workers after they see it.
  std::int64_t count_ = 0;
  Call call_ = nullptr;
  const void* context_ = nullptr;
  bool stopping_ = false;
  std::atomic<std::uint32_t> epoch_{0};
  std::atomic<std::uint32_t> unfinished_{0};

  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace tandem
