// Many searches, one batch: collects the rows of all active searches, runs one decoder step, hands
// the answers back, and lets finished sentences leave at once. New ones may join between steps
// (continuous batching). Nothing here knows a strategy or a tensor.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "decoding/search.h"
#include "decoding/step_decoder.h"

namespace tandem {

class Loop {
 public:
  // `decoder` must outlive the loop.
  explicit Loop(StepDecoder& decoder) : decoder_(decoder) {}

  // Adds a search for a sentence that the decoder already knows. `tag` is the caller's own.
  void add(int sentence, std::size_t tag, std::unique_ptr<Search> search);

  // Sentences in flight.
  std::size_t active() const { return active_.size(); }

  struct Entry {
    int sentence = 0;
    std::size_t tag = 0;
    std::unique_ptr<Search> search;
    std::int64_t decoder_passes = 0;
  };

  // One decoder pass over all active searches. Searches that have finished, also those that had
  // nothing to do from the start, are moved to the end of `finished`; their sentences are released.
  void step(std::vector<Entry>& finished);

  // Takes out the active searches that `wanted` picks, wherever they are; their results so far
  // can still be read. Their sentences are released.
  std::vector<Entry> stop_if(const std::function<bool(const Entry&)>& wanted);

  const std::vector<Entry>& entries() const { return active_; }

 private:
  void take_if(const std::function<bool(const Entry&)>& wanted, std::vector<Entry>& taken);

  StepDecoder& decoder_;
  std::vector<Entry> active_;
  std::vector<SentenceRows> batch_;
  std::vector<Candidates> answers_;
};

}  // namespace tandem
