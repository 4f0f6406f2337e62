// Tokenizer::load: which family's tokenizer the files of a directory make.
//
// To add a family: one file with its Tokenizer, and one row in kKinds. Rows are asked in order; the
// first whose `matches` says yes loads, so that a missing file of a known family is named.
#include "text/tokenizer_kinds.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <tandem/error.h>
#include <tandem/tokenizer.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "text/families/byt5_tokenizer.h"
#include "text/families/byte_level_tokenizer.h"
#include "text/families/ctranslate2_tokenizer.h"
#include "text/families/fairseq_tokenizers.h"
#include "text/families/t5_tokenizer.h"
#include "text/json_file.h"
#include "text/marian_tokenizer.h"
#include "text/model_folder.h"
#include "text/pipeline/pipeline_tokenizer.h"
#include "text/sentencepiece_tokenizer.h"

namespace tandem {
namespace {

using TokenizerPtr = std::shared_ptr<const Tokenizer>;

// A special token of tokenizer_config.json: its string, or an object with the string as "content".
std::string special_token(const ModelFolder& folder, const char* key, const std::string& fallback) {
  const auto member = folder.tokenizer_config.find(key);
  if (member != folder.tokenizer_config.end() && member->is_object())
    return string_member(*member, "content", fallback);
  return string_member(folder.tokenizer_config, key, fallback);
}

bool is_huggingface_marian(const ModelFolder& folder) {
  return string_member(folder.tokenizer_config, "tokenizer_class", "") == "MarianTokenizer" ||
         folder.model_type() == "marian" || (folder.has("source.spm") && folder.has("vocab.json"));
}

TokenizerPtr load_huggingface_marian(const ModelFolder& folder) {
  MarianTokenizer::Parts parts;
  parts.source_pieces = folder.pieces("source.spm");
  parts.target_pieces = folder.pieces("target.spm");
  parts.source_vocabulary = folder.vocabulary("vocab.json");
  parts.target_vocabulary = bool_member(folder.tokenizer_config, "separate_vocabs", false)
                                ? folder.vocabulary("target_vocab.json")
                                : parts.source_vocabulary;
  parts.unk = special_token(folder, "unk_token", parts.unk);
  parts.eos = special_token(folder, "eos_token", parts.eos);
  parts.pad = special_token(folder, "pad_token", parts.pad);
  parts.target_lang = string_member(folder.tokenizer_config, "target_lang", "");
  return std::make_shared<const MarianTokenizer>(std::move(parts));
}

// OPUS-MT's own packages: source.spm, target.spm and one vocabulary in YAML.
bool is_opus_package(const ModelFolder& folder) {
  return folder.has("source.spm") && folder.has("target.spm") &&
         folder.ending_with("vocab.yml").size() == 1;
}

TokenizerPtr load_opus_package(const ModelFolder& folder) {
  MarianTokenizer::Parts parts;
  parts.source_pieces = folder.pieces("source.spm");
  parts.target_pieces = folder.pieces("target.spm");
  parts.source_vocabulary = folder.vocabulary(folder.ending_with("vocab.yml").front());
  parts.target_vocabulary = parts.source_vocabulary;
  return std::make_shared<const MarianTokenizer>(std::move(parts));
}

// Marian with SentencePiece inside: one `vocab*.spm`, or `srcvocab*.spm` and `trgvocab*.spm`.
std::vector<std::string> native_vocabularies(const ModelFolder& folder) {
  std::vector<std::string> shared, source, target;
  for (const std::string& name : folder.ending_with(".spm")) {
    if (name.starts_with("vocab")) shared.push_back(name);
    if (name.starts_with("srcvocab")) source.push_back(name);
    if (name.starts_with("trgvocab")) target.push_back(name);
  }
  if (shared.size() == 1 && source.empty() && target.empty()) return shared;
  if (shared.empty() && source.size() == 1 && target.size() == 1) return {source[0], target[0]};
  return {};
}

bool is_native_marian(const ModelFolder& folder) {
  return !native_vocabularies(folder).empty();
}

TokenizerPtr load_native_marian(const ModelFolder& folder) {
  const std::vector<std::string> names = native_vocabularies(folder);
  const auto source = folder.pieces(names.front());
  const auto target = names.size() == 1 ? source : folder.pieces(names.back());
  return std::make_shared<const SentencePieceTokenizer>(source, target, EndToken::appended);
}

struct Kind {
  const char* name;
  const char* files;  // what a directory of this kind has, for messages
  bool (*matches)(const ModelFolder&);
  TokenizerPtr (*load)(const ModelFolder&);
};

bool has_tokenizer_json(const ModelFolder& folder) {
  return folder.has("tokenizer.json");
}

bool is_byt5(const ModelFolder& folder) {
  return folder.tokenizer_class() == "ByT5Tokenizer";
}

bool is_t5(const ModelFolder& folder) {
  return folder.tokenizer_class() == "T5Tokenizer";
}

bool is_pegasus(const ModelFolder& folder) {
  return folder.tokenizer_class() == "PegasusTokenizer";
}

bool is_m2m100(const ModelFolder& folder) {
  return folder.tokenizer_class() == "M2M100Tokenizer";
}

bool is_fairseq(const ModelFolder& folder) {
  const std::string name = folder.tokenizer_class();
  return name == "MBartTokenizer" || name == "MBart50Tokenizer" || name == "NllbTokenizer";
}

bool is_byte_level(const ModelFolder& folder) {
  return folder.has("vocab.json") && folder.has("merges.txt");
}

constexpr std::array kKinds{
    Kind{"Hugging Face Marian", "source.spm, target.spm, vocab.json", is_huggingface_marian,
         load_huggingface_marian},
    Kind{"OPUS-MT package", "source.spm, target.spm, *vocab.yml", is_opus_package,
         load_opus_package},
    Kind{"native Marian", "vocab*.spm, or srcvocab*.spm and trgvocab*.spm", is_native_marian,
         load_native_marian},
    Kind{"the tokenizers library", "tokenizer.json", has_tokenizer_json,
         pipeline::PipelineTokenizer::load},
    Kind{"ByT5", "a configuration that names the class ByT5Tokenizer", is_byt5,
         Byt5Tokenizer::load},
    Kind{"T5", "spiece.model", is_t5, T5Tokenizer::load},
    Kind{"Pegasus", "spiece.model", is_pegasus, load_pegasus},
    Kind{"M2M100", "sentencepiece.bpe.model, vocab.json", is_m2m100, load_m2m100},
    Kind{"mBART, mBART-50 and NLLB", "sentencepiece.bpe.model", is_fairseq, load_fairseq},
    Kind{"BART and Whisper", "vocab.json, merges.txt", is_byte_level, ByteLevelTokenizer::load},
};

[[noreturn]] void fail_unsupported(const ModelFolder& folder) {
  constexpr std::size_t kMostNames = 20;
  std::string found, known;
  for (std::size_t i = 0; i < std::min(folder.files.size(), kMostNames); ++i)
    found += (i == 0 ? "" : ", ") + quote(folder.files[i]);
  if (folder.files.size() > kMostNames) found += ", ...";
  for (const Kind& kind : kKinds)
    known += std::string(known.empty() ? "" : "; ") + kind.name + " (" + kind.files + ")";
  const std::string type = folder.model_type();
  throw Error(ErrorCode::unsupported,
              folder.path + ": no tokenizer for these files: " + (found.empty() ? "none" : found) +
                  (type.empty() ? "" : "; the model type is " + quote(type)),
              "known are a SentencePiece file, and directories of " + known +
                  "; CTranslate2 (model.bin with its vocabulary)");
}

}  // namespace

TokenizerPtr name_path_in_errors(const std::string& path,
                                 const std::function<TokenizerPtr()>& load) {
  try {
    return load();
  } catch (const Error& error) {
    if (error.message().find(path) != std::string::npos) throw;
    throw Error(error.code(), path + ": " + error.message(), error.hint());
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::corrupt, path + ": the tokenizer's configuration: " + error.what());
  }
}

TokenizerPtr find_tokenizer(const ModelFolder& folder) {
  for (const Kind& kind : kKinds)
    if (kind.matches(folder)) return kind.load(folder);
  return nullptr;
}

std::shared_ptr<const Tokenizer> Tokenizer::load(const std::string& path, const Limits& limits) {
  if (!is_directory(path)) {
    const auto pieces = SentencePiece::load(path, limits);
    return std::make_shared<const SentencePieceTokenizer>(pieces, pieces, EndToken::omitted);
  }
  return name_path_in_errors(path, [&]() -> TokenizerPtr {
    const ModelFolder folder(path, limits);
    if (holds_ctranslate2_model(folder))
      return load_ctranslate2_tokenizer(folder, ctranslate2_marks(folder));
    if (TokenizerPtr found = find_tokenizer(folder)) return found;
    fail_unsupported(folder);
  });
}

}  // namespace tandem
