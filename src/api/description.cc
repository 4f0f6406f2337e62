#include "api/description.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "kernels/backend.h"

namespace tandem {
namespace {

// Lines of "  name  value  (source)" in aligned columns.
class Table {
 public:
  void add(std::string_view name, std::string_view value, std::string_view note = {}) {
    rows_.push_back({std::string(name), std::string(value), std::string(note)});
  }
  std::string text() const {
    std::size_t name_width = 0, value_width = 0;
    for (const Row& row : rows_) {
      name_width = std::max(name_width, row.name.size());
      value_width = std::max(value_width, std::min<std::size_t>(row.value.size(), kWidestValue));
    }
    std::string out;
    for (const Row& row : rows_) {
      out += "  " + row.name + std::string(name_width - row.name.size() + 2, ' ') + row.value;
      if (!row.note.empty()) {
        const std::size_t pad = row.value.size() < value_width ? value_width - row.value.size() : 0;
        out += std::string(pad + 2, ' ') + row.note;
      }
      out += '\n';
    }
    return out;
  }

 private:
  static constexpr std::size_t kWidestValue = 24;
  struct Row {
    std::string name, value, note;
  };
  std::vector<Row> rows_;
};

std::string mebibytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string id_or_none(TokenId id) { return id < 0 ? "none" : std::to_string(id); }

std::string_view name_of(ModelFormat format) {
  switch (format) {
    case ModelFormat::hugging_face:
      return "Hugging Face";
    case ModelFormat::ctranslate2:
      return "CTranslate2";
    case ModelFormat::marian:
      return "Marian";
  }
  return "?";
}

std::string model_part(const LoadedModel& model) {
  Table table;
  const std::string format(name_of(model.format));
  table.add("format", model.packed ? "packed by Tandem, from " + format : format);
  for (const std::string& file : model.files) table.add("file", file);
  for (const SwitchLine& line : describe(model.network->spec())) table.add(line.name, line.value, line.source);
  return "Model\n" + table.text();
}

std::string tokenizer_part(const EngineState& engine) {
  Table table;
  const Tokenizer& tokenizer = *engine.tokenizer;
  table.add("vocabulary", std::to_string(tokenizer.vocabulary_size()));
  table.add("end of sentence", id_or_none(tokenizer.eos_id()));
  table.add("padding", id_or_none(tokenizer.pad_id()));
  table.add("unknown", id_or_none(tokenizer.unk_id()));
  table.add("lexical shortlist", engine.model.shortlist ? "yes" : "no");
  if (engine.model.vocabulary_map)
    table.add("vocabulary map", "vmap.txt", "used where a request asks for its shortlist");
  for (const std::string& key : engine.unknown_config_keys)
    table.add("generation_config.json", key, "unknown key, not used");
  return "Tokenizer and decoding\n" + table.text();
}

std::string runtime_part(EngineState& engine) {
  Table table;
  const BackendPool::Lease backend = engine.backends.lease(engine.options.threads);
  table.add("backend", (*backend).name());
  for (const auto& replica : engine.replicas)
    table.add("and a replica on", replica->options.device.name());
  table.add("compute type", to_string(engine.model.network->compute_type()));
  table.add("weights in memory", mebibytes(engine.model.network->bytes()));
  table.add("longest source", std::to_string(engine.max_source_tokens()) + " tokens");
  return "Runtime\n" + table.text();
}

std::string tensor_part(const LoadedModel& model) {
  Table table;
  for (const TensorLine& line : model.tensors) {
    char multiplier[48] = "";
    if (line.multiplier)
      std::snprintf(multiplier, sizeof multiplier, "multiplier %.9g", static_cast<double>(*line.multiplier));
    table.add(line.name, line.type + " " + line.shape, multiplier);
  }
  return "Tensors (" + std::to_string(model.tensors.size()) + ")\n" + table.text();
}

}  // namespace

std::string describe_engine(EngineState& engine) {
  return model_part(engine.model) + '\n' + tokenizer_part(engine) + '\n' + runtime_part(engine) + '\n' +
         tensor_part(engine.model);
}

}  // namespace tandem
