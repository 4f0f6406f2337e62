// Constraints of the JSON-lines contract (docs/formats.md), made through the public factories.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "request_json.h"

namespace tandem::cli {
namespace {

using Ids = std::vector<TokenId>;

// Constraints over text that were compiled already: what one has learnt about the vocabulary serves
// all requests that ask for the same.
class CompiledConstraints {
 public:
  using Make = std::shared_ptr<const Constraint> (*)(std::shared_ptr<const TokenText>,
                                                     std::string_view);

  std::shared_ptr<const Constraint> get(std::shared_ptr<const TokenText> text,
                                        const std::string& type, Make make,
                                        const std::string& definition) {
    if (text != text_ || compiled_.size() >= kMost) compiled_.clear();
    text_ = std::move(text);
    auto& constraint = compiled_[{type, definition}];
    if (!constraint) constraint = make(text_, definition);
    return constraint;
  }

 private:
  static constexpr std::size_t kMost = 64;
  std::shared_ptr<const TokenText> text_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Constraint>> compiled_;
};

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
  std::shared_ptr<const Constraint> read_text_language(const std::string& type, Fields& fields);
  std::shared_ptr<const Constraint> read_tagged_copy(Fields& fields) const;
  std::shared_ptr<const Constraint> read_edit_actions(Fields& fields) const;
  Ids without_frame(Ids ids) const;
  Ids read_label(const std::string& pattern, const Json& label) const;
  std::vector<Ids> source_words() const;
  EncodeOptions target_options() const;

  const Engine& engine_;
  Request& request_;
};

EncodeOptions ConstraintReader::target_options() const {
  EncodeOptions options;
  options.source_lang = request_.source_lang;
  options.target_lang = request_.target_lang;
  options.as_target = true;
  return options;
}

// A text as the middle of an output: its tokens without the end of the sentence.
Ids ConstraintReader::read_sequence(const std::string& key, const Json& json) const {
  if (!json.is_string()) return read_ids(key, json);
  const Tokenizer& tokenizer = engine_.tokenizer();
  Ids ids = tokenizer.encode(json.get<std::string>(), target_options());
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

std::shared_ptr<const Constraint> ConstraintReader::read_text_language(const std::string& type,
                                                                       Fields& fields) {
  static CompiledConstraints compiled;
  if (type == "json_schema") {
    const Json* schema = fields.find("schema");
    if (schema == nullptr) refuse("constraint.schema", "a JSON schema", Json());
    return compiled.get(engine_.token_text(), type, make_json_schema_constraint, schema->dump());
  }
  const bool is_regex = type == "regex";
  const char* key = is_regex ? "pattern" : "ebnf";
  const std::optional<std::string> definition = fields.text(key);
  if (!definition) refuse(std::string("constraint.") + key, "a text", Json());
  return compiled.get(engine_.token_text(), type,
                      is_regex ? make_regex_constraint : make_grammar_constraint, *definition);
}

// Without the tokens that the tokenizer's template puts around a text.
Ids ConstraintReader::without_frame(Ids ids) const {
  const Ids frame = engine_.tokenizer().encode("", target_options());
  const auto in_frame = [&](TokenId id) {
    return std::find(frame.begin(), frame.end(), id) != frame.end();
  };
  ids.erase(ids.begin(), std::find_if_not(ids.begin(), ids.end(), in_frame));
  while (!ids.empty() && in_frame(ids.back())) ids.pop_back();
  return ids;
}

std::vector<Ids> ConstraintReader::source_words() const {
  const auto* ids = std::get_if<Ids>(&request_.input);
  const Ids tokens = ids != nullptr ? *ids
                                    : engine_.tokenizer().encode(
                                          std::get<std::string>(request_.input), target_options());
  return split_words(*engine_.token_text(), without_frame(tokens));
}

// `pattern` with the label in the place of {}.
Ids ConstraintReader::read_label(const std::string& pattern, const Json& label) const {
  const std::size_t place = pattern.find("{}");
  if (place == std::string::npos)
    refuse("constraint.open or close", "a text with {} for the label", pattern);
  const std::string before = pattern.substr(0, place), after = pattern.substr(place + 2);
  const auto encode = [&](const std::string& text) {
    return without_frame(engine_.tokenizer().encode(text, target_options()));
  };
  if (label.is_string()) return encode(before + label.get<std::string>() + after);
  Ids ids = encode(before);
  for (const Ids& part : {read_ids("constraint.labels", label), encode(after)})
    ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

std::shared_ptr<const Constraint> ConstraintReader::read_tagged_copy(Fields& fields) const {
  const Json* labels = fields.find("labels");
  if (labels == nullptr || !labels->is_array())
    refuse("constraint.labels", "a list of texts or of lists of token ids",
           labels != nullptr ? *labels : Json());
  const std::string open = fields.text("open").value_or("<{}>");
  const std::string close = fields.text("close").value_or("</{}>");
  std::vector<TagTokens> tags;
  for (const Json& label : *labels)
    tags.push_back({read_label(open, label), read_label(close, label)});
  return make_tagged_copy_constraint(source_words(), std::move(tags));
}

// Without `insertions`, any token of the text may be inserted.
std::shared_ptr<const Constraint> ConstraintReader::read_edit_actions(Fields& fields) const {
  EditActions actions;
  actions.words = source_words();
  if (const Json* insertions = fields.find("insertions")) {
    for (Ids& item : read_sequences("constraint.insertions", insertions))
      actions.insertions.push_back(without_frame(std::move(item)));
  } else {
    const TokenText& text = *engine_.token_text();
    for (TokenId token = 0; token < text.vocabulary_size(); ++token)
      if (text[token].is_text) actions.insertions.push_back({token});
  }
  if (const auto most = fields.integer("max_insertions")) actions.max_insertions = *most;
  return make_edit_actions_constraint(std::move(actions));
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
  } else if (type == "regex" || type == "json_schema" || type == "grammar") {
    constraint = read_text_language(type, fields);
  } else if (type == "tagged_copy") {
    constraint = read_tagged_copy(fields);
  } else if (type == "edit_actions") {
    constraint = read_edit_actions(fields);
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
