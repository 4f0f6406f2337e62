// Laws of the decoder behind the searches: whatever rows a strategy asks for, the answers are those
// of each row's tokens decoded from scratch, bit for bit, in any company.
#include "api/model_decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/forced_pass.h"
#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "kernels/counted_gpu.h"
#include "support/decoder_steps.h"
#include "support/device_backends.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

class Protocol : public testing::TestWithParam<Numbers> {
 protected:
  Protocol() : backend_(GetParam().make_backend()) {
    MarianShape shape;
    shape.ssru = GetParam().ssru;
    network_ = load_native(shape, GetParam().type, *backend_).network;
  }

  // What follows `history` (the start token included), decoded alone and from scratch.
  std::vector<Candidate> from_scratch(const Tokens& source, const Tokens& shortlist,
                                      const Tokens& history, int top_k) {
    ModelDecoder decoder(*network_, *backend_);
    const int sentence = decoder.add(encode(*network_, *backend_, source), shortlist);
    const auto answers = step(decoder, {sentence}, {{make_row(-1, 0, history, top_k)}});
    return copy(answers[0].after(0, history.size() - 1));
  }

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const EncoderDecoder> network_;
};

// One sentence of a random run: what the decoder knows and what its rows hold.
struct RandomSentence {
  int handle = 0;
  Tokens source, shortlist;
  std::vector<Tokens> rows;
};

std::vector<Row> random_rows(std::mt19937& random, RandomSentence& sentence) {
  const auto pick = [&](int lowest, int highest) {
    return std::uniform_int_distribution<int>(lowest, highest)(random);
  };
  std::vector<Row> rows;
  std::vector<Tokens> next;
  for (int n = pick(1, 3); n > 0; --n) {
    const bool first = sentence.rows.empty();
    const int parent = first ? -1 : pick(0, static_cast<int>(sentence.rows.size()) - 1);
    Tokens history = first ? Tokens{} : sentence.rows[static_cast<std::size_t>(parent)];
    const int keep = pick(0, 2) == 0 && !first ? pick(1, static_cast<int>(history.size()))
                                               : static_cast<int>(history.size());
    history.resize(static_cast<std::size_t>(keep));
    Tokens feed = first ? Tokens{-1} : Tokens{};
    for (int i = pick(1, 3); i > 0; --i) feed.push_back(pick(0, 39));
    history.insert(history.end(), feed.begin(), feed.end());
    Row row = make_row(parent, keep, feed, 0);
    for (CandidateQuery& query : row.queries) query.top_k = pick(0, 3);
    rows.push_back(row);
    next.push_back(history);
  }
  sentence.rows = next;
  return rows;
}

TEST_P(Protocol, AnyRowsGetTheAnswersOfTheirTokensDecodedFromScratch) {
  std::mt19937 random(41);
  ModelDecoder decoder(*network_, *backend_);
  std::vector<RandomSentence> sentences{{0, {5, 17, 0}, {}, {}},
                                        {0, {9, 0}, {0, 3, 4, 9, 17, 20, 31, 39}, {}},
                                        {0, {1, 2, 3, 4, 5, 6, 0}, {}, {}}};
  for (RandomSentence& sentence : sentences)
    sentence.handle =
        decoder.add(encode(*network_, *backend_, sentence.source), sentence.shortlist);
  for (int round = 0; round < 8; ++round) {
    std::vector<int> handles;
    std::vector<std::vector<Row>> rows;
    for (RandomSentence& sentence : sentences) {
      handles.push_back(sentence.handle);
      rows.push_back(random_rows(random, sentence));
    }
    const auto answers = step(decoder, handles, rows);
    for (std::size_t s = 0; s < sentences.size(); ++s)
      for (std::size_t r = 0; r < rows[s].size(); ++r)
        for (std::size_t i = 0; i < rows[s][r].feed.size(); ++i) {
          const int top_k = rows[s][r].queries[i].top_k;
          const Tokens& history = sentences[s].rows[r];
          const Tokens so_far(history.begin(), history.end() - static_cast<std::ptrdiff_t>(
                                                                   rows[s][r].feed.size() - 1 - i));
          const auto expected =
              top_k == 0 ? std::vector<Candidate>{}
                         : from_scratch(sentences[s].source, sentences[s].shortlist, so_far, top_k);
          expect_equal(copy(answers[s].after(r, i)), expected);
        }
  }
}

// Law A6: m tokens in one pass and one by one, for all m up to 64.
TEST_P(Protocol, ManyTokensInOnePassGetTheAnswersOfOneByOne) {
  constexpr int kMost = 64;
  std::mt19937 random(6);
  const Tokens source{5, 17, 3, 29, 0};
  Tokens tokens{-1};
  for (int i = 0; i < kMost; ++i)
    tokens.push_back(std::uniform_int_distribution<int>(0, 39)(random));
  const auto encoded = encode(*network_, *backend_, source);
  ModelDecoder decoder(*network_, *backend_);
  int sentence = decoder.add(encoded, {});
  std::vector<std::vector<Candidate>> one_by_one;
  for (int i = 0; i < kMost; ++i) {
    const Row row = make_row(i == 0 ? -1 : 0, i, {tokens[static_cast<std::size_t>(i)]}, 40);
    one_by_one.push_back(copy(step(decoder, {sentence}, {{row}})[0].after(0, 0)));
  }
  for (int m = 1; m <= kMost; ++m) {
    SCOPED_TRACE(m);
    sentence = decoder.add(encoded, {});
    const Row row = make_row(-1, 0, Tokens(tokens.begin(), tokens.begin() + m), 40);
    const auto answers = step(decoder, {sentence}, {{row}});
    for (int i = 0; i < m; ++i)
      expect_equal(copy(answers[0].after(0, static_cast<std::size_t>(i))),
                   one_by_one[static_cast<std::size_t>(i)]);
    decoder.release(sentence);
  }
}

// What a row wants besides is its own in any company, and costs the others nothing.
TEST_P(Protocol, StatesAndAttentionOfARowAreThoseOfItsTokensOneByOne) {
  const Tokens source{5, 17, 3, 29, 0}, other_source{8, 2, 0}, tokens{-1, 7, 12, 30, 4};
  const auto encoded = encode(*network_, *backend_, source);
  ModelDecoder decoder(*network_, *backend_);
  const int alone = decoder.add(encoded, {});
  std::vector<std::vector<float>> states, weights;
  for (int i = 0; i < 5; ++i) {
    Row row = make_row(i == 0 ? -1 : 0, i, {tokens[static_cast<std::size_t>(i)]}, i % 2);
    row.wants_hidden = row.wants_attention = true;
    const Candidates answer = step(decoder, {alone}, {{row}})[0];
    states.emplace_back(answer.hidden(0, 0).begin(), answer.hidden(0, 0).end());
    weights.emplace_back(answer.attention(0, 0).begin(), answer.attention(0, 0).end());
  }
  EXPECT_NE(states[0], states[1]);
  ModelWorkspace workspace;
  const auto alignment = ForcedPass(*network_, *backend_, workspace)
                             .align(*encoded, {-1, std::span(tokens).subspan(1)}, {});
  for (std::size_t i = 0; i < alignment.size(); ++i) EXPECT_EQ(weights[i], alignment[i]);

  const int plain = decoder.add(encode(*network_, *backend_, other_source), {});
  const int wanting = decoder.add(encoded, {});
  Row all = make_row(-1, 0, tokens, 1);
  all.wants_hidden = all.wants_attention = true;
  const auto answers = step(decoder, {plain, wanting}, {{make_row(-1, 0, {-1, 4}, 3)}, {all}});
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto state = answers[1].hidden(0, i), attention = answers[1].attention(0, i);
    EXPECT_TRUE(std::equal(state.begin(), state.end(), states[i].begin(), states[i].end()));
    EXPECT_TRUE(
        std::equal(attention.begin(), attention.end(), weights[i].begin(), weights[i].end()));
  }
  expect_equal(copy(answers[0].after(0, 1)), from_scratch(other_source, {}, {-1, 4}, 3));
}

TEST_P(Protocol, AShortlistIsTheSoftmaxOverItsTokensAlone) {
  const Tokens source{5, 17, 0}, shortlist{0, 4, 9, 17, 31}, history{-1, 7, 12};
  const auto all = from_scratch(source, {}, history, 40);
  ASSERT_EQ(all.size(), 40U);
  double sum = 0;
  std::vector<Candidate> kept;
  for (const Candidate& candidate : all)
    if (std::find(shortlist.begin(), shortlist.end(), candidate.token) != shortlist.end()) {
      kept.push_back(candidate);
      sum += std::exp(candidate.log_prob);
    }
  const auto restricted = from_scratch(source, shortlist, history, 40);
  ASSERT_EQ(restricted.size(), shortlist.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(restricted[i].token, kept[i].token);
    EXPECT_NEAR(restricted[i].log_prob, kept[i].log_prob - std::log(sum), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, Protocol,
    testing::Values(
        Numbers{"attention", false, ComputeType::float32, one_thread},
        Numbers{"attention_2_threads", false, ComputeType::float32, two_threads},
        Numbers{"attention_int8", false, ComputeType::int8, one_thread},
        Numbers{"ssru", true, ComputeType::float32, one_thread},
        Numbers{"ssru_int8_2_threads", true, ComputeType::int8, two_threads},
        Numbers{"attention_cuda_on_host", false, ComputeType::float32, cuda_on_host},
        Numbers{"attention_bfloat16_cuda_on_host", false, ComputeType::bfloat16, cuda_on_host},
        Numbers{"attention_float16_cuda_on_host", false, ComputeType::float16, cuda_on_host},
        Numbers{"ssru_int8_cuda_on_host", true, ComputeType::int8, cuda_on_host}),
    [](const auto& numbers) { return std::string(numbers.param.name); });

// The best hypothesis of each source.
std::vector<Hypothesis> search(const Numbers& numbers, const std::vector<Tokens>& sources,
                               const SearchOptions& options) {
  const auto backend = numbers.make_backend();
  MarianShape shape;
  shape.ssru = numbers.ssru;
  const auto network = load_native(shape, numbers.type, *backend).network;
  ModelDecoder decoder(*network, *backend);
  Loop loop(decoder);
  for (std::size_t i = 0; i < sources.size(); ++i)
    loop.add(decoder.add(encode(*network, *backend, sources[i]), {}), i, make_search(options));
  std::vector<Loop::Entry> finished;
  while (loop.active() > 0) loop.step(finished);
  std::vector<Hypothesis> best(sources.size());
  for (const Loop::Entry& entry : finished) best[entry.tag] = entry.search->results().at(0);
  return best;
}

// Their sums are added in different orders, so scores may differ in the last bits; no two
// candidates of these searches are that close.
TEST(ModelDecoder, A23CpuAndGpuChooseTheSameTokens) {
  std::mt19937 random(23);
  std::vector<Tokens> sources(12);
  for (Tokens& source : sources) {
    source.resize(1 + random() % 9);
    for (TokenId& token : source) token = static_cast<TokenId>(1 + random() % 39);
    source.push_back(0);
  }
  SearchOptions options;
  options.start_token = -1;
  options.vocabulary_size = 40;
  options.eos_tokens = {0};
  options.max_new_tokens = 12;
  for (const bool ssru : {false, true})
    for (const ComputeType type : {ComputeType::float32, ComputeType::bfloat16, ComputeType::int8})
      for (const int num_beams : {1, 4}) {
        options.strategy = num_beams == 1 ? Strategy(Greedy{}) : Strategy(Beam{});
        options.num_beams = num_beams;
        const auto cpu = search({"cpu", ssru, type, one_thread}, sources, options);
        const auto gpu = search({"gpu", ssru, type, cuda_on_host}, sources, options);
        std::set<Tokens> different;
        for (std::size_t i = 0; i < sources.size(); ++i) {
          different.insert(cpu[i].ids);
          EXPECT_EQ(gpu[i].ids, cpu[i].ids)
              << to_string(type) << ", ssru " << ssru << ", source " << i;
          EXPECT_NEAR(gpu[i].sum_log_prob, cpu[i].sum_log_prob, 1e-3);
        }
        EXPECT_GE(different.size(), 3U);
      }
}

TEST(ModelDecoder, FinishedSentencesGiveTheirMemoryBack) {
  const auto backend = make_cpu_backend(1);
  const auto network = load_native({}, ComputeType::float32, *backend).network;
  ModelDecoder decoder(*network, *backend);
  const auto source = encode(*network, *backend, {5, 0});
  const int first = decoder.add(source, {}), second = decoder.add(source, {});
  step(decoder, {first, second}, {{make_row(-1, 0, {-1, 4, 5}, 1)}, {make_row(-1, 0, {-1}, 1)}});
  EXPECT_EQ(decoder.cached_positions(), 4);
  decoder.release(first);
  EXPECT_EQ(decoder.cached_positions(), 1);
  decoder.release(second);
  EXPECT_EQ(decoder.cached_positions(), 0);
  EXPECT_THROW(decoder.release(second), Error);
}

TEST(ModelDecoder, AStepOnAGpuIsOneCopyOneListOfLaunchesAndOneWait) {
  cuda::CountedGpu::Counts counts;
  cuda::CudaBackend backend(std::make_unique<cuda::CountedGpu>(counts), Numerics::exact);
  for (const bool ssru : {false, true}) {
    MarianShape shape;
    shape.ssru = ssru;
    const auto network = load_native(shape, ComputeType::int8, backend).network;
    ModelDecoder decoder(*network, backend);
    const std::vector<int> both = {decoder.add(encode(*network, backend, {5, 0}), {}),
                                   decoder.add(encode(*network, backend, {7, 3, 0}), {})};
    const Row first = make_row(-1, 0, {-1, 4}, 2);
    step(decoder, both, {{first}, {first}});
    for (int length = 2; length < 6; ++length) {
      counts = {};
      const Row next = make_row(0, length, {length}, 2);
      step(decoder, both, {{next}, {next}});
      EXPECT_EQ(counts.copies_in, 1);
      EXPECT_EQ(counts.lists, 1);
      EXPECT_EQ(counts.syncs, 1);
    }
  }
}

TEST(ModelDecoder, ScoresThatAreNotNumbersAreAnErrorThatSaysWhere) {
  const auto backend = make_cpu_backend(1);
  MarianOracle oracle({}, 5);
  oracle.tensors()["decoder_ff_logit_out_b"].at(0, 3) = 3e38;
  oracle.tensors()["Wemb"].at(3, 0) = 3e38;  // 3e38 * h overflows to an infinity
  const auto network = load_native(oracle, ComputeType::float32, *backend).network;
  ModelDecoder decoder(*network, *backend);
  const int sentence = decoder.add(encode(*network, *backend, {5, 3, 0}), {});
  expect_error(
      [&] {
        step(decoder, {sentence}, {{make_row(-1, 0, {-1, 3}, 1)}});
      },
      ErrorCode::internal, "sentence 0");
}

TEST(ModelDecoder, RowsThatBreakTheProtocolAreInternalErrors) {
  const auto backend = make_cpu_backend(1);
  const auto network = load_native({}, ComputeType::float32, *backend).network;
  ModelDecoder decoder(*network, *backend);
  const int sentence = decoder.add(encode(*network, *backend, {5, 0}), {});
  expect_error([&] { step(decoder, {sentence}, {{make_row(0, 0, {-1}, 1)}}); }, ErrorCode::internal,
               "parent");
  expect_error([&] { step(decoder, {sentence}, {{make_row(-1, 1, {-1}, 1)}}); },
               ErrorCode::internal, "keep");
  expect_error([&] { step(decoder, {sentence}, {{make_row(-1, 0, {}, 1)}}); }, ErrorCode::internal,
               "feed");
  expect_error([&] { step(decoder, {sentence + 1}, {{make_row(-1, 0, {-1}, 1)}}); },
               ErrorCode::internal, "found");
  expect_error(
      [&] {
        decoder.add(nullptr, Tokens{4, 4});
      },
      ErrorCode::invalid_argument, "4 after 4");
  expect_error([&] { decoder.add(nullptr, Tokens{4, 40}); }, ErrorCode::invalid_argument, "40");
}

}  // namespace
}  // namespace tandem
