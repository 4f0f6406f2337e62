// A request whose search fails, at its start or at any step, is answered with its own error, and
// the others of the call get what they get without it.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tandem/tandem.h>

namespace tandem {
namespace {

// Anything is allowed, until it gives up: as the states of a pattern or a grammar do that outgrow
// their memory.
class GivesUp : public Constraint {
 public:
  explicit GivesUp(int after) : left_(after) {}

  TokenMask allowed() const override {
    if (left_ <= 0) throw Error(ErrorCode::resource_exhausted, "the states outgrew their memory");
    return {};
  }
  void advance(TokenId) override { --left_; }
  bool can_end() const override { return true; }
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<GivesUp>(*this); }

 private:
  int left_;
};

Engine load(int batch_tokens) {
  EngineOptions options;
  options.threads = 1;
  options.batch_tokens = batch_tokens;
  return Engine::load(TANDEM_SOURCE_DIR "/examples/models/correct-en", options);
}

Request request(const std::string& text, int num_beams) {
  Request request(text);
  request.generation.num_beams = num_beams;
  return request;
}

void expect_same(const Output& found, const Output& expected) {
  ASSERT_FALSE(found.error) << found.error->what();
  EXPECT_EQ(found.hypotheses.at(0).ids, expected.hypotheses.at(0).ids);
  EXPECT_EQ(found.hypotheses.at(0).score, expected.hypotheses.at(0).score);
}

// What fails, fails alone. `after`: tokens that the failing constraints see.
void expect_neighbours_unharmed(const Engine& engine, int num_beams, int after) {
  SCOPED_TRACE(::testing::Message() << num_beams << " beams, failing after " << after);
  const Request good[] = {request("She have three cats and a dog.", num_beams),
                          request("The childs was playing.", num_beams)};
  const std::vector<Output> expected = engine.generate(good);
  const auto gives_up = std::make_shared<GivesUp>(after);
  Request longest =
      request("They goes to school by the bus every mornings of the week.", num_beams);
  Request shortest = request("He go.", num_beams);
  longest.constraint = shortest.constraint = gives_up;

  const Request requests[] = {longest, good[0], shortest, good[1]};
  std::vector<std::size_t> progress;
  CallOptions call;
  call.on_progress = [&](std::size_t done, std::size_t) { progress.push_back(done); };
  const std::vector<Output> outputs = engine.generate(requests, call);
  for (const Output* failed : {&outputs[0], &outputs[2]}) {
    ASSERT_TRUE(failed->error);
    EXPECT_EQ(failed->error->code(), ErrorCode::resource_exhausted);
    EXPECT_TRUE(failed->hypotheses.empty());
  }
  expect_same(outputs[1], expected[0]);
  expect_same(outputs[3], expected[1]);
  EXPECT_EQ(progress, (std::vector<std::size_t>{1, 2, 3, 4}));
}

TEST(FailingRequest, IsAnsweredWithItsErrorAndHarmsNoNeighbour) {
  constexpr int kTogether = 256, kOneByOne = 1;
  for (const int batch_tokens : {kTogether, kOneByOne}) {
    const Engine engine = load(batch_tokens);
    for (const int num_beams : {1, 3})
      for (const int after : {0, 1, 3}) expect_neighbours_unharmed(engine, num_beams, after);
  }
}

}  // namespace
}  // namespace tandem
