#include "decoding/loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tandem {

void Loop::add(int sentence, std::size_t tag, std::unique_ptr<Search> search) {
  active_.push_back({sentence, tag, std::move(search), 0});
}

void Loop::take_if(const std::function<bool(const Entry&)>& wanted, std::vector<Entry>& taken) {
  const auto first = std::stable_partition(active_.begin(), active_.end(),
                                           [&](const Entry& entry) { return !wanted(entry); });
  for (auto entry = first; entry != active_.end(); ++entry) decoder_.release(entry->sentence);
  taken.insert(taken.end(), std::move_iterator(first), std::move_iterator(active_.end()));
  active_.erase(first, active_.end());
}

std::vector<Loop::Entry> Loop::stop_if(const std::function<bool(const Entry&)>& wanted) {
  std::vector<Entry> stopped;
  take_if(wanted, stopped);
  return stopped;
}

void Loop::step(std::vector<Entry>& finished) {
  const auto is_done = [](const Entry& entry) { return entry.search->rows().empty(); };
  take_if(is_done, finished);
  if (active_.empty()) return;
  batch_.clear();
  for (const Entry& entry : active_) entry.search->prepare(static_cast<int>(active_.size()));
  for (const Entry& entry : active_) batch_.push_back({entry.sentence, entry.search->rows()});
  answers_.resize(active_.size());
  decoder_.step(batch_, answers_);
  for (std::size_t i = 0; i < active_.size(); ++i) {
    ++active_[i].decoder_passes;
    active_[i].search->advance(answers_[i]);
  }
  take_if(is_done, finished);
}

}  // namespace tandem
