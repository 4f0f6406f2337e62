// The model behind the strategies: maps the rows of searches to slots of the decoder's cache, runs
// one forward pass over all of them, projects only the positions about which something is asked,
// and answers with candidates. Tensors stop here: searches see tokens and scores. For greedy
// searches on a GPU it runs passes ahead (run_ahead.h).
//
// One ModelDecoder serves one thread, with its Backend; the network is shared.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "api/run_ahead.h"
#include "decoding/step_decoder.h"
#include "kernels/backend.h"
#include "models/encoder_decoder.h"
#include "nn/decoder_state.h"
#include "nn/kv_cache.h"

namespace tandem {

class ModelDecoder : public StepDecoder {
 public:
  // Both must outlive the decoder. Of `passes_per_wait` passes all but the first run ahead.
  ModelDecoder(const EncoderDecoder& network, Backend& backend, int passes_per_wait);
  // As many as suit the backend.
  ModelDecoder(const EncoderDecoder& network, Backend& backend);

  // For calls of the network's other methods between steps, so that memory is used again.
  ModelWorkspace& workspace() { return workspace_; }

  // Takes a sentence in; the handle is what `step` and `release` mean by it. `shortlist`: the only
  // tokens that may come out, ascending, over which the softmax runs; empty: the whole vocabulary.
  // Throws Error{invalid_argument} when the shortlist is not ascending or outside the vocabulary.
  int add(std::shared_ptr<const EncodedSource> source, std::span<const TokenId> shortlist);

  void step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) override;
  void release(int sentence) override;

  // Whether a sentence holds answers of passes that ran ahead. One that is added now catches up
  // with it in passes of its own.
  bool holds_answers() const;

  // Positions in the cache now, over all sentences.
  std::int32_t cached_positions() { return state_.pool().live(); }

 private:
  struct Sentence {
    std::shared_ptr<const EncodedSource> source;
    std::vector<TokenId> shortlist;
    std::shared_ptr<const PackedLinear> restricted_output;  // null: the whole vocabulary
    RowTables rows;
    RunAhead ahead;
  };
  // A position whose scores are asked for.
  struct Question {
    const Sentence* sentence = nullptr;
    int handle = 0;
    std::int32_t hidden_row = 0;
    int position = 0;
    const CandidateQuery* query = nullptr;
    std::size_t answer = 0;  // where its candidates start in found_

    auto top_k() const { return static_cast<std::size_t>(query->top_k); }
  };

  Sentence& find(int handle);
  // Answers those whose answers are held; the others become asked_. Returns how many passes may run
  // over these at once.
  int take_held(std::span<const SentenceRows> sentences, std::span<Candidates> answers);
  // Takes the last `count` positions of its only row from the cache.
  void cut(Sentence& sentence, int count);
  std::int64_t expected_positions(std::span<const SentenceRows> sentences);
  void advance_caches(std::span<const SentenceRows> sentences);
  void plan_rows(std::span<const SentenceRows> sentences);
  void run_pass();
  // `most` or fewer: what the model has positions for, and the cache room without growing.
  int passes_in_bounds(int most);
  void run_passes(int passes);
  void hold_answers(int passes);
  // Where the attention of each fed token goes; null if none is wanted.
  float* const* plan_attention(std::span<const SentenceRows> sentences);
  // Copies the states that are wanted; false if none is. They are there after the next sync.
  bool fetch_hidden(std::span<const SentenceRows> sentences, ConstMatrixView hidden);
  // Into answers_ and found_; or, of queries for one candidate, into `chosen`, in device memory.
  void ask(ConstMatrixView hidden, Candidate* chosen);
  void ask_run(ConstMatrixView hidden, std::size_t first, std::size_t count,
               const PackedLinear& output, Candidate* chosen);
  void hand_out();

  const EncoderDecoder& network_;
  Backend& backend_;
  const int passes_per_wait_;
  ModelWorkspace workspace_;
  DecoderState state_;
  std::unordered_map<int, Sentence> sentences_;
  int next_handle_ = 0;

  // Of the current step; kept for their memory.
  std::vector<SentenceRows> asked_;     // of the pass
  std::vector<Candidates*> to_answer_;  // of each
  std::vector<RowChange> changes_;
  std::vector<DecoderRow> rows_;
  std::vector<Question> questions_;
  std::vector<std::int32_t> queried_rows_;
  std::vector<SelectQuery> queries_;
  std::vector<SelectAnswer> answers_;
  std::vector<Candidate> found_;
  // By fed token, empty where not wanted.
  std::vector<std::vector<float>> hidden_, attention_;
  std::vector<float*> attention_places_;
  // Of several passes, the first sentence's of the first pass first.
  std::unique_ptr<Buffer> chosen_;
  std::vector<Candidate> best_;
  std::vector<Candidate> following_;  // of one sentence
};

}  // namespace tandem
