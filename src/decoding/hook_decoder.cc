#include "decoding/hook_decoder.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/check.h"
#include "decoding/row_answer.h"
#include "decoding/user_callback.h"

namespace tandem {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr const char* kWhat = "changes scores";  // for messages

}  // namespace

std::unique_ptr<LogitsHook> clone_hook(const LogitsHook& hook) {
  std::unique_ptr<LogitsHook> copy = call_user(kWhat, [&] { return hook.clone(); });
  if (copy == nullptr) throw Error(ErrorCode::invalid_argument, "a logits hook cloned to null");
  return copy;
}

void HookDecoder::attach(int sentence, std::shared_ptr<const LogitsHook> hook) {
  TANDEM_CHECK(hook != nullptr);
  hooked_.emplace(sentence, Hooked{std::move(hook), {}});
}

void HookDecoder::release(int sentence) {
  hooked_.erase(sentence);
  inner_.release(sentence);
}

void HookDecoder::step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) {
  if (hooked_.empty()) return inner_.step(sentences, answers);
  batch_.assign(sentences.begin(), sentences.end());
  whole_rows_.clear();
  whole_rows_.reserve(sentences.size());  // spans into it are handed out
  for (SentenceRows& lines : batch_) {
    const auto found = hooked_.find(lines.sentence);
    if (found == hooked_.end()) continue;
    advance(found->second, lines.rows);
    whole_rows_.push_back(ask_whole_rows(lines.rows));
    lines.rows = whole_rows_.back();
  }
  inner_.step(batch_, answers);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto found = hooked_.find(sentences[i].sentence);
    if (found != hooked_.end()) answer(found->second, sentences[i].rows, answers[i]);
  }
}

void HookDecoder::advance(Hooked& hooked, std::span<const Row> rows) const {
  std::vector<States> next;
  for (const Row& row : rows) {
    States states;
    if (row.parent >= 0) states = hooked.rows[static_cast<std::size_t>(row.parent)];
    states.resize(static_cast<std::size_t>(row.keep));
    for (const TokenId token : row.feed) {
      if (states.empty()) {  // position 0 is the start token's, which nobody chose
        states.push_back(hooked.beginning);
        continue;
      }
      std::unique_ptr<LogitsHook> hook = clone_hook(*states.back());
      call_user(kWhat, [&] { hook->advance(token); });
      states.push_back(std::move(hook));
    }
    next.push_back(std::move(states));
  }
  hooked.rows = std::move(next);
}

std::vector<Row> HookDecoder::ask_whole_rows(std::span<const Row> rows) const {
  std::vector<Row> whole(rows.begin(), rows.end());
  for (Row& row : whole) {
    for (CandidateQuery& query : row.queries) {
      if (query.top_k == 0) continue;
      query.mask = {};
      query = row_query(query, vocabulary_size_);
    }
  }
  return whole;
}

void HookDecoder::answer(const Hooked& hooked, std::span<const Row> rows, Candidates& answers) {
  answers.rewrite([&](std::size_t r, std::size_t fed, std::vector<Candidate>& row) {
    const CandidateQuery& query = rows[r].queries[fed];
    if (query.top_k == 0) return;
    change(*hooked.rows[r][static_cast<std::size_t>(rows[r].keep) + fed], row);
    rank_row(query, row);
  });
}

void HookDecoder::change(const LogitsHook& hook, std::vector<Candidate>& row) {
  scores_.assign(static_cast<std::size_t>(vocabulary_size_), kNever);
  for (const Candidate& candidate : row)
    scores_[static_cast<std::size_t>(candidate.token)] = candidate.score;
  call_user(kWhat, [&] { hook.change(scores_); });
  for (Candidate& candidate : row) {
    const float changed = scores_[static_cast<std::size_t>(candidate.token)];
    if (std::isnan(changed) || changed == -kNever)
      throw Error(ErrorCode::invalid_argument,
                  "the logits hook gave token " + std::to_string(candidate.token) + " the score " +
                      std::to_string(changed) + "; expected a finite number or -infinity");
    if (candidate.score == kNever) continue;
    candidate.hook_change = changed - candidate.score;
    candidate.score = changed;
  }
}

}  // namespace tandem
