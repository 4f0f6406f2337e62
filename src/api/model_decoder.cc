#include "api/model_decoder.h"

#include <algorithm>
#include <cmath>
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

void check_answer(const SelectAnswer& answer, int sentence, int position) {
  if (answer.status == SelectStatus::ok) return;
  throw Error(ErrorCode::internal,
              "the scores of sentence " + std::to_string(sentence) + " after position " +
                  std::to_string(position) + " are not numbers (NaN)",
              "the weights or their type cannot hold this input; try compute type float32");
}

// Of Backend::select_best.
SelectAnswer answer_of(const Candidate& best) {
  if (best.token >= 0) return {1, SelectStatus::ok};
  return {0, std::isnan(best.log_prob) ? SelectStatus::not_a_number : SelectStatus::ok};
}

int suitable_passes(const EncoderDecoder& network, const Backend& backend) {
  const bool fits = network.output().outputs() <= Backend::kMostBestColumns;
  return fits && backend.prefers_running_ahead() ? kPassesPerWait : 1;
}

}  // namespace

ModelDecoder::ModelDecoder(const EncoderDecoder& network, Backend& backend, int passes_per_wait)
    : network_(network),
      backend_(backend),
      passes_per_wait_(passes_per_wait),
      state_(network.new_state(backend)) {}

ModelDecoder::ModelDecoder(const EncoderDecoder& network, Backend& backend)
    : ModelDecoder(network, backend, suitable_passes(network, backend)) {}

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
  const int most_passes = take_held(sentences, answers);
  advance_caches(asked_);
  plan_rows(asked_);
  const int passes = passes_in_bounds(most_passes);
  if (passes > 1)
    run_passes(passes);
  else if (!rows_.empty())
    run_pass();
  for (std::size_t i = 0; i < questions_.size(); ++i)
    check_answer(answers_[i], questions_[i].handle, questions_[i].position);
  if (passes > 1) hold_answers(passes);
  hand_out();
}

bool ModelDecoder::holds_answers() const {
  return passes_per_wait_ > 1 && std::ranges::any_of(sentences_, [](const auto& entry) {
           return entry.second.ahead.held() > 0;
         });
}

// Those that hold answers and those that need a pass shall need the next one together.
int ModelDecoder::take_held(std::span<const SentenceRows> sentences,
                            std::span<Candidates> answers) {
  int passes = passes_per_wait_;
  asked_.clear();
  to_answer_.clear();
  for (std::size_t s = 0; s < sentences.size(); ++s) {
    answers[s].clear();
    const auto& [handle, rows] = sentences[s];
    if (passes_per_wait_ > 1) {
      Sentence& sentence = find(handle);
      if (sentence.ahead.answers(rows)) {
        const Candidate best = sentence.ahead.take();
        const SelectAnswer answer = answer_of(best);
        check_answer(answer, handle, rows.front().keep);
        answers[s].append({&best, static_cast<std::size_t>(answer.count)});
        answers[s].end_row();
        passes = std::min(passes, 1 + sentence.ahead.held());
        continue;
      }
      cut(sentence, sentence.ahead.ask(rows));
      if (!sentence.ahead.may_run()) passes = 1;
    }
    asked_.push_back(sentences[s]);
    to_answer_.push_back(&answers[s]);
  }
  return passes;
}

void ModelDecoder::cut(Sentence& sentence, int count) {
  if (count == 0) return;
  const int cached = static_cast<int>(sentence.rows.slots(0).size());
  const RowChange change{.parent = 0, .keep = cached - count, .append = 0};
  sentence.rows.advance(state_.pool(), {&change, 1});
}

void ModelDecoder::run_pass() {
  float* const* attention = plan_attention(asked_);
  const ConstMatrixView hidden = network_.decode(backend_, rows_, state_, workspace_, attention);
  const bool has_fetched = fetch_hidden(asked_, hidden);
  ask(hidden, nullptr);
  if (has_fetched || attention != nullptr) backend_.sync();
}

int ModelDecoder::passes_in_bounds(int most) {
  if (most == 1 || rows_.empty()) return 1;
  std::int64_t passes = most;
  const std::int64_t positions = network_.max_target_positions();
  for (const DecoderRow& row : rows_)
    if (positions > 0)
      passes = std::min(passes, 1 + positions - static_cast<std::int64_t>(row.slots.size()));
  const std::int64_t room = state_.pool().available() / static_cast<std::int64_t>(rows_.size());
  return static_cast<int>(std::max<std::int64_t>(std::min(passes, 1 + room), 1));
}

// Each sentence has one row, which feeds one token, and one question.
void ModelDecoder::run_passes(int passes) {
  const std::size_t count = rows_.size(), all = count * static_cast<std::size_t>(passes);
  if (!chosen_ || chosen_->bytes() < all * sizeof(Candidate))
    chosen_ = backend_.allocate(2 * all * sizeof(Candidate));
  auto* const chosen = static_cast<Candidate*>(chosen_->data());
  ask(network_.decode(backend_, rows_, state_, workspace_), chosen);
  for (std::size_t done = count; done < all; done += count) {
    for (std::size_t i = 0; i < count; ++i) {
      RowTables& rows = find(asked_[i].sentence).rows;
      const int cached = static_cast<int>(rows.slots(0).size());
      const RowChange change{.parent = 0, .keep = cached, .append = 1};
      rows.advance(state_.pool(), {&change, 1});
      rows_[i].slots = rows.slots(0);
    }
    const Candidate* fed = chosen + (done - count);
    ask(network_.decode_chosen(backend_, fed, rows_, state_, workspace_), chosen + done);
  }
  best_.resize(all);
  backend_.to_host(best_.data(), chosen, all * sizeof(Candidate));
  for (std::size_t i = 0; i < count; ++i) {
    answers_[i] = answer_of(best_[i]);
    found_[i] = best_[i];
  }
}

// What follows a token that is not counted was computed at another position than its own.
void ModelDecoder::hold_answers(int passes) {
  const std::size_t count = rows_.size();
  for (std::size_t i = 0; i < count; ++i) {
    following_.clear();
    for (std::size_t at = i + count; at < best_.size(); at += count) {
      if (network_.is_uncounted(best_[at - count].token)) break;
      following_.push_back(best_[at]);
    }
    Sentence& sentence = find(asked_[i].sentence);
    cut(sentence, passes - 1 - static_cast<int>(following_.size()));
    sentence.ahead.hold(best_[i], following_);
  }
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
void ModelDecoder::ask(ConstMatrixView hidden, Candidate* chosen) {
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
    ask_run(hidden, first, end - first, output, chosen);
    first = end;
  }
}

void ModelDecoder::ask_run(ConstMatrixView hidden, std::size_t first, std::size_t count,
                           const PackedLinear& output, Candidate* chosen) {
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
  if (chosen != nullptr) return backend_.select_best(logits, queries_, chosen + first);
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
}

void ModelDecoder::hand_out() {
  std::size_t question = 0, fed = 0;
  for (std::size_t s = 0; s < asked_.size(); ++s) {
    Candidates& answers = *to_answer_[s];
    for (const Row& row : asked_[s].rows) {
      for (const CandidateQuery& query : row.queries) {
        std::span<const Candidate> answer;
        if (query.top_k > 0) {
          answer = {found_.data() + questions_[question].answer,
                    static_cast<std::size_t>(answers_[question].count)};
          ++question;
        }
        if (row.wants_hidden) answers.set_hidden(std::move(hidden_[fed]));
        if (row.wants_attention) answers.set_attention(std::move(attention_[fed]));
        answers.append(answer);
        ++fed;
      }
      answers.end_row();
    }
  }
}

}  // namespace tandem
