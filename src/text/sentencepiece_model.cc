#include "text/sentencepiece_model.h"

#include <bitset>
#include <cmath>
#include <unordered_set>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/protobuf_reader.h"

namespace tandem {
namespace {

constexpr std::size_t kMaxPieceBytes = 4096;

// Field numbers of sentencepiece_model.proto.
namespace model_field {
constexpr std::uint32_t pieces = 1, trainer_spec = 2, normalizer_spec = 3;
}
namespace piece_field {
constexpr std::uint32_t piece = 1, score = 2, type = 3;
}
namespace trainer_field {
constexpr std::uint32_t model_type = 3, treat_whitespace_as_suffix = 24, byte_fallback = 35,
                        unk_surface = 44, eos_piece = 47, pad_piece = 48;
}
namespace normalizer_field {
constexpr std::uint32_t precompiled_charsmap = 2, add_dummy_prefix = 3,
                        remove_extra_whitespaces = 4, escape_whitespaces = 5;
}

Piece parse_piece(std::string_view message, const std::string& what) {
  ProtobufReader reader(message, what);
  ProtobufReader::Field field;
  Piece piece;
  while (reader.next(field)) {
    switch (field.number) {
      case piece_field::piece:
        piece.text = reader.bytes(field);
        break;
      case piece_field::score:
        piece.score = reader.number(field);
        break;
      case piece_field::type: {
        const std::uint64_t type = reader.integer(field);
        if (type < 1 || type > 6) reader.fail("piece type " + std::to_string(type));
        piece.type = static_cast<PieceType>(type);
        break;
      }
      default:
        break;
    }
  }
  return piece;
}

void parse_trainer_spec(std::string_view message, const std::string& what,
                        SentencePieceModel& model) {
  ProtobufReader reader(message, what);
  ProtobufReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case trainer_field::model_type: {
        const std::uint64_t type = reader.integer(field);
        if (type < 1 || type > 4)
          throw Error(ErrorCode::unsupported, what + ": model type " + std::to_string(type) +
                                                  "; unigram (1), BPE (2), word (3) and char (4) "
                                                  "can be read");
        model.algorithm = static_cast<SentencePieceModel::Algorithm>(type);
        break;
      }
      case trainer_field::treat_whitespace_as_suffix:
        model.treat_whitespace_as_suffix = reader.boolean(field);
        break;
      case trainer_field::byte_fallback:
        model.byte_fallback = reader.boolean(field);
        break;
      case trainer_field::unk_surface:
        model.unk_surface = reader.bytes(field);
        break;
      case trainer_field::eos_piece:
        model.eos_piece = reader.bytes(field);
        break;
      case trainer_field::pad_piece:
        model.pad_piece = reader.bytes(field);
        break;
      default:
        break;
    }
  }
}

void parse_normalizer_spec(std::string_view message, const std::string& what,
                           NormalizerRules& rules) {
  ProtobufReader reader(message, what);
  ProtobufReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case normalizer_field::precompiled_charsmap:
        rules.precompiled_charsmap = reader.bytes(field);
        break;
      case normalizer_field::add_dummy_prefix:
        rules.add_dummy_prefix = reader.boolean(field);
        break;
      case normalizer_field::remove_extra_whitespaces:
        rules.remove_extra_whitespaces = reader.boolean(field);
        break;
      case normalizer_field::escape_whitespaces:
        rules.escape_whitespaces = reader.boolean(field);
        break;
      default:
        break;
    }
  }
}

// Checks one piece by itself; `what` is "file: piece 17".
void check_piece(const Piece& piece, const std::string& what) {
  if (piece.text.empty()) throw Error(ErrorCode::corrupt, what + " is empty");
  if (piece.text.size() > kMaxPieceBytes)
    throw Error(ErrorCode::corrupt, what + " has " + std::to_string(piece.text.size()) +
                                        " bytes; at most " + std::to_string(kMaxPieceBytes) +
                                        " are allowed");
  if (!is_valid_utf8(piece.text))
    throw Error(ErrorCode::corrupt, what + ", " + quote(piece.text) + ", is not UTF-8");
  if (!std::isfinite(piece.score))
    throw Error(ErrorCode::corrupt,
                what + ", " + quote(piece.text) + ", has a score that is not finite");
}

bool is_special(PieceType type) {
  return type == PieceType::unknown || type == PieceType::control || type == PieceType::byte;
}

void check_pieces(const SentencePieceModel& model, const std::string& name) {
  if (model.pieces.empty())
    throw Error(ErrorCode::corrupt, name + ": no pieces; a SentencePiece model was expected");
  std::unordered_set<std::string_view> ordinary, special;
  std::bitset<256> bytes;
  std::size_t unknowns = 0;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    const std::string what = name + ": piece " + std::to_string(id);
    check_piece(piece, what);
    if (!(is_special(piece.type) ? special : ordinary).insert(piece.text).second)
      throw Error(ErrorCode::corrupt, what + ", " + quote(piece.text) + ", occurs twice");
    if (piece.type == PieceType::unknown) ++unknowns;
    if (piece.type == PieceType::byte) {
      const int byte = byte_of_piece(piece.text);
      if (byte < 0 || !model.byte_fallback)
        throw Error(ErrorCode::corrupt,
                    what + ", " + quote(piece.text) + ", is of type byte; " +
                        (byte < 0 ? "its form must be <0xNN>" : "the model has no byte fallback"));
      bytes.set(static_cast<std::size_t>(byte));
    }
  }
  if (unknowns != 1)
    throw Error(ErrorCode::corrupt, name + ": " + std::to_string(unknowns) +
                                        " unknown pieces; exactly one was expected");
  if (model.byte_fallback && !bytes.all())
    throw Error(ErrorCode::corrupt, name + ": byte fallback with pieces for " +
                                        std::to_string(bytes.count()) + " of 256 bytes");
}

}  // namespace

int byte_of_piece(std::string_view piece) noexcept {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (piece.size() != 6 || piece.substr(0, 3) != "<0x" || piece[5] != '>') return -1;
  const int high = digit(piece[3]), low = digit(piece[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

SentencePieceModel SentencePieceModel::parse(std::string_view bytes, const std::string& name,
                                             const Limits& limits) {
  // The last field of a message wins, and messages given twice are merged, as protobuf asks.
  const std::string piece_name = name + ": a piece", trainer_name = name + ": trainer_spec",
                    normalizer_name = name + ": normalizer_spec";
  SentencePieceModel model;
  ProtobufReader reader(bytes, name);
  ProtobufReader::Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case model_field::pieces:
        if (std::cmp_greater_equal(model.pieces.size(), limits.max_vocabulary))
          throw Error(ErrorCode::resource_exhausted,
                      name + ": more than " + std::to_string(limits.max_vocabulary) + " pieces",
                      "raise Limits::max_vocabulary");
        model.pieces.push_back(parse_piece(reader.bytes(field), piece_name));
        break;
      case model_field::trainer_spec:
        parse_trainer_spec(reader.bytes(field), trainer_name, model);
        break;
      case model_field::normalizer_spec:
        parse_normalizer_spec(reader.bytes(field), normalizer_name, model.normalizer);
        break;
      default:
        break;
    }
  }
  check_pieces(model, name);
  return model;
}

SentencePieceModel SentencePieceModel::load(const std::string& path, const Limits& limits) {
  return parse(read_file(path, limits.max_tokenizer_bytes, "SentencePiece model"), path, limits);
}

}  // namespace tandem
