// Laws of the waiting line: every request is handed out once, those that count for most first, and
// never more together than there is room for. A request counts for the memory that it keeps.
#include "api/batching.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "api/engine_state.h"

namespace tandem {
namespace {

using Tags = std::vector<std::size_t>;

TEST(RequestQueue, HandsOutEachRequestOnceTheLargestFirst) {
  RequestQueue queue(std::vector<std::size_t>{3, 0, 7, 5, 7, 1});
  EXPECT_EQ(queue.all_tokens(), 23U);
  EXPECT_EQ(queue.take(15, false), (Tags{2, 4}));
  EXPECT_EQ(queue.take(4, false), Tags{});
  EXPECT_EQ(queue.take(100, false), (Tags{3, 0, 5}));
  EXPECT_EQ(queue.take(100, true), Tags{});
}

TEST(RequestQueue, OneThatExceedsTheRoomRunsAlone) {
  RequestQueue queue(std::vector<std::size_t>{20, 2});
  EXPECT_EQ(queue.take(10, false), Tags{});
  EXPECT_EQ(queue.take(10, true), Tags{0});
  EXPECT_EQ(queue.take(10, true), Tags{1});
}

PreparedRequest request_of(std::size_t length) {
  PreparedRequest request;
  request.sources.resize(1);
  request.sources.front().length = length;
  return request;
}

TEST(TokensInBatch, CountASourceForEachOutputThatIsKept) {
  PreparedRequest request = request_of(10);
  EXPECT_EQ(request.tokens_in_batch(), 10U);
  request.options.num_beams = 4;
  EXPECT_EQ(request.tokens_in_batch(), 40U);
  request.options.num_return_sequences = 6;
  EXPECT_EQ(request.tokens_in_batch(), 60U);
}

TEST(TokensInBatch, CountWeightsOfASentencesOwn) {
  PreparedRequest request = request_of(10);
  request.shortlist = {0, 4, 7};
  EXPECT_EQ(request.tokens_in_batch(), 20U);
}

TEST(TokensInBatch, AreNoneWithoutAnEntry) {
  const PreparedRequests requests = {request_of(4), std::nullopt};
  EXPECT_EQ(tokens_in_batch(requests), (std::vector<std::size_t>{4, 0}));
}

}  // namespace
}  // namespace tandem
