#include "text/sentencepiece.h"

#include <climits>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

namespace tandem {
namespace {

using testing::HasSubstr;

std::string golden_file(const std::string& name) {
  return std::string(TANDEM_GOLDEN_DIR) + "/tokenizers/" + name;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Function>
ErrorCode error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error was thrown";
  return ErrorCode::internal;
}

// A varint, a field of bytes and a piece, as protocol buffers write them.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string field(int number, const std::string& bytes) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string number_field(int number, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(number) << 3) + varint(value);
}
std::string piece(const std::string& text, PieceType type = PieceType::normal) {
  return field(1, field(1, text) + number_field(3, static_cast<std::uint64_t>(type)));
}
const std::string kUnk = piece("<unk>", PieceType::unknown);

SentencePieceModel parse(const std::string& bytes) {
  return SentencePieceModel::parse(bytes, "test.model");
}

TEST(SentencePieceModel, UnknownFieldsAreSkipped) {
  const std::string bytes = kUnk + field(77, "anything") + number_field(200, 5) +
                            varint(78 << 3 | 1) + "12345678" + varint(79 << 3 | 5) + "1234" +
                            piece("a");
  const SentencePieceModel model = parse(bytes);
  ASSERT_EQ(model.pieces.size(), 2u);
  EXPECT_EQ(model.pieces[1].text, "a");
}

TEST(SentencePieceModel, FilesThatContradictThemselvesAreCorrupt) {
  const std::string nan("\x15\x00\x00\xC0\x7F", 5);  // field 2, fixed32
  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"no unknown piece", piece("a")},
      {"two unknown pieces", kUnk + piece("<u>", PieceType::unknown)},
      {"an empty piece", kUnk + piece("")},
      {"a piece twice", kUnk + piece("a") + piece("a")},
      {"a piece that is not UTF-8", kUnk + piece("\xFF")},
      {"a piece of a megabyte", kUnk + piece(std::string(1 << 20, 'a'))},
      {"a score that is not a number", kUnk + field(1, field(1, "a") + nan)},
      {"a type that does not exist", kUnk + field(1, field(1, "a") + number_field(3, 9))},
      {"a byte piece without byte fallback", kUnk + piece("<0x41>", PieceType::byte)},
      {"byte fallback without byte pieces", kUnk + field(2, number_field(35, 1))},
      {"a length past the end", kUnk + varint(1 << 3 | 2) + varint(100) + "short"},
      {"a length of 2^63", kUnk + varint(1 << 3 | 2) + varint(std::uint64_t{1} << 63)},
      {"a varint of eleven bytes", kUnk + std::string(10, '\xFF') + "\x01"},
      {"a group", kUnk + varint(1 << 3 | 3)},
      {"field number 0", kUnk + std::string(2, '\0')},
      {"a string where a number belongs", kUnk + field(2, field(35, "x"))},
      {"text", "This is not a model."},
  };
  for (const auto& [what, bytes] : cases) {
    SCOPED_TRACE(what);
    EXPECT_EQ(error_of([&] { parse(bytes); }), ErrorCode::corrupt);
  }
}

TEST(SentencePieceModel, MessagesNameTheFileAndThePiece) {
  try {
    parse(kUnk + piece("a") + piece("a"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("test.model: piece 2, 'a', occurs twice"));
  }
}

TEST(SentencePieceModel, AnUnknownAlgorithmIsUnsupported) {
  EXPECT_EQ(error_of([] { parse(kUnk + field(2, number_field(3, 7))); }), ErrorCode::unsupported);
}

TEST(SentencePieceModel, TheNumberOfPiecesIsLimited) {
  Limits limits;
  limits.max_vocabulary = 2;
  const std::string two = kUnk + piece("a");
  EXPECT_EQ(SentencePieceModel::parse(two, "m", limits).pieces.size(), 2u);
  EXPECT_EQ(error_of([&] { SentencePieceModel::parse(two + piece("b"), "m", limits); }),
            ErrorCode::resource_exhausted);
}

// Loads what can be loaded and uses it. Only typed errors other than `internal` may come out.
void load_and_use(const std::string& bytes) {
  try {
    const SentencePiece model(parse(bytes), "test.model");
    const std::vector<TokenId> ids = model.encode("The ﬁrst, Ünïcode\u3000text… \xFF 123 <s>");
    ASSERT_LT(ids.size(), 10'000u);
    (void)model.decode(ids);
  } catch (const Error& error) {
    ASSERT_TRUE(error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported ||
                error.code() == ErrorCode::resource_exhausted)
        << error.what();
  }
}

TEST(SentencePieceModel, TruncatedFilesAreErrorsOrWork) {
  for (const char* name : {"sp-bpe/spm.model", "sp-unigram-byte_fallback/spm.model"}) {
    const std::string bytes = read_all(golden_file(name));
    ASSERT_GT(bytes.size(), 10'000u);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 300)
      ASSERT_NO_FATAL_FAILURE(load_and_use(bytes.substr(0, size)));
  }
}

TEST(SentencePieceModel, FilesWithFlippedBitsAreErrorsOrWork) {
  std::mt19937 random(6);
  for (const char* name : {"sp-char/spm.model", "sp-unigram-own-rules/spm.model",
                           "sp-bpe-byte_fallback/spm.model", "sp-unigram-user_defined/spm.model"}) {
    const std::string bytes = read_all(golden_file(name));
    for (int i = 0; i < 500; ++i) {
      std::string broken = bytes;
      for (int flips = 1 + i % 4; flips > 0; --flips)
        broken[random() % broken.size()] ^= static_cast<char>(1 << random() % 8);
      ASSERT_NO_FATAL_FAILURE(load_and_use(broken));
    }
  }
}

TEST(CharacterMap, BrokenTablesAreErrorsOrWork) {
  const SentencePieceModel model =
      SentencePieceModel::load(golden_file("sp-unigram-nmt_nfkc/spm.model"));
  const std::string& table = model.normalizer.precompiled_charsmap;
  ASSERT_GT(table.size(), 100'000u);
  const std::string text = "e\u0301 ﬁ ① ｶﾞ \uFDFA 가";
  const auto use = [&](const std::string& blob) {
    try {
      const CharacterMap map(blob, "test.model");
      for (std::size_t i = 0; i < text.size(); ++i)
        ASSERT_LE(map.longest_rule(std::string_view(text).substr(i)).consumed, text.size() - i);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::corrupt) << error.what();
    }
  };
  for (std::size_t size : {0, 1, 2, 3, 4, 5, 8, 100, 1000, 10'000, 100'000})
    ASSERT_NO_FATAL_FAILURE(use(table.substr(0, size)));
  std::mt19937 random(8);
  for (int i = 0; i < 100; ++i) {
    std::string broken = table.substr(0, 50'000);
    const std::uint32_t units = i % 2 == 0 ? 4 * (1 + random() % 2000) : 40'000;
    for (std::size_t k = 0; k < 4; ++k) broken[k] = static_cast<char>(units >> 8 * k);
    for (int flips = 0; flips < 2000; ++flips)
      broken[4 + random() % (broken.size() - 4)] ^= static_cast<char>(1 << random() % 8);
    ASSERT_NO_FATAL_FAILURE(use(broken));
  }
}

TEST(SentencePiece, AHostileTableCannotMakeATextGrowWithoutBound) {
  // One rule: "a" becomes 4000 letters. Unit 0 is the root, whose child "a" is at 0x61 ^ 0.
  std::vector<std::uint32_t> units(256);
  units[0] = 0;                             // offset 0
  units[0x61] = 0x61 | 1u << 8 | 1u << 10;  // label a, has a leaf, at 0x61 ^ 1
  units[0x60] = 0x80000000u;                // the leaf: replacement at 0
  std::string blob = std::string("\x00\x04\x00\x00", 4);
  for (const std::uint32_t unit : units)
    for (int shift = 0; shift < 32; shift += 8) blob += static_cast<char>(unit >> shift);
  blob += std::string(4000, 'b') + '\0';
  SentencePieceModel model = parse(kUnk + piece("b"));
  model.normalizer.precompiled_charsmap = blob;
  Limits limits;
  limits.max_input_bytes = 1000;
  const SentencePiece pieces(std::move(model), "test.model", limits);
  EXPECT_EQ(pieces.normalize("a").size(), 3 + 4000u);
  EXPECT_EQ(error_of([&] { (void)pieces.encode("aaaaaaaaaa"); }), ErrorCode::resource_exhausted);
}

TEST(SentencePiece, DecodingWhatWasEncodedGivesTheNormalText) {
  const SentencePiece model(
      SentencePieceModel::load(golden_file("sp-unigram-byte_fallback/spm.model")), "m");
  for (const char* text : {"The quick brown fox.", "  many   spaces ", "Größe, naïve, ﬁne",
                           "日本語 😀", "a ▁ b", "e\u0302\u0323", "1½ m²", "tab\there"}) {
    std::string normal = model.normalize(text);
    for (std::size_t at; (at = normal.find(kSpaceSymbol)) != std::string::npos;)
      normal.replace(at, kSpaceSymbol.size(), " ");
    ASSERT_TRUE(normal.starts_with(" "));  // the dummy prefix, which decoding takes away
    EXPECT_EQ(model.decode(model.encode(text)), normal.substr(1));
  }
}

TEST(SentencePiece, LongTextsOfOneKindAreEncoded) {
  for (const char* name : {"sp-unigram-nmt_nfkc", "sp-bpe", "sp-char", "sp-word"}) {
    const auto tokenizer = Tokenizer::load(golden_file(std::string(name) + "/spm.model"));
    for (const std::string_view unit : {"a", " ", "中", "\u0301", "\uFDFA", "\xFF", "▁"}) {
      std::string text;
      while (text.size() < 50'000) text += unit;
      EXPECT_LE(tokenizer->encode(text).size(), 20 * text.size());
    }
    EXPECT_EQ(tokenizer->encode(std::string(1'000'000, ' ')).size(), 0u);
  }
}

TEST(SentencePiece, NulIsACharacterLikeAnyOther) {
  const SentencePiece model(SentencePieceModel::load(golden_file("sp-char/spm.model")), "m");
  const std::string text("a\0b", 3);
  EXPECT_EQ(model.normalize(text), "▁" + text);
  EXPECT_EQ(model.encode(text).size(), 4u);
}

TEST(SentencePiece, TextsBeyondTheLimitAreRefused) {
  Limits limits;
  limits.max_input_bytes = 10;
  const auto tokenizer = Tokenizer::load(golden_file("sp-bpe/spm.model"), limits);
  EXPECT_FALSE(tokenizer->encode("0123456789").empty());
  EXPECT_EQ(error_of([&] { (void)tokenizer->encode("0123456789a"); }),
            ErrorCode::resource_exhausted);
}

TEST(SentencePiece, IdsOutsideTheVocabularyAreInvalidArguments) {
  for (const char* name : {"sp-bpe/spm.model", "marian"}) {
    const auto tokenizer = Tokenizer::load(golden_file(name));
    const TokenId size = tokenizer->vocabulary_size();
    EXPECT_NO_THROW((void)tokenizer->token(size - 1));
    for (const TokenId id : {-1, size, INT_MAX, INT_MIN}) {
      const std::vector<TokenId> ids{3, id};
      EXPECT_EQ(error_of([&] { (void)tokenizer->decode(ids); }), ErrorCode::invalid_argument);
      EXPECT_EQ(error_of([&] { (void)tokenizer->token(id); }), ErrorCode::invalid_argument);
    }
  }
}

TEST(SentencePiece, KeptControlPiecesAreWrittenAsTheyAreCalled) {
  const auto tokenizer = Tokenizer::load(golden_file("sp-bpe/spm.model"));
  std::vector<TokenId> ids = tokenizer->encode("one two");
  ids.push_back(tokenizer->eos_id());
  EXPECT_EQ(tokenizer->decode(ids), "one two");
  EXPECT_EQ(tokenizer->decode(ids, /*skip_special_tokens=*/false), "one two</s>");
}

}  // namespace
}  // namespace tandem
