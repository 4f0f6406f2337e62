// Selection: the five steps of base/candidate.h against the reference, and their edge cases.
#include <cmath>
#include <limits>

#include "kernels/backends.h"

namespace tandem {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Kind = ScoreEdit::Kind;

struct Answer {
  SelectStatus status;
  std::vector<Candidate> candidates;
};

Answer ask(Backend& backend, const std::vector<float>& logits, const CandidateQuery& query,
           const std::vector<std::int32_t>& ids = {}) {
  std::vector<float> row = logits;  // may be overwritten
  const auto columns = static_cast<std::int64_t>(row.size());
  const SelectQuery select{
      .row = 0, .query = &query, .ids = ids.empty() ? nullptr : ids.data(), .num_columns = columns};
  std::vector<Candidate> out(static_cast<std::size_t>(std::max(query.top_k, 1)));
  SelectAnswer answer;
  backend.select(MatrixView(row.data(), 1, columns), {&select, 1}, {&answer, 1}, out.data(),
                 out.size());
  out.resize(static_cast<std::size_t>(answer.count));
  return {answer.status, out};
}

std::vector<float> random_logits(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(generator);
  return logits;
}

std::vector<TokenId> tokens_of(const Answer& answer) {
  std::vector<TokenId> tokens;
  for (const Candidate& candidate : answer.candidates) tokens.push_back(candidate.token);
  return tokens;
}

void expect_same(const Answer& got, const Answer& expected, const std::string& what) {
  ASSERT_EQ(got.status, expected.status) << what;
  ASSERT_EQ(tokens_of(got), tokens_of(expected)) << what;
  for (std::size_t i = 0; i < got.candidates.size(); ++i) {
    if (std::isinf(expected.candidates[i].log_prob)) {
      ASSERT_EQ(got.candidates[i].log_prob, expected.candidates[i].log_prob) << what;
      continue;
    }
    ASSERT_NEAR(got.candidates[i].log_prob, expected.candidates[i].log_prob, 2e-5F) << what;
    ASSERT_NEAR(got.candidates[i].score, expected.candidates[i].score, 3e-5F) << what;
  }
}

class Select : public BackendTest {
 protected:
  void expect_as_reference(const std::vector<float>& logits, const CandidateQuery& query,
                           const std::string& what, const std::vector<std::int32_t>& ids = {}) {
    expect_same(ask(*backend, logits, query, ids), ask(*reference, logits, query, ids), what);
  }
};

TokenMask bit_mask(std::size_t tokens, unsigned seed) {
  std::mt19937_64 generator(seed);
  auto words = std::make_shared<std::vector<std::uint64_t>>((tokens + 63) / 64);
  for (std::uint64_t& word : *words) word = generator();
  return TokenMask::bits(words);
}

// Every combination of what a query can ask, on rows around the vector widths, with and without a
// shortlist.
TEST_P(Select, EveryKindOfQuestionHasTheAnswerOfTheReference) {
  const std::vector<std::vector<ScoreEdit>> edits = {
      {},
      {{Kind::ban, 3, 0}, {Kind::ban, 0, 0}, {Kind::add, 5, 1.5F}},
      {{Kind::penalize, 2, 1.3F},
       {Kind::penalize, 2, 1.3F},
       {Kind::add_relative, 6, 0.5F},
       {Kind::add, 3, -2}},
      {{Kind::add, 4, 3}, {Kind::force, 4, 0}, {Kind::add, 4, -1}, {Kind::add, 2, 50}},
      {{Kind::force, 4, 0}, {Kind::force, 9, 0}},
      {{Kind::ban, 7, 0},
       {Kind::add, 7, 9},
       {Kind::add_relative, 7, 9},
       {Kind::add, 1'000'000, 1},
       {Kind::ban, -1, 0}}};
  const std::vector<TokenMask> masks = {
      {}, TokenMask::only({1, 2, 4, 5, 7, 30, 31, 5000}), TokenMask::only({}), bit_mask(130, 5)};
  for (const std::size_t columns : {1, 7, 16, 33, 150})
    for (const bool shortlist : {false, true})
      for (const auto space : {ScoreSpace::log_probs, ScoreSpace::logits})
        for (const bool renormalize : {false, true})
          for (std::size_t e = 0; e < edits.size(); ++e)
            for (std::size_t m = 0; m < masks.size(); ++m)
              for (const int k : {0, 1, 5, 100}) {
                std::vector<std::int32_t> ids;
                for (std::size_t c = 0; shortlist && c < columns; ++c)
                  ids.push_back(static_cast<std::int32_t>(2 * c + (c > 2 ? 1 : 0)));
                expect_as_reference(random_logits(columns, static_cast<unsigned>(columns)),
                                    {.top_k = k,
                                     .space = space,
                                     .renormalize = renormalize,
                                     .mask = masks[m],
                                     .edits = edits[e]},
                                    "columns " + std::to_string(columns) + " shortlist " +
                                        std::to_string(shortlist) + " space " +
                                        std::to_string(static_cast<int>(space)) + " renormalize " +
                                        std::to_string(renormalize) + " edits " +
                                        std::to_string(e) + " mask " + std::to_string(m) + " k " +
                                        std::to_string(k),
                                    ids);
              }
}

TEST_P(Select, AQueryThatIsNotRankedIsTheRowItselfInAscendingOrder) {
  for (const std::size_t columns : {1, 7, 33, 150})
    for (const bool shortlist : {false, true})
      for (const auto space : {ScoreSpace::log_probs, ScoreSpace::logits})
        for (const TokenMask& mask :
             {TokenMask(), TokenMask::only({1, 2, 5, 30, 5000}), bit_mask(130, 5)}) {
          std::vector<std::int32_t> ids;
          for (std::size_t c = 0; shortlist && c < columns; ++c)
            ids.push_back(static_cast<std::int32_t>(2 * c + (c > 2 ? 1 : 0)));
          auto logits = random_logits(columns, 3);
          if (columns > 5) logits[5] = -kInfinity;
          CandidateQuery query{
              .top_k = 150, .space = space, .ranked = false, .mask = mask, .edits = {}};
          expect_as_reference(logits, query, std::to_string(columns), ids);
          const Answer row = ask(*backend, logits, query, ids);
          EXPECT_TRUE(std::is_sorted(row.candidates.begin(), row.candidates.end(),
                                     [](auto& a, auto& b) { return a.token < b.token; }));
          // The same numbers, bit for bit, as a ranked query has for the same token.
          for (const Candidate& candidate : row.candidates) {
            const CandidateQuery one{.top_k = 1,
                                     .space = space,
                                     .mask = TokenMask::only({candidate.token}),
                                     .edits = {}};
            const Answer ranked = ask(*backend, logits, one, ids);
            if (ranked.candidates.empty()) {
              EXPECT_EQ(candidate.log_prob, -kInfinity);
            } else {
              EXPECT_EQ(candidate.log_prob, ranked.candidates[0].log_prob);
              EXPECT_EQ(candidate.score, ranked.candidates[0].score);
            }
          }
        }
}

// The best one alone is looked up by its value where that is known, so: wherever it stands, next to
// one that only differs from it before the log-softmax is rounded, or taken out by a ban.
TEST_P(Select, TheBestAloneIsTheFirstOfTwoWhereverItStands) {
  for (const std::size_t columns : {1U, 15U, 16U, 64U, 65U, 130U})
    for (std::size_t place = 0; place < columns; ++place)
      for (const auto space : {ScoreSpace::log_probs, ScoreSpace::logits})
        for (const bool banned : {false, true}) {
          std::vector<float> logits = random_logits(columns, 11);
          logits[place] = 30.0F;
          logits[(place * 7 + 3) % columns] = std::nextafter(30.0F, 0.0F);
          CandidateQuery query{.top_k = 2, .space = space, .mask = {}, .edits = {}};
          if (banned) query.edits = {{Kind::ban, static_cast<TokenId>(place), 0}};
          const Answer two = ask(*backend, logits, query);
          query.top_k = 1;
          const Answer one = ask(*backend, logits, query);
          ASSERT_EQ(one.candidates.size(), std::min<std::size_t>(two.candidates.size(), 1));
          if (one.candidates.empty()) continue;
          ASSERT_EQ(one.candidates[0].token, two.candidates[0].token) << columns << " " << place;
          ASSERT_EQ(one.candidates[0].score, two.candidates[0].score);
          ASSERT_EQ(one.candidates[0].log_prob, two.candidates[0].log_prob);
        }
}

TEST_P(Select, TiesGoToTheLowerTokenEvenBeyondTheVectorWidth) {
  std::vector<float> logits(100, 0.0F);
  for (const std::size_t token : {97U, 16U, 17U, 40U}) logits[token] = 5.0F;
  for (const int k : {1, 2, 4, 6, 80}) {
    const auto answer = ask(*backend, logits, {.top_k = k, .mask = {}, .edits = {}});
    std::vector<TokenId> expected = {16, 17, 40, 97, 0, 1};
    for (TokenId token = 2; expected.size() < 80; ++token)
      if (token != 16 && token != 17 && token != 40) expected.push_back(token);
    expected.resize(static_cast<std::size_t>(k));
    EXPECT_EQ(tokens_of(answer), expected) << k;
  }
}

TEST_P(Select, AnEditedTokenTiesByItsIdToo) {
  std::vector<float> logits(50, 0.0F);
  logits[10] = logits[20] = 4.0F;
  const auto tie = [&](TokenId token) {
    return tokens_of(ask(*backend, logits,
                         {.top_k = 3,
                          .space = ScoreSpace::logits,
                          .mask = {},
                          .edits = {{Kind::add, token, 4.0F}}}));
  };
  EXPECT_EQ(tie(15), (std::vector<TokenId>{10, 15, 20}));
  EXPECT_EQ(tie(5), (std::vector<TokenId>{5, 10, 20}));
}

TEST_P(Select, NaNAndInfinityAnywhereAreReported) {
  for (const std::size_t columns : {1, 4, 15, 16, 17, 64, 131})
    for (const std::size_t place : {std::size_t{0}, columns / 2, columns - 1})
      for (const float bad : {std::nanf(""), kInfinity}) {
        std::vector<float> logits(columns, -kInfinity);  // even among columns that are out
        logits[place] = bad;
        EXPECT_EQ(ask(*backend, logits, {}).status, SelectStatus::not_a_number) << columns;
        logits.assign(columns, 1.0F);
        logits[place] = bad;
        EXPECT_EQ(ask(*backend, logits, {}).status, SelectStatus::not_a_number) << columns;
      }
}

TEST_P(Select, NothingIsFoundWhereEverythingIsOut) {
  const std::vector<float> out(20, -kInfinity), open(20, 1.0F);
  CandidateQuery masked, banned;
  masked.mask = TokenMask::only({});
  for (TokenId token = 0; token < 20; ++token) banned.edits.push_back({Kind::ban, token, 0});
  for (const bool renormalize : {false, true}) {
    masked.renormalize = banned.renormalize = renormalize;
    for (const Answer& answer :
         {ask(*backend, out, {}), ask(*backend, open, masked), ask(*backend, open, banned)}) {
      EXPECT_EQ(answer.status, SelectStatus::ok);
      EXPECT_TRUE(answer.candidates.empty());
    }
  }
}

TEST_P(Select, ColumnsAtMinusInfinityAreNeverReturned) {
  std::vector<float> logits = random_logits(40, 3);
  for (std::size_t c = 0; c < 40; c += 2) logits[c] = -kInfinity;
  for (const int k : {30, 100}) {
    const auto answer = ask(*backend, logits, {.top_k = k, .mask = {}, .edits = {}});
    EXPECT_EQ(answer.candidates.size(), 20U);
    for (const Candidate& candidate : answer.candidates) EXPECT_EQ(candidate.token % 2, 1);
  }
}

TEST_P(Select, LogProbIsTheModelsOwnWhateverWasEdited) {
  const std::vector<float> logits = random_logits(60, 4);
  const auto plain = ask(*backend, logits, {.top_k = 60, .mask = {}, .edits = {}});
  const auto edited = ask(*backend, logits,
                          {.top_k = 60,
                           .renormalize = true,
                           .mask = {},
                           .edits = {{Kind::add, 7, 4}, {Kind::penalize, 9, 2}}});
  std::vector<float> own(60);
  for (const Candidate& candidate : plain.candidates)
    own[static_cast<std::size_t>(candidate.token)] = candidate.log_prob;
  ASSERT_EQ(edited.candidates.size(), 60U);
  for (const Candidate& candidate : edited.candidates)
    EXPECT_EQ(candidate.log_prob, own[static_cast<std::size_t>(candidate.token)]);
}

TEST_P(Select, RenormalizedScoresAreADistribution) {
  const std::vector<float> logits = random_logits(200, 6);
  const auto answer = ask(*backend, logits,
                          {.top_k = 200,
                           .space = ScoreSpace::logits,
                           .renormalize = true,
                           .mask = bit_mask(200, 8),
                           .edits = {{Kind::add, 5, 3}}});
  double sum = 0;
  for (const Candidate& candidate : answer.candidates) sum += std::exp(double{candidate.score});
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

// Large rows in one call, shared by the threads, and only the columns that count.
TEST_P(Select, ManyRowsAnswerAsEachAlone) {
  constexpr std::int64_t kColumns = 5000, kCount = 9;
  const auto all = random_logits(static_cast<std::size_t>(kColumns * kCount), 9);
  std::vector<float> logits = all;
  CandidateQuery query{.top_k = 4, .mask = {}, .edits = {{Kind::ban, 3, 0}}};
  std::vector<SelectQuery> queries;
  for (std::int64_t i = 0; i < kCount; ++i)
    queries.push_back(
        {.row = kCount - 1 - i, .query = &query, .ids = nullptr, .num_columns = kColumns - i});
  std::vector<SelectAnswer> answers(kCount);
  std::vector<Candidate> out(kCount * 4);
  backend->select(MatrixView(logits.data(), kCount, kColumns), queries, answers, out.data(), 4);
  const auto single = open_single(GetParam());
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto begin = all.begin() + queries[i].row * kColumns;
    const Answer alone = ask(*single, {begin, begin + queries[i].num_columns}, query);
    ASSERT_EQ(answers[i].count, 4);
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_EQ(out[i * 4 + k].token, alone.candidates[k].token);
      EXPECT_EQ(out[i * 4 + k].score, alone.candidates[k].score);
      EXPECT_EQ(out[i * 4 + k].log_prob, alone.candidates[k].log_prob);
    }
  }
}

// Rows of which some have no answer, as one call.
TEST_P(Select, TheBestIsTheFirstOfSelect) {
  constexpr std::int64_t kColumns = 4500;
  const std::vector<std::int32_t> ids = {0, 3, 4, 9, 17};
  const std::vector<CandidateQuery> asked = {
      {},
      {.space = ScoreSpace::logits, .mask = bit_mask(4000, 5), .edits = {{Kind::ban, 9, 0}}},
      {.renormalize = true, .mask = TokenMask::only({4, 17}), .edits = {}},
      {.mask = TokenMask::only({}), .edits = {}},
      {}};
  const auto count = static_cast<std::int64_t>(asked.size());
  auto all = random_logits(static_cast<std::size_t>(kColumns * count), 9);
  all[static_cast<std::size_t>(kColumns * 4 + 2)] = std::nanf("");  // of the last row
  std::vector<SelectQuery> queries;
  for (std::int64_t i = 0; i < count; ++i)
    queries.push_back({.row = i,
                       .query = &asked[static_cast<std::size_t>(i)],
                       .ids = i == 2 ? ids.data() : nullptr,
                       .num_columns = i == 2 ? 5 : kColumns});
  std::vector<float> logits = all;
  std::vector<Candidate> best(asked.size(), Candidate{.token = 7, .log_prob = -1, .score = 7});
  backend->select_best(MatrixView(logits.data(), count, kColumns), queries, best.data());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto begin = all.begin() + queries[i].row * kColumns;
    const Answer alone = ask(*backend, {begin, begin + queries[i].num_columns}, asked[i],
                             i == 2 ? ids : std::vector<std::int32_t>{});
    const bool found = !alone.candidates.empty();
    EXPECT_EQ(found, i < 3) << i;
    EXPECT_EQ(best[i].token, found ? alone.candidates[0].token : -1) << i;
    EXPECT_EQ(std::isnan(best[i].log_prob), alone.status == SelectStatus::not_a_number) << i;
    if (!found) continue;
    EXPECT_EQ(best[i].log_prob, alone.candidates[0].log_prob) << i;
    EXPECT_EQ(best[i].score, alone.candidates[0].score) << i;
  }
}

TANDEM_FOR_ALL_BACKENDS(Select);

}  // namespace
}  // namespace tandem
