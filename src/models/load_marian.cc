#include "models/load_marian.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "models/families/marian_native.h"
#include "models/readers/marian_binary.h"
#include "models/readers/marian_npz.h"
#include "models/readers/marian_yaml.h"

namespace tandem {
namespace {

constexpr std::int64_t kMaxBeam = 1 << 16;

// The files that make up a model; empty: there is none.
struct MarianFiles {
  std::string model;
  std::vector<std::string> vocabularies;
  std::string shortlist;
  std::vector<std::string> shortlist_values;  // after the file's name
};

bool is_model(std::string_view name) {
  return name.ends_with(".npz") || (name.starts_with("model") && name.ends_with(".bin"));
}
bool is_shortlist(std::string_view name) {
  return name.starts_with("lex") && name.ends_with(".bin");
}
bool is_vocabulary(std::string_view name) {
  return name.ends_with(".spm");
}
bool is_yaml(std::string_view name) {
  return name.ends_with(".yml") || name.ends_with(".yaml");
}

std::vector<std::string> matching(const std::vector<std::string>& names,
                                  bool (*matches)(std::string_view)) {
  std::vector<std::string> found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found), matches);
  return found;
}

// A name from a .yml as a file of `directory`: models are moved about as directories, so only its
// last part counts.
std::string file_of(const std::string& directory, const std::string& name, const MarianYaml& yaml,
                    const std::string& key) {
  const std::string plain = name.substr(name.find_last_of('/') + 1);
  const std::string path = join_path(directory, plain);
  if (!is_plain_file_name(plain) || !is_regular_file(path))
    throw Error(ErrorCode::not_found, yaml.name() + ": " + key + " names " + quote(name) +
                                          ", which is not in " + directory);
  return path;
}

// The first .yml, by name, that names a model.
std::optional<MarianYaml> decoder_yaml(const std::string& directory,
                                       const std::vector<std::string>& names,
                                       const Limits& limits) {
  for (const std::string& name : matching(names, is_yaml)) {
    MarianYaml yaml = MarianYaml::read(join_path(directory, name), limits.max_config_bytes);
    if (yaml.has("models")) return yaml;
  }
  return std::nullopt;
}

MarianFiles files_by_yaml(const std::string& directory, const MarianYaml& yaml) {
  const auto strings = [&](const char* key) {
    return yaml.strings(key).value_or(std::vector<std::string>{});
  };
  const std::vector<std::string> models = strings("models");
  if (models.size() != 1)
    throw Error(ErrorCode::unsupported, yaml.name() + ": models names " +
                                            std::to_string(models.size()) +
                                            " files; this version runs one model at a time");
  MarianFiles files;
  files.model = file_of(directory, models[0], yaml, "models");
  for (const std::string& name : strings("vocabs"))
    files.vocabularies.push_back(file_of(directory, name, yaml, "vocabs"));
  const std::vector<std::string> shortlist = strings("shortlist");
  if (!shortlist.empty()) {
    files.shortlist = file_of(directory, shortlist[0], yaml, "shortlist");
    files.shortlist_values.assign(shortlist.begin() + 1, shortlist.end());
  }
  return files;
}

MarianFiles files_by_name(const std::string& directory, const std::vector<std::string>& names) {
  const auto single = [&](bool (*matches)(std::string_view), const char* what) {
    const std::vector<std::string> found = matching(names, matches);
    if (found.size() > 1)
      throw Error(ErrorCode::invalid_argument,
                  directory + ": holds " + std::to_string(found.size()) + " " + what + " (" +
                      quote(found[0]) + ", " + quote(found[1]) +
                      ", ...) and no .yml that says which to use",
                  "write a config.yml with the keys models, vocabs and shortlist");
    return found.empty() ? std::string() : join_path(directory, found[0]);
  };
  MarianFiles files;
  files.model = single(is_model, "models");
  files.shortlist = single(is_shortlist, "shortlists");
  for (const std::string& name : matching(names, is_vocabulary))
    files.vocabularies.push_back(join_path(directory, name));
  // srcvocab.*.spm and trgvocab.*.spm are in this order by name already.
  if (files.vocabularies.size() == 1) files.vocabularies.push_back(files.vocabularies[0]);
  return files;
}

MarianDecoding read_decoding(const MarianYaml& yaml) {
  MarianDecoding decoding;
  if (const auto beam_size = yaml.integer("beam-size", 1, kMaxBeam))
    decoding.beam_size = static_cast<int>(*beam_size);
  decoding.normalize = yaml.number("normalize");
  decoding.word_penalty = yaml.number("word-penalty");
  decoding.max_length_factor = yaml.number("max-length-factor");
  if (decoding.max_length_factor && !(*decoding.max_length_factor > 0))
    throw Error(ErrorCode::corrupt, yaml.name() +
                                        ": key 'max-length-factor' should be above 0, found " +
                                        std::to_string(*decoding.max_length_factor));
  decoding.allow_unknown = yaml.boolean("allow-unk");
  return decoding;
}

// The values after the file's name: first, best, threshold. In a config with a binary file the
// second is only "check the file", which is always done.
TextShortlistFile text_shortlist(const MarianFiles& files, const MarianYaml& yaml,
                                 const Limits& limits) {
  TextShortlistFile file;
  file.path = files.shortlist;
  const auto number = [&](std::size_t index, double fallback, double highest) {
    if (index >= files.shortlist_values.size()) return fallback;
    const std::string& text = files.shortlist_values[index];
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !(value >= 0 && value <= highest))
      throw Error(ErrorCode::corrupt, yaml.name() + ": shortlist has the value " + quote(text) +
                                          ", expected a number from 0 to " +
                                          std::to_string(highest));
    return value;
  };
  file.options.first = static_cast<TokenId>(
      number(0, file.options.first, static_cast<double>(limits.max_vocabulary)));
  file.options.best =
      static_cast<int>(number(1, file.options.best, static_cast<double>(limits.max_vocabulary)));
  file.options.threshold = static_cast<float>(number(2, file.options.threshold, 1.0));
  return file;
}

}  // namespace

bool holds_marian_model(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), is_model);
}

void load_shortlist(const std::string& path, const ModelSpec& spec, const Limits& limits,
                    LoadedModel& model) {
  auto shortlist = std::make_shared<const Shortlist>(Shortlist::read(path, limits));
  if (shortlist->target_tokens() > spec.target_vocabulary)
    throw Error(ErrorCode::corrupt, path + ": names the target token " +
                                        std::to_string(shortlist->target_tokens() - 1) +
                                        "; the model's vocabulary has " +
                                        std::to_string(spec.target_vocabulary));
  model.shortlist = std::move(shortlist);
  model.shortlist_file = path;
  model.files.push_back(path);
}

ModelFiles read_marian_directory(const std::string& directory,
                                 const std::vector<std::string>& names, const Limits& limits,
                                 ComputeType type) {
  const std::optional<MarianYaml> yaml = decoder_yaml(directory, names, limits);
  const MarianFiles files =
      yaml ? files_by_yaml(directory, *yaml) : files_by_name(directory, names);
  ModelFiles result;
  LoadedModel& about = result.about;
  about.format = ModelFormat::marian;
  if (yaml) {
    about.files.push_back(yaml->name());
    about.marian = read_decoding(*yaml);
  }
  about.files.push_back(files.model);
  about.vocabularies = files.vocabularies;
  about.shared_vocabulary =
      files.vocabularies.size() == 2 && files.vocabularies[0] == files.vocabularies[1];

  MarianModelFile file = files.model.ends_with(".npz") ? read_marian_npz(files.model, limits)
                                                       : read_marian_binary(files.model, limits);
  for (const MarianItem& item : file.items)
    about.tensors.push_back({item.name, item.type, item.shape.to_string(), item.multiplier});
  result.model = load_marian_native(file, limits);
  file.weights.check_all_used();
  result.type = resolve_compute_type(type, file.weights);
  if (yaml && !files.shortlist.empty() && !files.shortlist.ends_with(".bin"))
    about.text_shortlist = text_shortlist(files, *yaml, limits);
  else if (!files.shortlist.empty())
    load_shortlist(files.shortlist, result.model.spec, limits, about);
  return result;
}

}  // namespace tandem
