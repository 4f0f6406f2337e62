// Beam search with options of its own: the three best outputs, their scores and why they ended.
// Options go by the names of Hugging Face's generation_config.json; what is not set comes from the
// model's own file.
//
//     02_generate_options [MODEL]
#include <iostream>

#include <tandem/tandem.h>

int main(int argc, char** argv) try {
  const auto engine = tandem::Engine::load(argc > 1 ? argv[1] : "examples/models/correct-en");

  tandem::Request request("Inserts new row above current row.");
  request.strategy = tandem::Beam{};
  request.generation.num_beams = 4;
  request.generation.num_return_sequences = 3;
  request.generation.no_repeat_ngram_size = 4;

  const tandem::Output output = engine.generate(request);
  for (const tandem::Hypothesis& hypothesis : output.hypotheses)
    std::cout << hypothesis.score << '\t' << to_string(hypothesis.finish_reason) << '\t'
              << hypothesis.text << '\n';
  std::cout << output.stats.decoder_passes << " decoder passes\n";
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
