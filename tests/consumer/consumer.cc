// What a user of the library writes first. Each consumer project builds this file in its own way.
#include <iostream>

#include <tandem/tandem.h>

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  const auto engine = tandem::Engine::load(argv[1]);
  const std::string text = engine.translate("You cannot deletes the last sheet of a document.");
  std::cout << tandem::version() << ": " << text << '\n';
  return text.empty() ? 1 : 0;
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
