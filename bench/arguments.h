// Options of the programs in bench/: pairs of a name and a value, each with a default.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

namespace tandem::bench {

// By name, with the dashes.
using Arguments = std::map<std::string, std::string>;

// `arguments` with the values that the command line gives. Throws std::invalid_argument.
inline Arguments parse(int argc, char** argv, Arguments arguments) {
  for (int i = 1; i < argc; i += 2) {
    const auto option = arguments.find(argv[i]);
    if (option == arguments.end() || i + 1 == argc) {
      throw std::invalid_argument("unknown or incomplete option " + std::string(argv[i]));
    }
    option->second = argv[i + 1];
  }
  if (arguments["--model"].empty()) throw std::invalid_argument("--model is missing");
  return arguments;
}

// The value that belongs to the word of `option` in `choices`. Throws std::invalid_argument.
template <typename T>
T choose(const Arguments& arguments, const std::string& option,
         const std::map<std::string, T>& choices) {
  const auto found = choices.find(arguments.at(option));
  if (found == choices.end())
    throw std::invalid_argument(option + ": unknown value '" + arguments.at(option) + "'");
  return found->second;
}

}  // namespace tandem::bench
