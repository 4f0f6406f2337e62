#include "decoding/mixture_decoder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "decoding/row_answer.h"
#include "decoding/weighted_mean.h"

namespace tandem {

int MixtureDecoder::mix(std::vector<Part> parts, std::unique_ptr<RowRule> rule) {
  TANDEM_CHECK(!parts.empty() && rule != nullptr);
  mixtures_.emplace(next_handle_, Mixture{std::move(parts), std::move(rule)});
  return next_handle_--;
}

int MixtureDecoder::mix(const std::vector<int>& sentences, std::vector<double> log_weights) {
  TANDEM_CHECK(sentences.size() == log_weights.size());
  std::vector<Part> parts;
  for (const int sentence : sentences) parts.push_back({&inner_, sentence});
  return mix(std::move(parts), std::make_unique<WeightedMean>(std::move(log_weights)));
}

MixtureDecoder::Mixture* MixtureDecoder::find(int sentence) {
  const auto found = mixtures_.find(sentence);
  return found == mixtures_.end() ? nullptr : &found->second;
}

void MixtureDecoder::release(int sentence) {
  const Mixture* mixture = find(sentence);
  if (mixture == nullptr) return inner_.release(sentence);
  for (const Part& part : mixture->parts) part.decoder->release(part.sentence);
  mixtures_.erase(sentence);
}

MixtureDecoder::Pass& MixtureDecoder::pass_of(StepDecoder* decoder) {
  const auto found = std::find_if(passes_.begin(), passes_.end(),
                                  [&](const Pass& pass) { return pass.decoder == decoder; });
  if (found != passes_.end()) return *found;
  passes_.push_back({decoder, {}, {}, 0});
  return passes_.back();
}

void MixtureDecoder::step(std::span<const SentenceRows> sentences, std::span<Candidates> answers) {
  if (mixtures_.empty()) return inner_.step(sentences, answers);
  plan(sentences);
  for (Pass& pass : passes_) {
    pass.answers.resize(pass.batch.size());
    if (!pass.batch.empty()) pass.decoder->step(pass.batch, pass.answers);
  }
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    if (Mixture* mixture = find(sentences[i].sentence)) {
      answer(*mixture, sentences[i].rows, answers[i]);
    } else {
      Pass& pass = pass_of(&inner_);
      std::swap(answers[i], pass.answers[pass.next++]);
    }
  }
}

void MixtureDecoder::plan(std::span<const SentenceRows> sentences) {
  for (Pass& pass : passes_) {
    pass.batch.clear();
    pass.next = 0;
  }
  whole_rows_.clear();
  whole_rows_.reserve(sentences.size());  // spans into it are handed out
  for (const SentenceRows& sentence : sentences) {
    const Mixture* mixture = find(sentence.sentence);
    if (mixture == nullptr) {
      pass_of(&inner_).batch.push_back(sentence);
      continue;
    }
    whole_rows_.push_back(ask_whole_rows(sentence.rows, *mixture->rule));
    mixture->rule->begin_step(whole_rows_.back());
    for (const Part& part : mixture->parts)
      pass_of(part.decoder).batch.push_back({part.sentence, whole_rows_.back()});
  }
}

std::vector<Row> MixtureDecoder::ask_whole_rows(std::span<const Row> rows,
                                                const RowRule& rule) const {
  std::vector<Row> whole(rows.begin(), rows.end());
  for (Row& row : whole) {
    row.wants_attention = rule.needs_attention();
    row.wants_hidden = rule.needs_hidden();
    for (CandidateQuery& query : row.queries) {
      if (query.top_k == 0) continue;
      if (rule.needs_all_tokens()) query.mask = {};
      query = row_query(query, vocabulary_size_);
    }
  }
  return whole;
}

void MixtureDecoder::answer(Mixture& mixture, std::span<const Row> rows, Candidates& answers) {
  parts_.clear();
  for (const Part& part : mixture.parts) {
    Pass& pass = pass_of(part.decoder);
    parts_.push_back(&pass.answers[pass.next++]);
  }
  answers.clear();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t fed = 0; fed < rows[r].feed.size(); ++fed) {
      const std::span<const Candidate> first = parts_.front()->after(r, fed);
      for (const Candidates* part : parts_)
        TANDEM_CHECK(part->after(r, fed).size() == first.size());
      mixed_.assign(first.begin(), first.end());
      const CandidateQuery& query = rows[r].queries[fed];
      if (query.top_k > 0) {
        mixture.rule->mix(parts_, r, fed, mixed_);
        answer_over_row(query, mixed_);
      }
      answers.append(mixed_);
    }
    answers.end_row();
  }
}

}  // namespace tandem
