#include "models/packed/decoding_json.h"


#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxBeam = 1 << 16;

template <class T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

}  // namespace

Json decoding_to_json(const LoadedModel& model) {
  Json marian = Json::object();
  put(marian, "beam_size", model.marian.beam_size);
  put(marian, "normalize", model.marian.normalize);
  put(marian, "word_penalty", model.marian.word_penalty);
  put(marian, "max_length_factor", model.marian.max_length_factor);
  put(marian, "allow_unknown", model.marian.allow_unknown);
  Json json{{"source_format", std::string(to_string(model.format))},
            {"shared_vocabulary", model.shared_vocabulary},
            {"marian", marian}};
  if (model.format == ModelFormat::ctranslate2)
    json["ctranslate2"] = {{"unknown", model.ctranslate2.unknown},
                           {"bos", model.ctranslate2.bos},
                           {"eos", model.ctranslate2.eos},
                           {"add_source_bos", model.ctranslate2.add_source_bos},
                           {"add_source_eos", model.ctranslate2.add_source_eos}};
  if (!model.shortlist_file.empty())
    json["shortlist"] = model.shortlist_file.substr(model.shortlist_file.find_last_of('/') + 1);
  return json;
}

std::string decoding_from_json(const JsonObject& json, LoadedModel& model) {
  const std::string format = json.required_string("source_format");
  const auto known = parse_model_format(format);
  if (!known)
    throw Error(ErrorCode::corrupt,
                json.name() + ": 'source_format' has the unknown value " + quote(format));
  model.format = *known;
  model.shared_vocabulary = json.boolean("shared_vocabulary").value_or(false);
  if (const auto marian = json.object("marian")) {
    if (const auto beams = marian->integer("beam_size", 1, kMaxBeam))
      model.marian.beam_size = static_cast<int>(*beams);
    model.marian.normalize = marian->number("normalize");
    model.marian.word_penalty = marian->number("word_penalty");
    model.marian.max_length_factor = marian->number("max_length_factor");
    model.marian.allow_unknown = marian->boolean("allow_unknown");
  }
  if (const auto texts = json.object("ctranslate2")) {
    model.ctranslate2.unknown = texts->required_string("unknown");
    model.ctranslate2.bos = texts->required_string("bos");
    model.ctranslate2.eos = texts->required_string("eos");
    model.ctranslate2.add_source_bos = texts->boolean("add_source_bos").value_or(false);
    model.ctranslate2.add_source_eos = texts->boolean("add_source_eos").value_or(false);
  }
  const std::string shortlist = json.string("shortlist").value_or("");
  if (!shortlist.empty() && !is_plain_file_name(shortlist))
    throw Error(ErrorCode::corrupt,
                json.name() + ": 'shortlist' should be a plain file name in the same folder");
  return shortlist;
}

}  // namespace tandem
