// Measures what decoder passes over several rows cost on this device: the table by which the length
// of drafts is chosen (decoding/draft_length.h). Timings never change an output, only how many
// passes it takes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "decoding/pass_costs.h"
#include "kernels/backend.h"
#include "models/encoder_decoder.h"

namespace tandem {

// Runs passes of 1 to 32 rows behind a few cached ones, once, and again while less than 10 ms have
// passed; the fastest of each counts, in seconds: on a CPU of this thread's work, since the time of
// other programs would make drafts too short or too long. About as much work as one sentence,
// without an encoder: `source` may be any. Throws Error as ModelDecoder::step.
PassCosts measure_passes(const EncoderDecoder& network, Backend& backend,
                         std::shared_ptr<const EncodedSource> source);

// The tables of one engine, each measured when it is first asked for. Thread-safe.
class MeasuredPasses {
 public:
  // For backends like this one. Null if the measurement failed.
  std::shared_ptr<const PassCosts> get(const EncoderDecoder& network, Backend& backend,
                                       const std::shared_ptr<const EncodedSource>& source);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const PassCosts>> by_backend_;  // Backend::name()
};

}  // namespace tandem
