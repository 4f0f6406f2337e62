#include "api/delivery.h"

#include <utility>

namespace tandem {

Delivery::Delivery(const CallOptions& call, const Tokenizer& tokenizer, std::span<Output> outputs)
    : call_(call), tokenizer_(tokenizer), outputs_(outputs) {
  if (call_.on_text) streams_.assign(outputs.size(), TextStream(tokenizer));
  for (const Output& output : outputs) done_ += output.error ? 1 : 0;
  if (call_.on_progress && done_ > 0) call_.on_progress(done_, outputs_.size());
}

Flow Delivery::settled(const Loop::Entry& entry) {
  if (!call_.on_text) return Flow::proceed;
  const std::span<const TokenId> ids = entry.search->settled();
  const std::lock_guard lock(mutex_);
  const std::string_view text = streams_[entry.tag].advance(ids);
  return text.empty() ? Flow::proceed : call_.on_text({entry.tag, text, ids.size()});
}

void Delivery::finished(std::size_t tag, Output output) {
  for (Hypothesis& hypothesis : output.hypotheses) hypothesis.text = tokenizer_.decode(hypothesis.ids);
  const std::lock_guard lock(mutex_);
  outputs_[tag] = std::move(output);
  if (call_.on_text && !outputs_[tag].hypotheses.empty()) {
    const Hypothesis& best = outputs_[tag].hypotheses.front();
    const std::string_view rest = streams_[tag].finish(best.text);
    if (!rest.empty()) call_.on_text({tag, rest, best.ids.size()});
  }
  ++done_;
  if (call_.on_progress) call_.on_progress(done_, outputs_.size());
}

void Delivery::failed(std::size_t tag, const Error& error) {
  Output output;
  output.error = error;
  finished(tag, std::move(output));
}

}  // namespace tandem
