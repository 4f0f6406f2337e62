// Documents: sentences are found, translated by Engine::generate, and put back where they stood,
// with everything between them as it was.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "api/engine_state.h"
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
      if (sentence.size() + kSpecialTokens > limit) {
        const std::vector<TokenId> ids = encode(sentence);
        if (ids.size() > limit) return add_parts(document, ids, limit);
      }
    } catch (const Error& error) {
      if (!errors_[document]) errors_[document] = error;
      return;
    }
    add_request(document, std::string(sentence), /*joined=*/false);
  }

  // Hard cut of a sentence beyond the model's length: parts of `limit` tokens, end token included.
  // A language prefix (">>deu<<") at the front is repeated before each part.
  void add_parts(std::size_t document, const std::vector<TokenId>& ids, std::size_t limit) {
    const TokenId eos = engine_.tokenizer->eos_id();
    const bool has_end = ids.back() == eos;
    const std::size_t prefix = engine_.tokenizer->token(ids.front()).starts_with(">>") ? 1 : 0;
    const std::size_t end = ids.size() - (has_end ? 1 : 0);
    const std::size_t step = limit - prefix - (has_end ? 1 : 0);
    for (std::size_t first = prefix; first < end; first += step) {
      std::vector<TokenId> part(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(prefix));
      const std::size_t last = std::min(end, first + step);
      part.insert(part.end(), ids.begin() + static_cast<std::ptrdiff_t>(first),
                  ids.begin() + static_cast<std::ptrdiff_t>(last));
      if (has_end) part.push_back(eos);
      add_request(document, std::move(part), /*joined=*/first > prefix);
    }
  }

  std::vector<TokenId> encode(std::string_view sentence) const {
    EncodeOptions encode_options;
    encode_options.source_lang = options_.pattern.source_lang;
    encode_options.target_lang = options_.pattern.target_lang;
    return engine_.tokenizer->encode(sentence, encode_options);
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
