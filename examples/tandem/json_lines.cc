#include "json_lines.h"

#include <new>

namespace tandem::cli {
namespace {

constexpr int kMaxDepth = 32;

// The top-level "id" of a line that is no JSON as a whole: reads until it meets the fault.
class IdFinder : public nlohmann::json_sax<Json> {
 public:
  std::string id;  // as JSON text

  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(std::int64_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) override { return number(std::to_string(value)); }
  bool number_float(double, const std::string&) override { return scalar(); }
  bool binary(Json::binary_t&) override { return scalar(); }
  bool string(std::string& value) override {
    if (at_id()) append_json(id, value);
    return scalar();
  }
  bool key(std::string& name) override {
    is_id_ = depth_ == 1 && name == "id";
    return true;
  }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  bool at_id() const { return depth_ == 1 && is_id_ && id.empty(); }
  bool scalar() {
    is_id_ = is_id_ && depth_ != 1;
    return true;
  }
  bool number(const std::string& digits) {
    if (at_id()) id = digits;
    return scalar();
  }
  bool open() {
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  bool is_id_ = false;
};

std::string find_id(const std::string& text) {
  IdFinder finder;
  Json::sax_parse(text, &finder);
  return finder.id;
}

// The same text with U+FFFD in place of what is not UTF-8.
std::string with_replacements(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

Json parse_bounded(const std::string& text) {
  return Json::parse(text, [](int depth, Json::parse_event_t event, const Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= kMaxDepth)
      throw Error(ErrorCode::invalid_argument,
                  "the request nests more than " + std::to_string(kMaxDepth) + " levels");
    return true;
  });
}

// "column 7: what is wrong there", without the parser's own codes.
std::string fault(const Json::parse_error& error) {
  const std::string text = error.what();
  const std::size_t column = text.find("column ");
  return column == std::string::npos ? text : text.substr(column);
}

std::string id_of(const Json& json) {
  if (!json.is_object()) return {};
  const auto id = json.find("id");
  if (id == json.end() || id->is_null()) return {};
  if (!id->is_string() && !id->is_number_integer()) refuse("request.id", "a string", *id);
  return id->dump(-1, ' ', /*ensure_ascii=*/false);
}

}  // namespace

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::resource_exhausted, "out of memory");
  } catch (const std::exception& error) {
    return Error(ErrorCode::internal, error.what());
  }
}

JsonLine parse_json_line(const Line& line) {
  JsonLine parsed;
  if (line.oversized) {
    parsed.error =
        Error(ErrorCode::resource_exhausted,
              "the line is longer than " + std::to_string(LineReader::kMaxLineBytes) + " bytes");
    return parsed;
  }
  try {
    parsed.json = parse_bounded(line.text);
    parsed.id = id_of(parsed.json);
  } catch (const Json::parse_error& error) {
    const std::string readable = with_replacements(line.text);
    parsed.error = Error(ErrorCode::invalid_argument,
                         readable == line.text ? "the line is not a JSON object: " + fault(error)
                                               : "the line is not UTF-8; text must be UTF-8");
    parsed.id = find_id(readable);
  } catch (const std::exception&) {
    parsed.error = current_error();
    parsed.id = find_id(with_replacements(line.text));
  }
  return parsed;
}

}  // namespace tandem::cli
