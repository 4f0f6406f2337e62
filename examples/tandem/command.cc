#include "command.h"

#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

namespace tandem::cli {
namespace {

// Names with commas between them.
std::vector<Device> parse_devices(const std::string& names) {
  std::vector<Device> devices;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = names.find(',', begin);
    devices.push_back(Device::parse(std::string_view(names).substr(begin, end - begin)));
  }
  return devices;
}

std::string device_error(const std::string& names) {
  try {
    parse_devices(names);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

void ModelFlags::add_to(CLI::App& app) {
  app.add_option("-m,--model", path, "Directory of the model")->required();
  app.add_option("-t,--threads", threads, "Threads; 0: one for each core, 2 workers on a GPU")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--compute-type", compute_type, "Numbers of the weights and their products")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16", "int8"}))
      ->capture_default_str();
  app.add_option(
         "--numerics", numerics,
         "exact: the same bits in any batch; fast: library kernels may change the last bits")
      ->check(CLI::IsMember({"exact", "fast"}))
      ->capture_default_str();
  app.add_option("--device", device,
                 "auto, cpu or cuda:N; several with commas hold a replica of the model each")
      ->check(CLI::Validator(device_error, "DEVICE"))
      ->capture_default_str();
}

EngineOptions ModelFlags::options() const {
  EngineOptions options;
  const std::vector<Device> devices = parse_devices(device);
  options.device = devices.front();
  options.more_devices.assign(devices.begin() + 1, devices.end());
  options.compute_type = parse_compute_type(compute_type);
  options.numerics = numerics == "fast" ? Numerics::fast : Numerics::exact;
  options.threads = threads;
  return options;
}

Engine ModelFlags::load() const {
  const EngineOptions engine_options = options();
  try {
    return Engine::load(path, engine_options);
  } catch (const Error& error) {
    throw ModelError(error);
  }
}

void FileFlags::add_to(CLI::App& app) {
  app.add_option("-i,--input,input", inputs, "Files to read; standard input if none");
  app.add_option("-o,--output", output, "File to write; standard output if not given");
}

void TruncateFlag::add_to(CLI::App& app, const char* otherwise) {
  app.add_flag("--truncate", truncate,
               std::string("Cut the end of a text that is longer than the model takes, and say so; "
                           "otherwise ") +
                   otherwise);
}

void TruncateFlag::report(std::size_t line, std::size_t tokens) {
  if (tokens > 0)
    std::fprintf(stderr, "tandem: line %zu: the source was cut by %zu tokens\n", line, tokens);
}

void SearchFlags::add_to(CLI::App& app) {
  app.add_option("-b,--beam-size", beam_size, "Beams; the model's own number if not given")
      ->check(CLI::PositiveNumber);
  app.add_option("--strategy", strategy, "How to search; follows the number of beams if not given")
      ->check(CLI::IsMember(
          {"greedy", "beam", "diverse_beam", "sample", "stochastic_beam", "mbr", "aggressive"}));
  CLI::Option* model = app.add_option("--draft-model", draft_model,
                                      "Aggressive: directory of the model that drafts");
  app.add_option("--drafter", drafter, "Aggressive: what drafts are copied from")
      ->check(CLI::IsMember({"source", "lookup"}))
      ->excludes(model)
      ->capture_default_str();
  app.add_option("--max-draft", max_draft,
                 "Aggressive: tokens drafted a pass; chosen from measured costs if not given")
      ->check(CLI::PositiveNumber);
}

Aggressive SearchFlags::aggressive(const ModelFlags& model) const {
  Aggressive aggressive;
  if (max_draft > 0) aggressive.max_draft = max_draft;
  if (drafter == "lookup") aggressive.drafter = DraftSource::lookup;
  if (draft_model.empty()) return aggressive;
  ModelFlags draft = model;
  draft.path = draft_model;
  aggressive.drafter = DraftSource::model;
  aggressive.draft_model = std::make_shared<const Engine>(draft.load());
  return aggressive;
}

void SearchFlags::apply_to(const ModelFlags& model, Request& request) const {
  if (beam_size > 0) request.generation.num_beams = beam_size;
  if (strategy == "greedy") request.strategy = Greedy{};
  if (strategy == "beam") request.strategy = Beam{};
  if (strategy == "diverse_beam") request.strategy = DiverseBeam{};
  if (strategy == "sample") request.strategy = Sample{};
  if (strategy == "stochastic_beam") request.strategy = StochasticBeam{};
  if (strategy == "mbr") request.strategy = MinimumBayesRisk{};
  if (strategy == "aggressive") request.strategy = aggressive(model);
}

}  // namespace tandem::cli
