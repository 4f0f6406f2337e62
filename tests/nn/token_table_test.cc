// Laws of token tables: rows are the same wherever they lie, and a file that fails is a typed
// Error.
#include "nn/token_table.h"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/backends.h"
#include "support/expect_error.h"
#include "support/faulty_file_system.h"
#include "support/random_tensors.h"
#include "support/test_files.h"

namespace tandem {
namespace {

constexpr std::int64_t kTokens = 50, kWidth = 24, kPositions = 8;
constexpr std::size_t kStart = 64;  // of the table in the file

class TokenTableInAFile : public testing::Test {
 protected:
  FileBytes map() const {
    std::string content(kStart, '\0');
    content.append(reinterpret_cast<const char*>(table_.raw()), table_.bytes());
    return FileBytes::map(folder_.write("f", content), content.size(), "a table");
  }
  static TokenTable table_in(const FileBytes& file) {
    return {Tensor::borrow({kTokens, kWidth}, DType::float32, file.bytes().data() + kStart,
                           file.owner()),
            file};
  }
  std::vector<float> embed(const TokenTable& table, Backend& backend,
                           const std::vector<TokenId>& ids) const {
    return embed_tokens(table, backend, ids);
  }
  // Embeds `ids` at positions from 0 on.
  std::vector<float> embed_tokens(const TokenTable& table, Backend& backend, TokenIds ids) const {
    std::vector<std::int32_t> positions;
    for (std::size_t i = 0; i < ids.size(); ++i) positions.push_back(static_cast<std::int32_t>(i));
    std::vector<float> out(ids.size() * kWidth);
    Workspace workspace;
    table.embed(backend, ids, 1.5F, ConstMatrixView(positions_), positions,
                MatrixView(out.data(), static_cast<std::int64_t>(ids.size()), kWidth), workspace);
    return out;
  }

  const TemporaryFolder folder_;
  RandomTensors random_{3};
  const Tensor table_ = random_.normal({kTokens, kWidth}, 1.0F);
  const Tensor positions_ = random_.normal({kPositions, kWidth}, 1.0F);
};

TEST_F(TokenTableInAFile, HasTheRowsOfTheTableInMemory) {
  const TokenTable read = table_in(map());
  EXPECT_EQ(read.rows(), kTokens);
  EXPECT_EQ(read.bytes(), 0U);
  for (const BackendChoice& choice : all_backends()) {
    const auto backend = choice.make();
    const TokenTable held{Parameter(*backend, table_)};
    EXPECT_EQ(held.bytes(), table_.bytes());
    for (const std::vector<TokenId>& ids :
         {std::vector<TokenId>{0}, {kTokens - 1, -1, 7, 7, 0}, {-1}, {3, 1, 2}, {}})
      EXPECT_EQ(embed(read, *backend, ids), embed(held, *backend, ids)) << choice.name;
    std::vector<Candidate> chosen(3);  // the first is none
    chosen[1].token = kTokens - 1;
    chosen[2].token = 7;
    EXPECT_EQ(embed_tokens(read, *backend, {chosen.data(), chosen.size()}),
              embed(held, *backend, {-1, kTokens - 1, 7}));
  }
}

TEST_F(TokenTableInAFile, AFailingReadIsATypedErrorAndTheNextIsTried) {
  const auto backend = make_cpu_backend(1);
  for (int at = 3; at < 5; ++at) {  // after open, status and map
    FaultyFileSystem faulty(FaultyFileSystem::Fault::io_error, at);
    const ScopedFileSystem scope(faulty);
    {
      const TokenTable table = table_in(map());
      expect_error([&] { embed(table, *backend, {5, 6}); }, ErrorCode::corrupt, "a table");
      EXPECT_EQ(embed(table, *backend, {5, 6}),
                embed(TokenTable{Parameter(*backend, table_)}, *backend, {5, 6}));
      EXPECT_EQ(faulty.open_handles(), 1);
    }
    EXPECT_EQ(faulty.open_handles(), 0);
  }
}

TEST_F(TokenTableInAFile, AFileThatHasBecomeShorterIsATypedError) {
  const TokenTable table = table_in(map());
  const auto backend = make_cpu_backend(1);
  std::filesystem::resize_file(folder_.path() + "/f", kStart + kWidth * sizeof(float));
  EXPECT_NO_THROW(embed(table, *backend, {0}));
  expect_error([&] { embed(table, *backend, {1}); }, ErrorCode::corrupt, "changed");
}

}  // namespace
}  // namespace tandem
