#include "text/byte_trie.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tandem {
namespace {

std::map<std::string, std::int32_t> random_entries(std::mt19937& random, std::size_t count) {
  std::uniform_int_distribution<int> byte(0, 255), few('a', 'c'), length(1, 6);
  std::map<std::string, std::int32_t> entries;
  while (entries.size() < count) {
    std::string key;
    const bool wide = random() % 2 == 0;
    for (int n = length(random); n > 0; --n)
      key += static_cast<char>(wide ? byte(random) : few(random));
    entries.emplace(key, static_cast<std::int32_t>(entries.size()));
  }
  return entries;
}

ByteTrie make_trie(const std::map<std::string, std::int32_t>& entries) {
  std::vector<ByteTrie::Entry> list;
  for (const auto& [key, value] : entries) list.push_back({key, value});
  return ByteTrie(std::move(list));
}

TEST(ByteTrie, FindsExactlyItsEntries) {
  std::mt19937 random(1);
  for (const std::size_t count : {0u, 1u, 2u, 500u, 5000u}) {
    const auto entries = random_entries(random, count);
    const ByteTrie trie = make_trie(entries);
    for (const auto& [key, value] : entries) {
      ASSERT_EQ(trie.find(key), value);
      const auto longer = key + "x", shorter = key.substr(0, key.size() - 1);
      for (const std::string& other : {longer, shorter})
        ASSERT_EQ(trie.find(other),
                  entries.contains(other) ? entries.at(other) : ByteTrie::kNoValue);
    }
  }
}

TEST(ByteTrie, TheLongestPrefixIsTheLongestEntryThatTheTextBeginsWith) {
  std::mt19937 random(2);
  const auto entries = random_entries(random, 2000);
  const ByteTrie trie = make_trie(entries);
  std::uniform_int_distribution<int> few('a', 'c');
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int n = 0; n < 8; ++n) text += static_cast<char>(few(random));
    ByteTrie::Match expected;
    for (std::size_t length = 1; length <= text.size(); ++length)
      if (const auto entry = entries.find(text.substr(0, length)); entry != entries.end())
        expected = {entry->second, length};
    const ByteTrie::Match found = trie.longest_prefix(text);
    ASSERT_EQ(found.length, expected.length);
    ASSERT_EQ(found.value, expected.value);
  }
}

TEST(ByteTrie, OfEqualKeysTheFirstIsKept) {
  const ByteTrie trie({{"a", 3}, {"b", 4}, {"a", 5}});
  EXPECT_EQ(trie.find("a"), 3);
  EXPECT_EQ(trie.find("b"), 4);
}

}  // namespace
}  // namespace tandem
