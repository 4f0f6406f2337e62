// The content of a SentencePiece file (`.model`, `.spm`), checked and otherwise as it stands.
//
// Format: a protocol buffer, schema sentencepiece_model.proto of github.com/google/sentencepiece;
// unknown fields are skipped. Cost: linear in the file. What is checked here holds everywhere else:
// at least one piece, exactly one unknown piece, every piece valid UTF-8 of 1 to 4096 bytes with a
// finite score, no piece twice within normal or within special ones, and with byte fallback one
// piece for each byte value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/options.h>

namespace tandem {

enum class PieceType : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,       // such as </s>: never found in a text, invisible when decoded
  user_defined = 4,  // always found whole, and left alone by the normaliser
  unused = 5,        // holds an id, never the answer
  byte = 6           // <0x00> to <0xFF>
};

struct Piece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::normal;
};

// NormalizerSpec; see normalizer.h.
struct NormalizerRules {
  std::string precompiled_charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

struct SentencePieceModel {
  enum class Algorithm : std::uint8_t { unigram = 1, bpe = 2, word = 3, character = 4 };

  std::vector<Piece> pieces;  // the index is the id
  Algorithm algorithm = Algorithm::unigram;
  NormalizerRules normalizer;
  bool treat_whitespace_as_suffix = false;
  bool byte_fallback = false;
  std::string unk_surface = " \xE2\x81\x87 ";  // what an unknown piece decodes to
  std::string eos_piece = "</s>";
  std::string pad_piece = "<pad>";

  // `name` is the file's, for messages. Throws Error: corrupt, unsupported (an algorithm that is
  // none of the four), resource_exhausted (more than limits.max_vocabulary pieces).
  static SentencePieceModel parse(std::string_view bytes, const std::string& name,
                                  const Limits& limits = {});

  // Reads the file. Throws what read_file and parse throw.
  static SentencePieceModel load(const std::string& path, const Limits& limits = {});
};

// "<0x41>" is 0x41; anything else is -1.
int byte_of_piece(std::string_view piece) noexcept;

}  // namespace tandem
