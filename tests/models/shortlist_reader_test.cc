// Laws of lexical shortlists.
#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "models/readers/shortlist.h"
#include "support/bergamot.h"
#include "support/damaged_bytes.h"
#include "support/expect_error.h"
#include "support/test_files.h"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Lists = std::vector<std::vector<std::uint32_t>>;

// The checksum as the format defines it, written down once more.
std::uint64_t checksum(const std::string& file) {
  std::uint64_t hash = 0;
  for (std::size_t at = 16; at + 8 <= file.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, file.data() + at, 8);
    hash ^= word + 0x9e3779b9 + (hash << 6) + (hash >> 2);
  }
  return hash;
}

std::string signed_file(std::string file) {
  const std::uint64_t hash = checksum(file);
  std::memcpy(file.data() + 8, &hash, 8);
  return file;
}

// A binary shortlist with these target ids for each source token.
std::string binary(const Lists& lists, std::uint64_t first) {
  std::string file;
  std::uint64_t ids = 0;
  for (const auto& list : lists) ids += list.size();
  for (const std::uint64_t field : {std::uint64_t{0xF11A48D5013417F5}, std::uint64_t{0}, first,
                                    std::uint64_t{50}, std::uint64_t{lists.size() + 1}, ids})
    append(file, field);
  std::uint64_t offset = 0;
  append(file, offset);
  for (const auto& list : lists) append(file, offset += list.size());
  for (const auto& list : lists)
    for (const std::uint32_t id : list) append(file, id);
  return signed_file(file);
}

Shortlist parse(const std::string& content, const TextShortlistOptions& options = {}) {
  return Shortlist::parse(as_file(content), {}, options);
}

ErrorCode refusal(const std::string& content, const TextShortlistOptions& options = {}) {
  return refusal_of([&] { parse(content, options); }).first;
}

const Lists kLists = {{}, {9, 12}, {2, 30}, {12, 13, 14}};

TEST(Shortlist, CandidatesAreTheFirstTheListsAndThePaddingToEight) {
  const Shortlist shortlist = parse(binary(kLists, 4));
  const std::vector<TokenId> source = {1, 3, 0};
  EXPECT_THAT(shortlist.candidates(source, false, 100), ElementsAre(0, 1, 2, 3, 9, 12, 13, 14));
  const std::vector<TokenId> one = {2};
  EXPECT_THAT(shortlist.candidates(one, false, 100), ElementsAre(0, 1, 2, 3, 4, 5, 6, 30));
  EXPECT_EQ(shortlist.source_tokens(), 4);
  EXPECT_EQ(shortlist.target_tokens(), 31);
}

TEST(Shortlist, ASharedVocabularyAddsTheSourceItself) {
  const Shortlist shortlist = parse(binary(kLists, 4));
  const std::vector<TokenId> source = {77, 0};  // beyond the lists: a token without candidates
  EXPECT_THAT(shortlist.candidates(source, true, 100), ElementsAre(0, 1, 2, 3, 4, 5, 6, 77));
  EXPECT_THAT(shortlist.candidates(source, false, 100), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Shortlist, ASmallVocabularyLimitsThePadding) {
  const Shortlist shortlist = parse(binary({{}, {2}}, 50));
  const std::vector<TokenId> source = {1};
  EXPECT_THAT(shortlist.candidates(source, false, 5), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Shortlist, IdsOutsideTheVocabularyAreRefused) {
  const Shortlist shortlist = parse(binary(kLists, 4));
  const std::vector<TokenId> negative = {-1}, beyond = {100}, fine = {1};
  EXPECT_THROW(shortlist.candidates(negative, false, 100), Error);
  EXPECT_THROW(shortlist.candidates(beyond, true, 100), Error);
  EXPECT_THROW(shortlist.candidates(fine, false, 30), Error);
  EXPECT_NO_THROW(shortlist.candidates(fine, false, 31));
}

// The rule once more, with sets, on random lists.
TEST(Shortlist, EqualsTheRuleOnRandomLists) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const TokenId vocabulary = 60, first = static_cast<TokenId>(random() % 12);
    Lists lists(20);
    for (auto& list : lists) {
      std::set<std::uint32_t> ids;
      for (unsigned n = random() % 6; n > 0; --n) ids.insert(random() % vocabulary);
      list.assign(ids.begin(), ids.end());
    }
    std::vector<TokenId> source;
    for (unsigned n = random() % 9; n > 0; --n)
      source.push_back(static_cast<TokenId>(random() % 20));
    for (const bool shared : {false, true}) {
      std::set<TokenId> expected;
      for (TokenId id = 0; id < first; ++id) expected.insert(id);
      for (const TokenId s : source) {
        expected.insert(lists[static_cast<std::size_t>(s)].begin(),
                        lists[static_cast<std::size_t>(s)].end());
        if (shared) expected.insert(s);
      }
      for (TokenId id = first; expected.size() % 8 != 0 && id < vocabulary; ++id)
        expected.insert(id);
      const std::vector<TokenId> found = parse(binary(lists, static_cast<std::uint64_t>(first)))
                                             .candidates(source, shared, vocabulary);
      EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
    }
  }
}

TEST(Shortlist, EveryTruncationAndExtensionIsRefused) {
  const std::string whole = binary(kLists, 4);
  expect_truncations_refused(whole, [](const std::string& bytes) { parse(bytes); });
  EXPECT_EQ(refusal(whole + '\0'), ErrorCode::corrupt);
  EXPECT_EQ(refusal(whole + std::string(4, '\0')), ErrorCode::corrupt);
}

TEST(Shortlist, EveryFlippedByteUnderTheChecksumIsRefused) {
  const std::string whole = binary({{1, 2}, {3, 4}}, 4);  // an even number of ids: all is covered
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit)
    EXPECT_NE(refusal(with_flipped_bit(whole, bit)), ErrorCode::internal) << bit;
}

TEST(Shortlist, AValidChecksumDoesNotMakeAFileValid) {
  const auto with = [](std::size_t offset, std::uint64_t value) {
    std::string file = binary(kLists, 4);
    std::memcpy(file.data() + offset, &value, 8);
    return refusal(signed_file(file));
  };
  EXPECT_EQ(with(16, std::uint64_t{1} << 40), ErrorCode::resource_exhausted);  // first
  EXPECT_EQ(with(32, 0), ErrorCode::corrupt);                                  // offsets_count
  EXPECT_EQ(with(32, std::uint64_t{1} << 61), ErrorCode::corrupt);
  EXPECT_EQ(with(40, (std::uint64_t{1} << 62) + 7), ErrorCode::corrupt);  // ids_count
  EXPECT_EQ(with(48, 1), ErrorCode::corrupt);                             // offsets[0]
  EXPECT_EQ(with(64, 100), ErrorCode::corrupt);                           // offsets[2]
  EXPECT_EQ(with(80, 6), ErrorCode::corrupt);                             // the last offset
  EXPECT_EQ(with(88, 0xFFFFFFFF), ErrorCode::corrupt);                    // an id
}

// --- Text ----------------------------------------------------------------------------------------

TextShortlistOptions numbers_as_words() {
  const auto id = [](std::string_view word) {
    return static_cast<TokenId>(std::stoi(std::string(word)));
  };
  TextShortlistOptions options;
  options.first = 2;
  options.best = 2;
  options.source_id = options.target_id = id;
  return options;
}

TEST(Shortlist, ATextShortlistKeepsTheBestAboveTheThreshold) {
  const Shortlist shortlist =
      parse("10 1 0.2\n11 1 0.5\r\n12\t1 0.3\n\nNULL 1 0.9\n13 NULL 0.9\n14 3 0.0\n15 3 1e-3\n",
            numbers_as_words());
  const std::vector<TokenId> one = {1}, three = {3}, unlisted = {2, 9};
  EXPECT_THAT(shortlist.candidates(one, false, 100), ElementsAre(0, 1, 2, 3, 4, 5, 11, 12));
  EXPECT_THAT(shortlist.candidates(three, false, 100), ElementsAre(0, 1, 2, 3, 4, 5, 6, 15));
  EXPECT_THAT(shortlist.candidates(unlisted, false, 100), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Shortlist, ATextShortlistIsRefusedWithTheLineThatIsWrong) {
  for (const char* text : {"1 2", "1 2 x", "1 2 0.5 6", "1 2 nan", "1 2 0.5\n-1 2 0.5"})
    EXPECT_EQ(refusal(text, numbers_as_words()), ErrorCode::corrupt) << text;
  EXPECT_EQ(refusal("1 2 0.5"), ErrorCode::unsupported) << "without vocabularies";
}

// The two production shortlists; figures from Marian's own rule.
TEST(Shortlist, ReadsTheBergamotShortlists) {
  const std::string english = bergamot_model("enpt-1693087644"),
                    portuguese = bergamot_model("pten-1693087646");
  if (english.empty() || portuguese.empty()) GTEST_SKIP() << kNoBergamot;
  const Shortlist shortlist = Shortlist::read(english + "/lex.50.50.enpt.s2t.bin", {});
  const std::vector<TokenId> hello = {9086, 3, 0};
  EXPECT_EQ(shortlist.candidates(hello, true, 32000).size(), 144U);
  EXPECT_EQ(shortlist.source_tokens(), 32000);
  EXPECT_EQ(shortlist.first(), 50);
  EXPECT_NO_THROW(Shortlist::read(portuguese + "/lex.50.50.pten.s2t.bin", {}));
}

}  // namespace
}  // namespace tandem
