// Constraints of the JSON-lines contract (docs/formats.md), made through the public factories.
#include <string>
#include <utility>
#include <vector>

#include "request_json.h"

namespace tandem::cli {
namespace {

using Ids = std::vector<TokenId>;

// Reads constraints for one request, whose tokenizer and languages turn strings into ids.
class ConstraintReader {
 public:
  ConstraintReader(const Engine& engine, Request& request) : engine_(engine), request_(request) {}

  // The constraint, or null for what a request can say by itself: a prefix becomes its prefix, and
  // required phrases join force_words_ids, for which the search knows how much room is left.
  std::shared_ptr<const Constraint> read(const Json& json);

 private:
  std::shared_ptr<const Constraint> read_all_of(const Json& constraints);
  void read_prefix(Fields& fields);
  Ids read_sequence(const std::string& key, const Json& json) const;
  std::vector<Ids> read_sequences(const std::string& key, const Json* json) const;
  void read_phrases(const Json* json);

  const Engine& engine_;
  Request& request_;
};

// A text as the middle of an output: its tokens without the end of the sentence.
Ids ConstraintReader::read_sequence(const std::string& key, const Json& json) const {
  if (!json.is_string()) return read_ids(key, json);
  const Tokenizer& tokenizer = engine_.tokenizer();
  EncodeOptions options;
  options.source_lang = request_.source_lang;
  options.target_lang = request_.target_lang;
  options.as_target = true;
  Ids ids = tokenizer.encode(json.get<std::string>(), options);
  if (!ids.empty() && ids.back() == tokenizer.eos_id()) ids.pop_back();
  return ids;
}

std::vector<Ids> ConstraintReader::read_sequences(const std::string& key, const Json* json) const {
  if (json == nullptr || !json->is_array())
    refuse(key, "a list of texts or of lists of token ids", json != nullptr ? *json : Json());
  std::vector<Ids> sequences;
  for (const Json& item : *json) sequences.push_back(read_sequence(key, item));
  return sequences;
}

// Each phrase is a list of alternatives; one text, or one list of ids, is its only alternative.
void ConstraintReader::read_phrases(const Json* json) {
  const std::string key = "constraint.all_of";
  if (json == nullptr || !json->is_array())
    refuse(key, "a list of phrases", json != nullptr ? *json : Json());
  auto& phrases = request_.generation.force_words_ids;
  if (!phrases) phrases.emplace();
  for (const Json& phrase : *json) {
    const bool single =
        phrase.is_string() || (phrase.is_array() && !phrase.empty() && phrase.front().is_number());
    phrases->push_back(single ? std::vector<Ids>{read_sequence(key, phrase)}
                              : read_sequences(key, &phrase));
  }
}

void ConstraintReader::read_prefix(Fields& fields) {
  std::optional<Input> prefix = fields.text_or_ids("prefix", "prefix_ids");
  if (!prefix)
    throw Error(ErrorCode::invalid_argument, "constraint: expected prefix or prefix_ids");
  const bool given = std::visit([](const auto& value) { return !value.empty(); }, request_.prefix);
  if (given)
    throw Error(ErrorCode::invalid_argument, "constraint: the request has a prefix already");
  request_.prefix = *std::move(prefix);
}

std::shared_ptr<const Constraint> ConstraintReader::read_all_of(const Json& constraints) {
  if (!constraints.is_array())
    refuse("constraint.constraints", "a list of constraints", constraints);
  std::vector<std::shared_ptr<const Constraint>> parts;
  for (const Json& item : constraints)
    if (auto part = read(item)) parts.push_back(std::move(part));
  if (parts.empty()) return nullptr;
  return make_intersection_constraint(std::move(parts));
}

// Nesting is bounded by json_lines.h, which refuses deep JSON.
std::shared_ptr<const Constraint> ConstraintReader::read(const Json& json) {
  Fields fields(json, "constraint");
  const std::string type = fields.text("type").value_or("");
  std::shared_ptr<const Constraint> constraint;
  if (type == "prefix") {
    read_prefix(fields);
  } else if (type == "trie") {
    constraint =
        make_trie_constraint(read_sequences("constraint.sequences", fields.find("sequences")));
  } else if (type == "banned") {
    constraint =
        make_banned_phrases_constraint(read_sequences("constraint.phrases", fields.find("phrases")),
                                       engine_.tokenizer().vocabulary_size());
  } else if (type == "phrases") {
    read_phrases(fields.find("all_of"));
  } else if (type == "all_of") {
    const Json* constraints = fields.find("constraints");
    constraint = read_all_of(constraints != nullptr ? *constraints : Json());
  } else if (type.empty()) {
    throw Error(ErrorCode::invalid_argument, "constraint.type: expected the type of a constraint");
  } else {
    throw Error(ErrorCode::unsupported,
                "constraint " + excerpt(Json(type)) + " is not supported by this version");
  }
  fields.finish();
  return constraint;
}

}  // namespace

void apply_constraint(const Json& json, const Engine& engine, Request& request) {
  request.constraint = ConstraintReader(engine, request).read(json);
}

}  // namespace tandem::cli
