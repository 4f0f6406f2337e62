// Laws of how untrusted text appears in messages.
#include "base/quote.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Quote, ControlBytesAreShownAndNothingElseChanges) {
  EXPECT_EQ(quote("encoder.w é"), "'encoder.w é'");
  EXPECT_EQ(quote(std::string("a\0\x1b[31m\x7f\n", 9)), "'a\\x00\\x1b[31m\\x7f\\x0a'");
}

TEST(Quote, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(quote(std::string(80, 'a')), "'" + std::string(80, 'a') + "'");
  EXPECT_EQ(quote(std::string(81, 'a')), "'" + std::string(80, 'a') + "...'");
  EXPECT_EQ(quote(std::string(79, 'a') + "éé"), "'" + std::string(79, 'a') + "...'");
}

}  // namespace
}  // namespace tandem
