#include "api/model_decoder.h"

#include <algorithm>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

// Logits that are held at once, in floats: 64 MB. A long draft over a large vocabulary is projected
// in pieces; a row's numbers do not depend on the pieces.
constexpr std::int64_t kMaxLogits = std::int64_t{16} << 20;

// Positions for which the cache is made in advance, at most: in base size, 50 MB in float16 if all
// of them are written.
constexpr std::int64_t kMostExpected = 4096;

void check_shortlist(std::span<const TokenId> shortlist, std::int64_t vocabulary) {
  TokenId previous = -1;
  for (const TokenId id : shortlist) {
    if (id <= previous || id >= vocabulary)
      throw Error(ErrorCode::invalid_argument,
                  "the shortlist has the token id " + std::to_string(id) + " after " +
                      std::to_string(previous) + "; expected ascending ids below " +
                      std::to_string(vocabulary));
    previous = id;
  }
}

bool any_row(std::span<const SentenceRows> sentences, bool Row::*wanted) {
  for (const SentenceRows& lines : sentences)
    for (const Row& row : lines.rows)
      if (row.*wanted) return true;
  return false;
}

}  // namespace

ModelDecoder::ModelDecoder(const EncoderDecoder& network, Backend& backend)
    : network_(network), backend_(backend), state_(network.new_state(backend)) {}

int ModelDecoder::add(std::shared_ptr<const EncodedSource> source,
                      std::span<const TokenId> shortlist) {
  check_shortlist(shortlist, network_.spec().target_vocabulary);
  Sentence sentence;
  sentence.source = std::move(source);
  sentence.shortlist.assign(shortlist.begin(), shortlist.end());
  if (!shortlist.empty())
    sentence.restricted_output = backend_.select_outputs(network_.output(), shortlist);
  sentences_.emplace(next_handle_, std::move(sentence));
  return next_handle_++;
}

void ModelDecoder::release(int sentence) {
  find(sentence).rows.clear(state_.pool());
  sentences_.erase(sentence);
}

ModelDecoder::Sentence& ModelDecoder::find(int handle) {
  const auto found = sentences_.find(handle);
  TANDEM_CHECK(found != sentences_.end());
  return found->second;
}

void ModelDecoder::step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) {
  TANDEM_CHECK(sentences.size() == answers.size());
  advance_caches(sentences);
  plan_rows(sentences);
  if (!rows_.empty()) {
    float* const* attention = plan_attention(sentences);
    const ConstMatrixView hidden = network_.decode(backend_, rows_, state_, workspace_, attention);
    const bool has_fetched = fetch_hidden(sentences, hidden);
    ask(hidden);
    if (has_fetched || attention != nullptr) backend_.sync();
  }
  hand_out(sentences, answers);
}

// Of whole outputs. Few are longer than twice the source.
std::int64_t ModelDecoder::expected_positions(std::span<const SentenceRows> sentences) {
  std::int64_t expected = 0;
  for (const SentenceRows& sentence : sentences)
    expected += 2 * static_cast<std::int64_t>(find(sentence.sentence).source->ids.size() *
                                              sentence.rows.size());
  return std::min(expected, kMostExpected);
}

void ModelDecoder::advance_caches(std::span<const SentenceRows> sentences) {
  std::int64_t appended = 0;
  for (const SentenceRows& sentence : sentences)
    for (const Row& row : sentence.rows) appended += static_cast<std::int64_t>(row.feed.size());
  // When the cache grows, it grows to what is expected and not step by step: what is never written
  // takes no memory on a CPU.
  const SlotPool& pool = state_.pool();
  if (appended > pool.available())
    state_.reserve(std::max(appended, expected_positions(sentences) - pool.live()));
  for (const SentenceRows& sentence : sentences) {
    changes_.clear();
    for (const Row& row : sentence.rows) {
      TANDEM_CHECK(!row.feed.empty() && row.queries.size() == row.feed.size());
      changes_.push_back({row.parent, row.keep, static_cast<int>(row.feed.size())});
    }
    find(sentence.sentence).rows.advance(state_.pool(), changes_);
  }
}

void ModelDecoder::plan_rows(std::span<const SentenceRows> sentences) {
  rows_.clear();
  questions_.clear();
  std::size_t asked = 0;
  std::int32_t hidden_row = 0;
  for (const SentenceRows& lines : sentences) {
    const Sentence& sentence = find(lines.sentence);
    for (std::size_t r = 0; r < lines.rows.size(); ++r) {
      const Row& row = lines.rows[r];
      rows_.push_back({sentence.source.get(), row.feed, sentence.rows.slots(r)});
      for (std::size_t i = 0; i < row.feed.size(); ++i, ++hidden_row) {
        if (row.queries[i].top_k <= 0) continue;
        questions_.push_back({&sentence, lines.sentence, hidden_row, row.keep + static_cast<int>(i),
                              &row.queries[i], asked});
        asked += questions_.back().top_k();
      }
    }
  }
  found_.resize(asked);
}

float* const* ModelDecoder::plan_attention(std::span<const SentenceRows> sentences) {
  if (!any_row(sentences, &Row::wants_attention)) return nullptr;
  TANDEM_CHECK(network_.spec().guided_alignment_layer >= 0);
  attention_.clear();
  attention_places_.clear();
  for (const SentenceRows& lines : sentences) {
    const std::size_t source_length = find(lines.sentence).source->ids.size();
    for (const Row& row : lines.rows) {
      const std::vector<float> weights(row.wants_attention ? source_length : 0);
      attention_.resize(attention_.size() + row.feed.size(), weights);
    }
  }
  for (std::vector<float>& weights : attention_)
    attention_places_.push_back(weights.empty() ? nullptr : weights.data());
  return attention_places_.data();
}

bool ModelDecoder::fetch_hidden(std::span<const SentenceRows> sentences, ConstMatrixView hidden) {
  if (!any_row(sentences, &Row::wants_hidden)) return false;
  hidden_.assign(static_cast<std::size_t>(hidden.rows()), {});
  std::int64_t next = 0;
  for (const SentenceRows& lines : sentences) {
    for (const Row& row : lines.rows) {
      for (std::size_t i = 0; i < row.feed.size(); ++i, ++next) {
        if (!row.wants_hidden) continue;
        std::vector<float>& state = hidden_[static_cast<std::size_t>(next)];
        state.resize(static_cast<std::size_t>(hidden.cols()));
        backend_.to_host(state.data(), hidden.row<float>(next), state.size() * sizeof(float));
      }
    }
  }
  return true;
}

// Neighbouring questions with the same output matrix are one product.
void ModelDecoder::ask(ConstMatrixView hidden) {
  answers_.assign(questions_.size(), {});
  for (std::size_t first = 0; first < questions_.size();) {
    const PackedLinear* restricted = questions_[first].sentence->restricted_output.get();
    const PackedLinear& output = restricted != nullptr ? *restricted : network_.output();
    const auto most =
        static_cast<std::size_t>(std::max<std::int64_t>(kMaxLogits / output.outputs(), 1));
    std::size_t end = first + 1;
    while (end < questions_.size() && end - first < most &&
           questions_[end].sentence->restricted_output.get() == restricted)
      ++end;
    ask_run(hidden, first, end - first, output);
    first = end;
  }
}

void ModelDecoder::ask_run(ConstMatrixView hidden, std::size_t first, std::size_t count,
                           const PackedLinear& output) {
  queried_rows_.clear();
  queries_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const Question& question = questions_[first + i];
    const std::vector<TokenId>& shortlist = question.sentence->shortlist;
    queried_rows_.push_back(question.hidden_row);
    queries_.push_back({static_cast<std::int64_t>(i), question.query,
                        shortlist.empty() ? nullptr : shortlist.data(), output.outputs()});
  }
  const MatrixView logits = network_.project(backend_, hidden, queried_rows_, output, workspace_);
  // Neighbours that ask for as many candidates are one call.
  for (std::size_t i = 0; i < count;) {
    const Question& question = questions_[first + i];
    std::size_t end = i + 1;
    while (end < count && questions_[first + end].top_k() == question.top_k()) ++end;
    backend_.select(logits, std::span(queries_).subspan(i, end - i),
                    std::span(answers_).subspan(first + i, end - i),
                    found_.data() + question.answer, question.top_k());
    i = end;
  }
  for (std::size_t i = first; i < first + count; ++i) check_answer(questions_[i], answers_[i]);
}

void ModelDecoder::check_answer(const Question& question, const SelectAnswer& answer) const {
  if (answer.status == SelectStatus::ok) return;
  throw Error(ErrorCode::internal,
              "the scores of sentence " + std::to_string(question.handle) + " after position " +
                  std::to_string(question.position) + " are not numbers (NaN)",
              "the weights or their type cannot hold this input; try compute type float32");
}

void ModelDecoder::hand_out(std::span<const SentenceRows> sentences,
                            std::span<Candidates> answers) {
  std::size_t question = 0, fed = 0;
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    answers[s].clear();
    for (const Row& row : sentences[s].rows) {
      for (const CandidateQuery& query : row.queries) {
        std::span<const Candidate> answer;
        if (query.top_k > 0) {
          answer = {found_.data() + questions_[question].answer,
                    static_cast<std::size_t>(answers_[question].count)};
          ++question;
        }
        if (row.wants_hidden) answers[s].set_hidden(std::move(hidden_[fed]));
        if (row.wants_attention) answers[s].set_attention(std::move(attention_[fed]));
        answers[s].append(answer);
        ++fed;
      }
      answers[s].end_row();
    }
  }
}

}  // namespace tandem
