// Steps of a ModelDecoder by hand: models for it, rows, and answers to compare.
#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/model_decoder.h"
#include "models/load_model.h"
#include "support/device_backends.h"
#include "support/marian_oracle.h"
#include "support/test_files.h"

namespace tandem {

using Tokens = std::vector<TokenId>;

// In what a decoder computes, for suites that run on several backends.
struct Numbers {
  const char* name;
  bool ssru;
  ComputeType type;
  std::unique_ptr<Backend> (*make_backend)();
};
inline void PrintTo(const Numbers& numbers, std::ostream* out) {
  *out << numbers.name;
}

inline std::unique_ptr<Backend> one_thread() {
  return make_cpu_backend(1);
}
inline std::unique_ptr<Backend> two_threads() {
  return make_cpu_backend(2);
}
inline std::unique_ptr<Backend> cuda_on_host() {
  return cuda::open_on_host();
}

inline LoadedModel load_native(const MarianOracle& oracle, ComputeType type, Backend& backend) {
  const TemporaryFolder folder;
  folder.write("model.bin", oracle.binary());
  return load_model(folder.path(), Limits{}, type, backend);
}

inline LoadedModel load_native(const MarianShape& shape, ComputeType type, Backend& backend) {
  return load_native(MarianOracle(shape, 5), type, backend);
}

inline std::shared_ptr<const EncodedSource> encode(const EncoderDecoder& network, Backend& backend,
                                                   const Tokens& ids) {
  ModelWorkspace workspace;
  const std::span<const TokenId> sources[] = {ids};
  return network.encode(backend, sources, workspace)[0];
}

inline Row make_row(int parent, int keep, Tokens feed, int top_k) {
  Row row{parent, keep, std::move(feed), {}};
  row.queries.resize(row.feed.size());
  for (CandidateQuery& query : row.queries) query.top_k = top_k;
  return row;
}

inline std::vector<Candidates> step(ModelDecoder& decoder, const std::vector<int>& sentences,
                                    const std::vector<std::vector<Row>>& rows) {
  std::vector<SentenceRows> lines;
  for (std::size_t i = 0; i < sentences.size(); ++i) lines.push_back({sentences[i], rows[i]});
  std::vector<Candidates> answers(lines.size());
  decoder.step(lines, answers);
  return answers;
}

inline std::vector<Candidate> copy(std::span<const Candidate> answer) {
  return {answer.begin(), answer.end()};
}

inline void expect_equal(const std::vector<Candidate>& found,
                         const std::vector<Candidate>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].token, expected[i].token);
    EXPECT_EQ(found[i].log_prob, expected[i].log_prob);
    EXPECT_EQ(found[i].score, expected[i].score);
  }
}

}  // namespace tandem
