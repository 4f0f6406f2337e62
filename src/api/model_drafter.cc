#include "api/model_drafter.h"

#include <algorithm>

namespace tandem {

ModelDrafter::ModelDrafter(const EncoderDecoder& network, std::shared_ptr<ModelDecoder> decoder,
                           std::shared_ptr<const EncodedSource> source, double cost_per_token)
    : network_(network),
      decoder_(std::move(decoder)),
      sentence_(decoder_->add(std::move(source), {})),
      cost_per_token_(cost_per_token) {}

ModelDrafter::~ModelDrafter() {
  decoder_->release(sentence_);
}

std::vector<TokenId> ModelDrafter::propose(std::span<const TokenId> output, int limit) {
  std::vector<TokenId> history{network_.spec().decoder_start_token};
  history.insert(history.end(), output.begin(), output.end());
  const auto differing =
      std::mismatch(history.begin(), history.end() - 1, cached_.begin(), cached_.end()).first;
  auto keep = static_cast<std::size_t>(differing - history.begin());

  const std::vector<TokenId>& ends = network_.spec().eos_tokens;
  std::vector<TokenId> draft;
  std::vector<TokenId> feed(differing, history.end());
  while (draft.size() < static_cast<std::size_t>(limit) && has_room(keep + feed.size())) {
    const std::size_t fed = feed.size();
    const TokenId token = best_after(keep, std::move(feed));
    if (token < 0 || std::find(ends.begin(), ends.end(), token) != ends.end()) break;
    draft.push_back(token);
    keep += fed;
    feed = {token};
  }
  return draft;
}

bool ModelDrafter::has_room(std::size_t positions) const {
  const std::int64_t most = network_.max_target_positions();
  return most == 0 || positions <= static_cast<std::size_t>(most);
}

TokenId ModelDrafter::best_after(std::size_t keep, std::vector<TokenId> tokens) {
  Row row;
  row.parent = cached_.empty() ? -1 : 0;
  row.keep = static_cast<int>(keep);
  row.feed = std::move(tokens);
  row.queries.resize(row.feed.size());
  for (CandidateQuery& query : row.queries) query.top_k = 0;
  row.queries.back().top_k = 1;
  row.queries.back().space = ScoreSpace::logits;

  const SentenceRows line{sentence_, std::span(&row, 1)};
  Candidates answers;
  decoder_->step(std::span(&line, 1), std::span(&answers, 1));
  cached_.resize(keep);
  cached_.insert(cached_.end(), row.feed.begin(), row.feed.end());
  const auto answer = answers.after(0, row.feed.size() - 1);
  return answer.empty() ? -1 : answer.front().token;
}

}  // namespace tandem
