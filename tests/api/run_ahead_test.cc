// Laws of passes that run ahead: whatever a search asks, and however many passes share a wait, the
// answers are those of one pass a step, bit for bit.
#include "api/run_ahead.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/loop.h"
#include "decoding/make_search.h"
#include "support/decoder_steps.h"
#include "support/device_backends.h"
#include "support/expect_error.h"

namespace tandem {
namespace {

constexpr int kVocabulary = 40;

class RunningAhead : public testing::TestWithParam<Numbers> {
 protected:
  RunningAhead() : backend_(GetParam().make_backend()) {
    MarianShape shape;
    shape.ssru = GetParam().ssru;
    network_ = load_native(shape, GetParam().type, *backend_).network;
  }

  std::unique_ptr<Backend> backend_;
  std::shared_ptr<const EncoderDecoder> network_;
};

// A search that is mostly greedy, as two decoders see it.
struct RandomSearch {
  int handles[2] = {};
  Tokens history;  // in the cache
  TokenId next = -1;
  int parent = -1;
  CandidateQuery query;
};

class RandomRun {
 public:
  RandomRun(const EncoderDecoder& network, Backend& backend, int passes_per_wait)
      : network_(network),
        backend_(backend),
        decoders_{{network, backend, 1}, {network, backend, passes_per_wait}} {}

  void run(int rounds) {
    for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      while (searches_.size() < 2 || chance(10)) join();
      step_all();
      std::erase_if(searches_, [&](const RandomSearch& search) {
        const bool leaves = search.history.size() > 40 || chance(20);
        for (int d = 0; leaves && d < 2; ++d) decoders_[d].release(search.handles[d]);
        return leaves;
      });
    }
  }

  void end() {
    for (const RandomSearch& search : searches_)
      for (int d = 0; d < 2; ++d) decoders_[d].release(search.handles[d]);
    EXPECT_EQ(decoders_[0].cached_positions(), 0);
    EXPECT_EQ(decoders_[1].cached_positions(), 0);
    EXPECT_FALSE(decoders_[0].holds_answers() || decoders_[1].holds_answers());
  }

  int rounds_held() const { return rounds_held_; }

 private:
  int pick(int lowest, int highest) {
    return std::uniform_int_distribution<int>(lowest, highest)(random_);
  }
  bool chance(int one_in) { return pick(1, one_in) == 1; }
  TokenId any_token() { return pick(0, kVocabulary - 1); }
  Tokens some_tokens() {
    Tokens tokens;
    for (TokenId token = 0; token < kVocabulary; ++token)
      if (!chance(3)) tokens.push_back(token);
    return tokens;
  }

  CandidateQuery random_query() {
    CandidateQuery query;
    query.space = chance(2) ? ScoreSpace::logits : ScoreSpace::log_probs;
    query.renormalize = chance(3);
    if (chance(3)) query.mask = TokenMask::only(some_tokens());
    if (chance(3)) {
      const auto words = std::make_shared<std::vector<std::uint64_t>>(1, random_());
      query.mask = TokenMask::bits(words);
    }
    if (chance(3))
      query.edits = {{ScoreEdit::Kind::ban, any_token(), 0},
                     {ScoreEdit::Kind::penalize, any_token(), 1.5F}};
    return query;
  }

  void join() {
    RandomSearch search;
    Tokens source;
    for (int i = pick(0, 5); i > 0; --i) source.push_back(pick(1, kVocabulary - 1));
    source.push_back(0);
    const Tokens shortlist = chance(3) ? some_tokens() : Tokens{};
    const auto encoded = encode(network_, backend_, source);
    for (int d = 0; d < 2; ++d) search.handles[d] = decoders_[d].add(encoded, shortlist);
    if (chance(2)) search.query = random_query();
    searches_.push_back(search);
  }

  // Mostly one row that feeds the best token of before and asks as before.
  std::vector<Row> rows_of(RandomSearch& search) {
    if (chance(80)) search.query = random_query();
    Row row = make_row(search.parent, static_cast<int>(search.history.size()), {search.next}, 1);
    row.queries = {search.query};
    if (search.parent < 0 && chance(4)) {  // a prefix
      row.feed.insert(row.feed.end(), 2, any_token());
      row.queries.insert(row.queries.begin(), 2, {});
      row.queries[0].top_k = row.queries[1].top_k = 0;
    }
    if (search.parent < 0) return {row};
    switch (pick(1, 400)) {
      case 1:  // a draft
        row.feed.insert(row.feed.end(), {any_token(), any_token()});
        row.queries.insert(row.queries.end(), 2, search.query);
        break;
      case 2:
        row.keep = pick(1, row.keep);
        break;
      case 3:
        row.feed = {any_token()};
        break;
      case 4:
        row.queries[0].top_k = 3;
        break;
      case 5:
        row.wants_hidden = true;
        break;
      case 6:
        return {row, row};
      default:
        break;
    }
    return {row};
  }

  void step_all() {
    std::vector<int> handles[2];
    std::vector<std::vector<Row>> rows;
    for (RandomSearch& search : searches_) {
      for (int d = 0; d < 2; ++d) handles[d].push_back(search.handles[d]);
      rows.push_back(rows_of(search));
    }
    const auto expected = step(decoders_[0], handles[0], rows);
    const auto found = step(decoders_[1], handles[1], rows);
    rounds_held_ += decoders_[1].holds_answers() ? 1 : 0;
    for (std::size_t s = 0; s < rows.size(); ++s) {
      SCOPED_TRACE("sentence " + std::to_string(handles[0][s]));
      for (std::size_t r = 0; r < rows[s].size(); ++r)
        for (std::size_t i = 0; i < rows[s][r].feed.size(); ++i) {
          expect_equal(copy(found[s].after(r, i)), copy(expected[s].after(r, i)));
          if (!rows[s][r].wants_hidden) continue;
          EXPECT_TRUE(std::ranges::equal(found[s].hidden(r, i), expected[s].hidden(r, i)));
        }
      go_on(searches_[s], rows[s], expected[s]);
    }
  }

  void go_on(RandomSearch& search, const std::vector<Row>& rows, const Candidates& answers) {
    search.parent = pick(0, static_cast<int>(rows.size()) - 1);
    const auto survivor = static_cast<std::size_t>(search.parent);
    search.history.resize(static_cast<std::size_t>(rows[survivor].keep));
    search.history.insert(search.history.end(), rows[survivor].feed.begin(),
                          rows[survivor].feed.end());
    const auto best = answers.after(survivor);
    search.next = best.empty() ? any_token() : best.front().token;
  }

  const EncoderDecoder& network_;
  Backend& backend_;
  ModelDecoder decoders_[2];
  std::mt19937_64 random_{7};
  std::vector<RandomSearch> searches_;
  int rounds_held_ = 0;
};

TEST_P(RunningAhead, AnswersWhatOnePassAStepAnswersWhateverIsAsked) {
  for (const int passes_per_wait : {2, 4, 7}) {
    SCOPED_TRACE(std::to_string(passes_per_wait) + " passes a wait");
    RandomRun run(*network_, *backend_, passes_per_wait);
    run.run(400);
    run.end();
    EXPECT_GE(run.rounds_held(), 100);
  }
}

// Each source's best hypothesis. Half of the sources join when the first ones are five tokens long.
std::vector<Hypothesis> search(const EncoderDecoder& network, Backend& backend, int passes_per_wait,
                               const SearchOptions& options) {
  const std::vector<Tokens> sources{{5, 17, 0}, {9, 0},     {1, 2, 3, 4, 5, 6, 0},
                                    {31, 8, 0}, {7, 22, 0}, {14, 3, 29, 30, 0}};
  ModelDecoder decoder(network, backend, passes_per_wait);
  Loop loop(decoder);
  const auto add = [&](std::size_t source) {
    SearchOptions own = options;
    own.source = sources[source];
    loop.add(decoder.add(encode(network, backend, sources[source]), {}), source, make_search(own));
  };
  std::vector<Loop::Entry> finished;
  for (std::size_t i = 0; i < 3; ++i) add(i);
  for (int i = 0; i < 5; ++i) loop.step(finished);
  for (std::size_t i = 3; i < 6; ++i) add(i);
  while (loop.active() > 0) loop.step(finished);
  std::vector<Hypothesis> best(sources.size());
  for (const Loop::Entry& entry : finished) best[entry.tag] = entry.search->results().at(0);
  return best;
}

TEST_P(RunningAhead, ChangesNoSearch) {
  SearchOptions plain;
  plain.start_token = -1;
  plain.vocabulary_size = kVocabulary;
  plain.eos_tokens = {0, 7, 12, 21, 33};  // ends of several lengths
  plain.max_new_tokens = 30;
  SearchOptions penalized = plain, longer = plain, aggressive = plain;
  penalized.repetition_penalty = 1.4;
  longer.min_new_tokens = 6;
  Aggressive drafting;
  drafting.max_draft = 3;
  drafting.drafter = DraftSource::lookup;
  aggressive.strategy = drafting;
  for (const SearchOptions& options : {plain, penalized, longer, aggressive}) {
    const auto expected = search(*network_, *backend_, 1, options);
    for (const int passes_per_wait : {2, 4, 7}) {
      const auto found = search(*network_, *backend_, passes_per_wait, options);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(found[i].ids, expected[i].ids);
        EXPECT_EQ(found[i].token_log_probs, expected[i].token_log_probs);
        EXPECT_EQ(found[i].finish_reason, expected[i].finish_reason);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, RunningAhead,
    testing::Values(Numbers{"attention_reference", false, ComputeType::float32,
                            make_reference_backend},
                    Numbers{"attention_cpu", false, ComputeType::float32, one_thread},
                    Numbers{"attention_int8_cpu", false, ComputeType::int8, one_thread},
                    Numbers{"ssru_cpu", true, ComputeType::float32, one_thread},
                    Numbers{"ssru_int8_cpu_2_threads", true, ComputeType::int8, two_threads},
                    Numbers{"attention_cuda_on_host", false, ComputeType::float32, cuda_on_host},
                    Numbers{"ssru_int8_cuda_on_host", true, ComputeType::int8, cuda_on_host}),
    [](const auto& numbers) { return std::string(numbers.param.name); });

// What is asked after three steps of a decoder that holds answers, if `passes_per_wait` is not 1.
Candidates ask_changed(const EncoderDecoder& network, Backend& backend, int passes_per_wait,
                       const CandidateQuery& query, const std::function<void(Row&)>& change) {
  ModelDecoder decoder(network, backend, passes_per_wait);
  const int sentence = decoder.add(encode(network, backend, {5, 17, 0}), {});
  Row row = make_row(-1, 0, {-1}, 1);
  row.queries = {query};
  for (row.keep = 0; row.keep < 3; ++row.keep) {
    row.parent = row.keep == 0 ? -1 : 0;
    const auto answers = step(decoder, {sentence}, {{row}});
    row.feed = {answers[0].after(0, 0).front().token};
  }
  row.parent = 0;
  EXPECT_EQ(decoder.holds_answers(), passes_per_wait > 1);
  change(row);
  return step(decoder, {sentence}, {{row}})[0];
}

TEST(RunAhead, AHeldAnswerIsForItsQuestionAlone) {
  const auto backend = make_cpu_backend(1);
  const auto network = load_native(MarianShape(), ComputeType::float32, *backend).network;
  CandidateQuery listed, words;
  listed.mask = TokenMask::only({0, 4, 5, 6, 7, 9, 12, 20, 21, 30, 31, 32, 38});
  words.mask = TokenMask::bits(std::make_shared<std::vector<std::uint64_t>>(1, 0x7FF7F7FFFD));
  listed.edits = words.edits = {{ScoreEdit::Kind::add, 9, 0.5F}};
  for (const CandidateQuery& query : {listed, words}) {
    const auto unchanged =
        ask_changed(*network, *backend, 1, query, [](Row&) {}).after(0, 0).front().token;
    auto others = *listed.mask.list();
    std::erase(others, unchanged);
    const auto without = std::make_shared<std::vector<std::uint64_t>>(*words.mask.words());
    without->front() &= ~(std::uint64_t{1} << unchanged);
    const std::vector<std::function<void(Row&)>> changes = {
        [](Row&) {},
        [](Row& row) { row.queries[0].space = ScoreSpace::logits; },
        [](Row& row) { row.queries[0].renormalize = true; },
        [](Row& row) { row.queries[0].top_k = 2; },
        [](Row& row) { row.queries[0].mask = {}; },
        [&](Row& row) { row.queries[0].mask = TokenMask::only(others); },
        [&](Row& row) { row.queries[0].mask = TokenMask::bits(without); },
        [](Row& row) { row.queries[0].edits.clear(); },
        [&](Row& row) { row.queries[0].edits[0].kind = ScoreEdit::Kind::force; },
        [&](Row& row) { row.queries[0].edits[0].token = unchanged; },
        [](Row& row) { row.queries[0].edits[0].value = 50; },
        [](Row& row) {
          row.queries[0] = {.top_k = kVocabulary, .ranked = false, .mask = {}, .edits = {}};
        },
        [](Row& row) { row.feed[0] = (row.feed[0] + 1) % kVocabulary; },
        [](Row& row) { row.keep = 2; },
        [](Row& row) { row.parent = -1, row.keep = 0; },
        [](Row& row) { row.wants_hidden = true; },
        [](Row& row) { row.wants_attention = true; }};
    for (std::size_t c = 0; c < changes.size(); ++c) {
      SCOPED_TRACE(c);
      const Candidates expected = ask_changed(*network, *backend, 1, query, changes[c]);
      const Candidates found = ask_changed(*network, *backend, 4, query, changes[c]);
      expect_equal(copy(found.after(0, 0)), copy(expected.after(0, 0)));
      if (c + 2 == changes.size()) {
        EXPECT_TRUE(std::ranges::equal(found.hidden(0, 0), expected.hidden(0, 0)));
      }
      if (c + 1 == changes.size()) {
        EXPECT_TRUE(std::ranges::equal(found.attention(0, 0), expected.attention(0, 0)));
      }
    }
  }
}

constexpr const char* kM2m100 = TANDEM_GOLDEN_DIR "/hf/m2m100";  // 64 positions, padding is 1

// A greedy run over the allowed tokens until the positions are used up: every answer.
std::vector<Candidate> run_to_the_end(int passes_per_wait, const TokenMask& mask) {
  const auto backend = make_cpu_backend(1);
  const auto network = load_model(kM2m100, Limits{}, ComputeType::float32, *backend).network;
  ModelDecoder decoder(*network, *backend, passes_per_wait);
  const int sentence = decoder.add(encode(*network, *backend, {9, 17, 2}), {});
  std::vector<Candidate> all;
  Row row = make_row(-1, 0, {network->spec().decoder_start_token}, 1);
  row.queries[0].mask = mask;
  for (int length = 0; length < 64; ++length) {
    row.parent = length == 0 ? -1 : 0;
    row.keep = length;
    all.push_back(step(decoder, {sentence}, {{row}})[0].after(0, 0).front());
    row.feed = {all.back().token};
  }
  row.keep = 64;
  expect_error([&] { step(decoder, {sentence}, {{row}}); }, ErrorCode::invalid_argument,
               "positions for 64");
  return all;
}

TEST(RunAhead, AChangedQuestionDropsWhatIsHeldAndRunsAgain) {
  RunAhead ahead;
  CandidateQuery banned;
  banned.edits = {{ScoreEdit::Kind::ban, 0, 0}};
  const auto row = [](int parent, int keep, TokenId token, const CandidateQuery& query) {
    Row made;
    made.parent = parent;
    made.keep = keep;
    made.feed = {token};
    made.queries = {query};
    return made;
  };
  const std::vector<Candidate> following = {{.token = 8}, {.token = 9}};
  const auto run_twice = [&](RunAhead& of) {
    const std::vector<Row> first = {row(-1, 0, 1, banned)}, second = {row(0, 1, 5, banned)};
    EXPECT_EQ(of.ask(first), 0);
    EXPECT_FALSE(of.may_run());  // this question has come once
    EXPECT_EQ(of.ask(second), 0);
    ASSERT_TRUE(of.may_run());
    of.hold({.token = 7}, following);
  };
  run_twice(ahead);
  const std::vector<Row> lifted = {row(0, 2, 7, {})};
  EXPECT_FALSE(ahead.answers(lifted));
  EXPECT_EQ(ahead.ask(lifted), 2);
  EXPECT_TRUE(ahead.may_run());

  RunAhead departed;
  run_twice(departed);
  const std::vector<Row> elsewhere = {row(0, 2, 6, banned)};
  EXPECT_EQ(departed.ask(elsewhere), 2);
  EXPECT_FALSE(departed.may_run());
}

TEST(RunAhead, EndsWhereTheModelsPositionsEnd) {
  const TokenMask mask = TokenMask::only({8, 9, 10, 11, 12});
  const auto expected = run_to_the_end(1, mask);
  for (const int passes_per_wait : {2, 4, 7})
    expect_equal(run_to_the_end(passes_per_wait, mask), expected);
}

// Padding has another row of the position table than the token that a pass ahead expects.
TEST(RunAhead, FollowsPaddingWithItsOwnPosition) {
  const TokenMask mask = TokenMask::only({1});
  expect_equal(run_to_the_end(4, mask), run_to_the_end(1, mask));
}

TEST(RunAhead, ScoresThatAreNotNumbersAreAnErrorWhenTheyAreAskedFor) {
  MarianShape shape;
  shape.tying = "none";
  MarianOracle oracle(shape, 5);
  for (int c = 0; c < shape.dim; ++c) oracle.tensors()["decoder_Wemb"].at(3, c) = 3e38;
  const auto backend = make_cpu_backend(1);
  const auto network = load_native(oracle, ComputeType::float32, *backend).network;
  for (const int passes_per_wait : {1, 4}) {
    ModelDecoder decoder(*network, *backend, passes_per_wait);
    const int sentence = decoder.add(encode(*network, *backend, {5, 0}), {});
    Row row = make_row(-1, 0, {-1}, 1);
    row.queries[0].mask = TokenMask::only({3});
    row.feed = {4};
    step(decoder, {sentence}, {{row}});
    row.parent = 0;
    row.keep = 1;
    EXPECT_EQ(step(decoder, {sentence}, {{row}})[0].after(0, 0).front().token, 3);
    EXPECT_EQ(decoder.holds_answers(), passes_per_wait > 1);
    row.keep = 2;
    row.feed = {3};
    expect_error([&] { step(decoder, {sentence}, {{row}}); }, ErrorCode::internal,
                 "sentence 0 after position 2");
  }
}

TEST(RunAhead, RowsThatBreakTheProtocolAreInternalErrorsWhateverIsHeld) {
  const auto backend = make_cpu_backend(1);
  const auto network = load_native(MarianShape(), ComputeType::float32, *backend).network;
  ModelDecoder decoder(*network, *backend, 4);
  const int sentence = decoder.add(encode(*network, *backend, {5, 0}), {});
  const TokenId next =
      step(decoder, {sentence}, {{make_row(-1, 0, {-1}, 1)}})[0].after(0, 0).front().token;
  ASSERT_TRUE(decoder.holds_answers());
  expect_error([&] { step(decoder, {sentence}, {{make_row(1, 1, {next}, 1)}}); },
               ErrorCode::internal, "parent");
  expect_error([&] { step(decoder, {sentence}, {{make_row(0, 2, {next}, 1)}}); },
               ErrorCode::internal, "keep");
}

}  // namespace
}  // namespace tandem
