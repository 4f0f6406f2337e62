// Messages: silence until there is a sink, then what the library has to say.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/tandem.h>

#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Log, AnEngineSaysWhatItLoadsAndWhichKeysItDoesNotKnow) {
  const TemporaryFolder folder;
  std::filesystem::copy(TANDEM_SOURCE_DIR "/examples/models/correct-en", folder.path(),
                        std::filesystem::copy_options::recursive);
  folder.write("generation_config.json", R"({"decoder_start_token_id": 0, "wishes": 3})");
  std::vector<std::pair<LogLevel, std::string>> said;
  set_log_sink(
      [&](LogLevel level, std::string_view message) { said.emplace_back(level, message); });
  Engine::load(folder.path());
  set_log_sink({});
  Engine::load(folder.path());
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].first, LogLevel::info);
  EXPECT_THAT(said[0].second, AllOf(HasSubstr(folder.path()), HasSubstr("loaded")));
  EXPECT_EQ(said[1].first, LogLevel::warning);
  EXPECT_THAT(said[1].second, AllOf(HasSubstr("generation_config.json"), HasSubstr("'wishes'")));
}

}  // namespace
}  // namespace tandem
