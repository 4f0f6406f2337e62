// All that decoding may ask of a model. Implemented by api/model_decoder.h over a loaded model and
// by tests/support/table_decoder.h over a table.
#pragma once

#include <span>

#include "base/candidate.h"
#include "decoding/search.h"

namespace tandem {

// The rows of one sentence in this step. `sentence` is the handle under which the decoder knows
// the source (its encoder output and caches).
struct SentenceRows {
  int sentence = 0;
  std::span<const Row> rows;
};

class StepDecoder {
 public:
  virtual ~StepDecoder() = default;

  // Runs one forward pass over all rows of all sentences and answers every query.
  //
  // For each sentence, row r continues the cache of row rows[r].parent of the sentence's previous
  // step (-1 only in its first step), cut to rows[r].keep positions, and appends feed.size()
  // positions. Rows of the previous step that are no parent are forgotten.
  // answers[i] (cleared here) receives one answer for each row and fed token of sentences[i], and
  // what the row wants besides.
  // The answers to a sentence do not depend on the other sentences.
  // Throws Error: internal (a row's scores are NaN; the message names sentence and position),
  // resource_exhausted.
  virtual void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) = 0;

  // Forgets a sentence and frees its caches.
  virtual void release(int sentence) = 0;
};

}  // namespace tandem
