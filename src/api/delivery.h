// Hands finished work of one call to the caller: answers into their places, streamed text and
// progress to the callbacks. Workers share one Delivery; callbacks run one at a time.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

#include <tandem/options.h>
#include <tandem/output.h>

#include "api/stream.h"
#include "decoding/loop.h"

namespace tandem {

class Delivery {
 public:
  // `call`, `tokenizer` and `outputs` must outlive the delivery. Outputs that hold an error already
  // count as done.
  Delivery(const CallOptions& call, const Tokenizer& tokenizer, std::span<Output> outputs);

  // Streams what has settled in a running search. Flow::stop: the caller ends this search.
  Flow settled(const Loop::Entry& entry);

  // The answer to request `tag`.
  void finished(std::size_t tag, Output output);
  void failed(std::size_t tag, const Error& error);

  bool cancelled() const { return call_.cancel.stop_requested(); }

 private:
  const CallOptions& call_;
  const Tokenizer& tokenizer_;
  std::span<Output> outputs_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::vector<TextStream> streams_;  // one a request; empty without an on_text callback
};

}  // namespace tandem
