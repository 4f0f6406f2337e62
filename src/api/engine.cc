// Loading: files to an Engine that can answer. What calls do is in generate.cc, translate.cc and
// score.cc.
#include <tandem/engine.h>

#include <algorithm>
#include <string>
#include <utility>

#include <tandem/error.h>

#include "api/absent_tokenizer.h"
#include "api/description.h"
#include "api/device_settings.h"
#include "api/engine_state.h"
#include "api/generation_config.h"
#include "base/file_io.h"
#include "base/log.h"
#include "base/quote.h"
#include "text/families/ctranslate2_tokenizer.h"
#include "text/tokenizer_kinds.h"

namespace tandem {
namespace {

BackendOptions backend_options(const EngineOptions& options) {
  BackendOptions backend;
  backend.device = options.device.kind() == Device::Kind::automatic ? Device::cpu() : options.device;
  backend.threads = options.threads;
  backend.numerics = options.numerics;
  return backend;
}

Profile profile_of(ModelFormat format) {
  switch (format) {
    case ModelFormat::hugging_face:
      return Profile::huggingface;
    case ModelFormat::ctranslate2:
      return Profile::ctranslate2;
    case ModelFormat::marian:
      return Profile::marian;
  }
  return Profile::huggingface;
}

// What a Marian decoder's .yml says, in the terms of a generation_config.json.
GenerationOptions marian_defaults(const MarianDecoding& decoding) {
  GenerationOptions options;
  options.num_beams = decoding.beam_size;
  options.length_penalty = decoding.normalize.value_or(0.0);
  options.word_penalty = decoding.word_penalty;
  return options;
}

// A value that would be a wrong argument of a request is a fault of the file that it stands in.
ParsedGenerationConfig read_generation_config(const std::string& path, const Limits& limits) {
  try {
    return parse_generation_config(read_file(path, limits.max_config_bytes, "generation options"), path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    throw Error(ErrorCode::corrupt, error.message(), error.hint());
  }
}

// What CTranslate2's Translator does when its caller says nothing: beams of 2, and 1 to 256 tokens
// with a prefix. These keys count the start token too.
GenerationOptions ctranslate2_defaults() {
  GenerationOptions options;
  options.num_beams = 2;
  options.min_length = 2;
  options.max_length = 257;
  return options;
}

std::shared_ptr<const Tokenizer> open_tokenizer(const LoadedModel& model, const std::string& directory,
                                                const Limits& limits) {
  if (model.format != ModelFormat::ctranslate2) return Tokenizer::load(directory, limits);
  const CTranslate2Texts& texts = model.ctranslate2;
  return name_path_in_errors(directory, [&] {
    return load_ctranslate2_tokenizer(
        ModelFolder(directory, limits),
        {texts.unknown, texts.bos, texts.eos, texts.add_source_bos, texts.add_source_eos});
  });
}

}  // namespace

EngineState::EngineState(const std::string& directory, const EngineOptions& engine_options)
    : options(with_device_settings(engine_options)), backends(backend_options(options)) {
  {
    const BackendPool::Lease backend = backends.lease(options.threads);
    model = load_model(directory, options.limits, options.compute_type, *backend);
  }
  read_defaults(directory);
  tokenizer = load_tokenizer(directory);
  for (const Device& device : options.more_devices) {
    EngineOptions other = engine_options;
    other.device = device;
    other.more_devices.clear();
    other.compute_type = model.network->compute_type();  // automatic differs between CPU and GPU
    replicas.push_back(std::make_unique<EngineState>(directory, other));
  }
  log_message(LogLevel::info, directory + ": loaded");
  for (const std::string& key : unknown_config_keys)
    log_message(LogLevel::warning,
                directory + ": generation_config.json has the unknown key " + quote(key));
}

std::shared_ptr<const Tokenizer> EngineState::load_tokenizer(const std::string& directory) const {
  const ModelSpec& spec = model.network->spec();
  std::shared_ptr<const Tokenizer> found;
  try {
    found = open_tokenizer(model, directory, options.limits);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::unsupported) throw;
    return std::make_shared<AbsentTokenizer>(error, static_cast<TokenId>(spec.target_vocabulary),
                                             spec.eos_tokens.empty() ? -1 : spec.eos_tokens.front(), spec.pad_token);
  }
  if (found->vocabulary_size() > std::max(spec.source_vocabulary, spec.target_vocabulary))
    throw Error(ErrorCode::corrupt, directory + ": the tokenizer has " + std::to_string(found->vocabulary_size()) +
                                        " tokens, the model only " + std::to_string(spec.target_vocabulary));
  return found;
}

// generation_config.json; where there is none, the search keys of an older config.json. Special
// tokens that neither names come from the model.
void EngineState::read_defaults(const std::string& directory) {
  std::string path = model.files.front();
  if (model.format == ModelFormat::marian) {
    defaults = marian_defaults(model.marian);
  } else if (model.format == ModelFormat::ctranslate2) {
    defaults = ctranslate2_defaults();
  } else {
    const std::string own = join_path(directory, "generation_config.json");
    const bool has_own = is_regular_file(own);
    path = has_own ? own : join_path(directory, "config.json");
    ParsedGenerationConfig config = read_generation_config(path, options.limits);
    defaults = std::move(config.options);
    if (has_own) unknown_config_keys = std::move(config.unknown_keys);
  }
  const ModelSpec& spec = model.network->spec();
  if (!defaults.eos_token_id) defaults.eos_token_id = spec.eos_tokens;
  if (!defaults.pad_token_id && spec.pad_token >= 0) defaults.pad_token_id = spec.pad_token;
  check_defaults(path);
}

// A value out of range would otherwise be refused at every request, as if the request were at fault.
// What this version cannot do is left to the requests, which may ask for something else.
void EngineState::check_defaults(const std::string& path) const {
  const std::vector<TokenId> shortest{0};
  SearchContext facts = context();
  facts.source = shortest;
  try {
    resolve(Request(shortest), facts, options.limits);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument)
      throw Error(ErrorCode::corrupt, path + ": " + error.message(), error.hint());
  }
}

EngineState& EngineState::of(const Engine& engine) {
  if (!engine.state_) throw Error(ErrorCode::invalid_argument, "the engine has been moved from");
  return *engine.state_;
}

SearchContext EngineState::context() const {
  const ModelSpec& spec = model.network->spec();
  SearchContext context;
  context.model_defaults = &defaults;
  context.tokenizer = tokenizer.get();
  context.files_profile = profile_of(model.format);
  context.vocabulary_size = static_cast<TokenId>(spec.target_vocabulary);
  context.start_token = spec.decoder_start_token;
  context.pad_token = spec.pad_token;
  context.unk_token = spec.unknown_token;
  context.allow_unk = model.marian.allow_unknown.value_or(false);
  context.max_target_positions = static_cast<int>(model.network->max_target_positions());
  context.max_length_factor = model.marian.max_length_factor.value_or(kMarianLengthFactor);
  return context;
}

std::size_t EngineState::max_source_tokens() const {
  const int positions = model.network->spec().encoder.max_positions;
  const int limit = options.limits.max_source_tokens;
  return static_cast<std::size_t>(positions > 0 ? std::min(positions, limit) : limit);
}

Engine::Engine(std::unique_ptr<EngineState> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Engine Engine::load(const std::string& directory, const EngineOptions& options) {
  return Engine(std::make_unique<EngineState>(directory, options));
}

Output Engine::generate(const Request& request, const CallOptions& call) const {
  Output output = std::move(generate(std::span<const Request>(&request, 1), call).front());
  if (output.error) throw *output.error;
  return output;
}

const Tokenizer& Engine::tokenizer() const { return *state_->tokenizer; }

std::shared_ptr<const TokenText> Engine::token_text() const {
  std::call_once(state_->token_text_made, [&] { state_->token_text = make_token_text(*state_->tokenizer); });
  return state_->token_text;
}

std::string Engine::description() const { return describe_engine(*state_); }

}  // namespace tandem
