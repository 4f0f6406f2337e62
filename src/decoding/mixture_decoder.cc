#include "decoding/mixture_decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "decoding/row_answer.h"

namespace tandem {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// log of the sum over k of exp(log_weights[k] + log-probability of one token in rows[k]).
float mix_token(std::span<const std::span<const Candidate>> rows,
                std::span<const double> log_weights, std::size_t token) {
  double maximum = kNever;
  for (std::size_t k = 0; k < rows.size(); ++k)
    maximum = std::max(maximum, log_weights[k] + rows[k][token].log_prob);
  if (maximum == kNever) return static_cast<float>(kNever);
  double sum = 0;
  for (std::size_t k = 0; k < rows.size(); ++k)
    sum += std::exp(log_weights[k] + rows[k][token].log_prob - maximum);
  return static_cast<float>(maximum + std::log(sum));
}

}  // namespace

int MixtureDecoder::mix(std::vector<int> sentences, std::vector<double> log_weights) {
  TANDEM_CHECK(!sentences.empty() && sentences.size() == log_weights.size());
  mixtures_.emplace(next_handle_, Mixture{std::move(sentences), std::move(log_weights)});
  return next_handle_--;
}

void MixtureDecoder::release(int sentence) {
  const auto found = mixtures_.find(sentence);
  if (found == mixtures_.end()) return inner_.release(sentence);
  for (const int part : found->second.sentences) inner_.release(part);
  mixtures_.erase(found);
}

void MixtureDecoder::step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) {
  if (mixtures_.empty()) return inner_.step(sentences, answers);
  batch_.clear();
  whole_rows_.clear();
  whole_rows_.reserve(sentences.size());  // spans into it are handed out
  for (const SentenceRows& sentence : sentences) {
    const auto found = mixtures_.find(sentence.sentence);
    if (found == mixtures_.end()) {
      batch_.push_back(sentence);
      continue;
    }
    std::vector<Row>& rows = whole_rows_.emplace_back(sentence.rows.begin(), sentence.rows.end());
    for (Row& row : rows)
      for (CandidateQuery& query : row.queries)
        if (query.top_k > 0) query = row_query(query, vocabulary_size_);
    for (const int part : found->second.sentences) batch_.push_back({part, rows});
  }
  inner_answers_.resize(batch_.size());
  inner_.step(batch_, inner_answers_);

  std::size_t next = 0;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto found = mixtures_.find(sentences[i].sentence);
    if (found == mixtures_.end()) {
      std::swap(answers[i], inner_answers_[next++]);
      continue;
    }
    const std::size_t parts = found->second.sentences.size();
    answer(found->second, sentences[i].rows, std::span(inner_answers_).subspan(next, parts),
           answers[i]);
    next += parts;
  }
}

void MixtureDecoder::answer(const Mixture& mixture, std::span<const Row> rows,
                            std::span<const Candidates> parts, Candidates& answers) {
  answers.clear();
  std::vector<std::span<const Candidate>> whole(parts.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t fed = 0; fed < rows[r].feed.size(); ++fed) {
      const CandidateQuery& query = rows[r].queries[fed];
      for (std::size_t k = 0; k < parts.size(); ++k) {
        whole[k] = parts[k].after(r, fed);
        TANDEM_CHECK(whole[k].size() == whole[0].size());
      }
      mixed_.assign(whole[0].begin(), whole[0].end());
      for (std::size_t token = 0; token < mixed_.size(); ++token)
        mixed_[token].log_prob = mix_token(whole, mixture.log_weights, token);
      if (query.top_k > 0) answer_over_row(query, mixed_);
      answers.append(mixed_);
    }
    answers.end_row();
  }
}

}  // namespace tandem
