// Prints the output as it is decided, piece by piece. What has been printed is never taken back.
// The callback may answer Flow::stop to end a request early.
//
//     03_streaming [MODEL]
#include <iostream>

#include <tandem/tandem.h>

int main(int argc, char** argv) try {
  const auto engine = tandem::Engine::load(argc > 1 ? argv[1] : "examples/models/correct-en");

  tandem::CallOptions call;
  call.on_text = [](const tandem::StreamEvent& event) {
    std::cout << event.text << std::flush;
    return tandem::Flow::proceed;
  };
  const tandem::Output output =
      engine.generate("Move the mouse pointer over border until the the pointer changes.", call);
  std::cout << '\n' << output.stats.generated_tokens << " tokens\n";
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
