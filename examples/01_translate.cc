// Loads a model and translates a text with several sentences. Line ends and spaces are kept.
//
//     01_translate [MODEL]
#include <iostream>

#include <tandem/tandem.h>

int main(int argc, char** argv) try {
  const auto engine = tandem::Engine::load(argc > 1 ? argv[1] : "examples/models/correct-en");
  std::cout << engine.translate(
      "Type the text that you wants to search for. Click the the OK button to close dialog.\n");
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
