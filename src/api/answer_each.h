// Calls whose requests are answered one by one, each on its own: scoring, encoding. The workers of
// the engine take the next request as they become free.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "api/engine_state.h"
#include "api/workers.h"

namespace tandem {

// `answer(i, replica, backend)`, as run_workers gives them, may throw Error, which becomes that
// answer's.
template <class Answer, class Function>
std::vector<Answer> answer_each(EngineState& engine, std::size_t count, const CallOptions& call,
                                const Function& answer) {
  std::vector<Answer> answers(count);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::size_t done = 0;
  run_workers(engine, {.requests = count}, [&](EngineState& replica, Backend& backend) {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        if (call.cancel.stop_requested())
          throw Error(ErrorCode::cancelled, "the call was cancelled");
        answers[i] = answer(i, replica, backend);
      } catch (const Error& error) {
        answers[i].error = error;
      }
      if (!call.on_progress) continue;
      const std::lock_guard lock(mutex);
      call.on_progress(++done, count);
    }
  });
  return answers;
}

// The answer to a call with one request. Throws its error.
template <class Answer>
Answer only_answer(std::vector<Answer> answers) {
  if (answers.front().error) throw *answers.front().error;
  return std::move(answers.front());
}

}  // namespace tandem
