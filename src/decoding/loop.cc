#include "decoding/loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tandem {

void Loop::add(int sentence, std::size_t tag, std::unique_ptr<Search> search) {
  active_.push_back({sentence, tag, std::move(search), 0});
}

void Loop::step(std::vector<Entry>& finished) {
  const auto retire = [&] {
    const auto done = std::stable_partition(active_.begin(), active_.end(), [](const Entry& entry) {
      return !entry.search->rows().empty();
    });
    for (auto entry = done; entry != active_.end(); ++entry) decoder_.release(entry->sentence);
    finished.insert(finished.end(), std::move_iterator(done), std::move_iterator(active_.end()));
    active_.erase(done, active_.end());
  };

  retire();
  if (active_.empty()) return;
  batch_.clear();
  for (const Entry& entry : active_) batch_.push_back({entry.sentence, entry.search->rows()});
  answers_.resize(active_.size());
  decoder_.step(batch_, answers_);
  for (std::size_t i = 0; i < active_.size(); ++i) {
    ++active_[i].decoder_passes;
    active_[i].search->advance(answers_[i]);
  }
  retire();
}

}  // namespace tandem
