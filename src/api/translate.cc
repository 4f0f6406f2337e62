// Documents: sentences are found, translated by Engine::generate, and put back where they stood,
// with everything between them as it was.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "api/engine_state.h"
#include "api/long_sentence.h"
#include "text/sentence_splitter.h"

namespace tandem {
namespace {

// A document cut into what is translated and what is copied.
struct Piece {
  std::size_t document = 0;
  std::string_view verbatim;  // of the document; used when `request` is none
  std::ptrdiff_t request = -1;
  bool joined = false;        // continues a sentence that was too long: a space comes before it
};

class Plan {
 public:
  Plan(const EngineState& engine, const TranslateOptions& options, std::size_t num_documents)
      : engine_(engine),
        options_(options),
        splitter_(options.pattern.source_lang.empty() ? "en" : options.pattern.source_lang),
        mode_(options.split_sentences ? LineMode::paragraph : LineMode::sentence),
        errors_(num_documents) {}

  void add_document(std::size_t index, std::string_view text) {
    for (const DocumentPart& part : splitter_.split(text, mode_)) {
      if (part.kind == DocumentPart::Kind::sentence) {
        add_sentence(index, part.text);
      } else {
        pieces_.push_back({index, part.text, -1, false});
      }
    }
  }

  const std::vector<Request>& requests() const { return requests_; }

  // Puts the outputs back into the documents.
  std::vector<Translation> assemble(std::vector<Output>&& outputs, std::size_t num_alternatives) const;

 private:
  void add_sentence(std::size_t document, std::string_view sentence) {
    // A token is at least one byte, so only a text with as many bytes can be too long.
    const std::size_t limit = engine_.max_source_tokens();
    try {
      if (!options_.pattern.truncate_source && sentence.size() + kSpecialTokens > limit) {
        const EncodeOptions languages{options_.pattern.source_lang, options_.pattern.target_lang, false};
        const std::vector<TokenId> ids = engine_.tokenizer->encode(sentence, languages);
        if (ids.size() > limit) {
          auto parts = cut_sentence(*engine_.tokenizer, languages, ids, part_tokens(limit));
          for (std::size_t i = 0; i < parts.size(); ++i) add_request(document, std::move(parts[i]), /*joined=*/i > 0);
          return;
        }
      }
    } catch (const Error& error) {
      if (!errors_[document]) errors_[document] = error;
      return;
    }
    add_request(document, std::string(sentence), /*joined=*/false);
  }

  // A translation may be half as long again as its source, so a part has two thirds of what the output may have.
  std::size_t part_tokens(std::size_t limit) const {
    const GenerationOptions& wanted = options_.pattern.generation;
    const GenerationOptions& defaults = engine_.defaults;
    for (const std::optional<int>& most :
         {wanted.max_new_tokens, wanted.max_length, defaults.max_new_tokens, defaults.max_length})
      if (most && *most > 0) return std::clamp(static_cast<std::size_t>(*most) * 2 / 3, limit / 4, limit);
    return limit;
  }

  void add_request(std::size_t document, Input input, bool joined) {
    Request request = options_.pattern;
    request.input = std::move(input);
    pieces_.push_back({document, {}, static_cast<std::ptrdiff_t>(requests_.size()), joined});
    requests_.push_back(std::move(request));
  }

  static constexpr std::size_t kSpecialTokens = 4;  // end, language, start: what a template may add

  const EngineState& engine_;
  const TranslateOptions& options_;
  SentenceSplitter splitter_;
  LineMode mode_;
  std::vector<std::optional<Error>> errors_;  // of documents whose text could not be encoded
  std::vector<Piece> pieces_;
  std::vector<Request> requests_;
};

void add_stats(Stats& sum, const Stats& stats) {
  sum.encoder_runs += stats.encoder_runs;
  sum.decoder_passes += stats.decoder_passes;
  sum.generated_tokens += stats.generated_tokens;
  sum.draft_tokens += stats.draft_tokens;
  sum.accepted_tokens += stats.accepted_tokens;
}

std::vector<Translation> Plan::assemble(std::vector<Output>&& outputs, std::size_t num_alternatives) const {
  std::vector<Translation> translations(errors_.size());
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    translations[i].error = errors_[i];
    if (num_alternatives > 1) translations[i].alternatives.resize(num_alternatives);
  }
  for (const Piece& piece : pieces_) {
    Translation& translation = translations[piece.document];
    const Output* output = piece.request < 0 ? nullptr : &outputs[static_cast<std::size_t>(piece.request)];
    if (output != nullptr) {
      if (output->error && !translation.error) translation.error = output->error;
      ++translation.sentences;
      add_stats(translation.stats, output->stats);
      translation.truncated_tokens += output->truncated_tokens;
    }
    if (translation.error) continue;
    const auto text = [&](std::size_t rank) -> std::string_view {
      if (output == nullptr) return piece.verbatim;
      if (output->hypotheses.empty()) return {};
      return output->hypotheses[std::min(rank, output->hypotheses.size() - 1)].text;
    };
    const std::string_view space = piece.joined ? " " : "";
    translation.text.append(space).append(text(0));
    for (std::size_t k = 0; k < translation.alternatives.size(); ++k)
      translation.alternatives[k].append(space).append(text(k));
  }
  return translations;
}

}  // namespace

std::vector<Translation> Engine::translate(std::span<const std::string> documents, const TranslateOptions& options,
                                           const CallOptions& call) const {
  Plan plan(*state_, options, documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) plan.add_document(i, documents[i]);
  const int alternatives = options.pattern.generation.num_return_sequences.value_or(
      state_->defaults.num_return_sequences.value_or(1));
  return plan.assemble(generate(plan.requests(), call), static_cast<std::size_t>(std::max(alternatives, 1)));
}

std::string Engine::translate(std::string_view document, const TranslateOptions& options) const {
  const std::string documents[] = {std::string(document)};
  Translation translation = std::move(translate(documents, options, {}).front());
  if (translation.error) throw *translation.error;
  return std::move(translation.text);
}

}  // namespace tandem
