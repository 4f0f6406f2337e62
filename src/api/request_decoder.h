// The decoder of one worker: takes requests in, encodes their sources, and makes each request one
// sentence of the loop's decoder, also one that has several sources or models.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "api/engine_session.h"
#include "api/engine_state.h"
#include "api/model_decoder.h"
#include "decoding/hook_decoder.h"
#include "decoding/loop.h"
#include "decoding/mixture_decoder.h"

namespace tandem {

class RequestDecoder {
 public:
  // Both must outlive the decoder.
  RequestDecoder(const EncoderDecoder& network, Backend& backend);

  // What the loop steps. A sentence is released there.
  StepDecoder& steps() { return hooks_; }

  // As ModelDecoder's: a time at which sentences had better not be added.
  bool holds_answers() const { return decoder_.holds_answers(); }

  struct Sentence {
    int handle = 0;                               // in steps()
    std::shared_ptr<const EncodedSource> source;  // the first of the request
  };
  // Encodes the sources of all requests together; the sentence of each request.
  // Throws Error as EncoderDecoder::encode and ModelDecoder::add.
  std::vector<Sentence> add(std::span<const PreparedRequest* const> requests);

  // The answer of a request's search without texts; `reason` replaces the hypotheses' own finish
  // reasons. What fails here is the answer's error.
  Output answer(const Loop::Entry& entry, const PreparedRequest& request,
                std::optional<FinishReason> reason);

 private:
  // What the outputs of a request need passes of their own for: CTranslate2's coverage penalty,
  // alignments. The source is encoded again. Throws Error as ForcedPass::align.
  void finish(const PreparedRequest& request, Output& output);
  // One sentence of all that a request is made of; `own` are the sentences of its sources.
  int combine(const PreparedRequest& request, const std::vector<int>& own);
  int mix_models(const PreparedEnsemble& ensemble, int own, std::span<const TokenId> shortlist);

  const EncoderDecoder& network_;
  Backend& backend_;
  ModelDecoder decoder_;
  EngineSessions others_;  // members of ensembles
  MixtureDecoder mixtures_;
  HookDecoder hooks_;
};

}  // namespace tandem
