// One engine, many threads. The model is shared; each call has its own workspace. A sentence gives
// the same tokens and the same scores, bit for bit, whichever thread asks and whatever else runs.
//
//     05_threads [MODEL]
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <tandem/tandem.h>

int main(int argc, char** argv) try {
  const auto engine = tandem::Engine::load(argc > 1 ? argv[1] : "examples/models/correct-en");
  const std::vector<std::string> texts = {"You cannot deletes the last sheet of a document.",
                                          "Inserts a new row above current row.",
                                          "Type the text that you wants to search for."};

  std::vector<tandem::Output> outputs(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    threads.emplace_back([&, i] {
      // An exception must not leave a thread; the batch form reports errors in the output instead.
      const std::vector<tandem::Request> one = {texts[i % texts.size()]};
      outputs[i] = engine.generate(one).front();
    });
  for (std::thread& thread : threads) thread.join();

  bool equal = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const tandem::Output& first = outputs[i % texts.size()];
    equal = equal && outputs[i].text() == first.text() &&
            outputs[i].hypotheses[0].token_log_probs == first.hypotheses[0].token_log_probs;
    if (i < texts.size()) std::cout << texts[i] << " -> " << outputs[i].text() << '\n';
  }
  std::cout << (equal ? "all threads agree\n" : "threads disagree\n");
  return equal ? 0 : 1;
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
