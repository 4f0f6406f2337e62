// THE SPINE: the whole path from text to text. Read this first.
//
//   1 text  ->  2 tokens  ->  3 batch  ->  4 encoder  ->  5 decoder step <-> search  ->  6 text
//
//   1, 2  prepare            api/prepare.cc, src/text       text, languages, options; checked
//   3     RequestQueue       api/batching.h                 order and token budget
//   4     RequestDecoder     api/request_decoder.h          encoder output and its keys, once a source
//   5     Loop               decoding/loop.h                searches propose rows, the model answers
//         ModelDecoder       api/model_decoder.h            rows -> caches -> logits -> candidates
//   6     Delivery           api/delivery.h, src/text       tokens -> text, streaming, progress
//
// Each worker has its own backend, decoder and loop. No answer depends on neighbours or workers.
#include <memory>
#include <optional>
#include <vector>

#include "api/batching.h"
#include "api/delivery.h"
#include "api/drafting.h"
#include "api/engine_state.h"
#include "api/request_decoder.h"
#include "api/sequence_mixtures.h"
#include "api/workers.h"
#include "decoding/loop.h"
#include "decoding/make_search.h"

namespace tandem {
namespace {

// One worker: steps 3 to 6 until the queue is empty.
class Worker {
 public:
  Worker(EngineState& engine, const PreparedRequests& prepared, Backend& backend, Delivery& delivery)
      : engine_(engine), prepared_(prepared), backend_(backend), delivery_(delivery) {
    start_over();
  }

  void run(RequestQueue& queue, std::size_t budget) {
    std::size_t in_flight = 0;  // in the tokens of `budget`
    while (true) {
      // Join: wait for a quarter of the room, so that the encoder sees several sentences at once, and
      // until all sentences need a pass.
      if (in_flight <= budget - budget / 4 && !decoder_->holds_answers()) {
        const auto tags = queue.take(budget - in_flight, /*at_least_one=*/in_flight == 0);
        if (tags.empty() && loop_->active() == 0) return;
        for (const std::size_t tag : admit(tags)) in_flight += prepared_[tag]->tokens_in_batch();
      }
      for (const std::size_t tag : step()) in_flight -= prepared_[tag]->tokens_in_batch();
    }
  }

 private:
  // Step 4. Returns the requests that are now in flight.
  std::vector<std::size_t> admit(const std::vector<std::size_t>& tags) {
    std::vector<const PreparedRequest*> requests;
    for (const std::size_t tag : tags) requests.push_back(&*prepared_[tag]);
    std::vector<std::size_t> started;
    try {
      const std::vector<RequestDecoder::Sentence> sentences = decoder_->add(requests);
      for (std::size_t i = 0; i < tags.size(); ++i)
        if (start(tags[i], sentences[i])) started.push_back(tags[i]);
    } catch (const Error& error) {
      fail(tags, error);
    }
    return started;
  }

  bool start(std::size_t tag, const RequestDecoder::Sentence& sentence) {
    const PreparedRequest& request = *prepared_[tag];
    try {
      loop_->add(sentence.handle, tag, make_search(request.options, drafting_.support(request, sentence.source)));
      return true;
    } catch (const Error& error) {  // of a constraint, of a draft model
      decoder_->steps().release(sentence.handle);
      delivery_.failed(tag, error);
      return false;
    }
  }

  std::vector<std::size_t> step() {  // 5, once; returns the requests that are done
    std::vector<Loop::Entry> finished;
    std::vector<std::size_t> done;
    try {
      if (delivery_.cancelled()) throw Error(ErrorCode::cancelled, "the call was cancelled");
      loop_->step(finished);
    } catch (const Error& error) {
      for (const Loop::Entry& entry : loop_->entries()) done.push_back(entry.tag);
      start_over();
      fail(done, error);
      return done;
    }
    const auto is_stopped = [&](const Loop::Entry& running) { return delivery_.settled(running) == Flow::stop; };
    for (const Loop::Entry& entry : loop_->stop_if(is_stopped)) done.push_back(deliver(entry, FinishReason::stopped));
    for (const Loop::Entry& entry : finished) done.push_back(deliver(entry, std::nullopt));
    return done;
  }

  // Step 6. Returns the request.
  std::size_t deliver(const Loop::Entry& entry, std::optional<FinishReason> reason) {
    delivery_.finished(entry.tag, decoder_->answer(entry, *prepared_[entry.tag], reason));
    return entry.tag;
  }

  // An error of several together says nothing about who is to blame: each half is tried again, and
  // only what fails alone is answered with its error.
  void fail(const std::vector<std::size_t>& tags, const Error& error) {
    if (tags.size() <= 1 || error.code() == ErrorCode::cancelled) {
      for (const std::size_t tag : tags) delivery_.failed(tag, error);
      return;
    }
    const auto middle = tags.begin() + static_cast<std::ptrdiff_t>(tags.size() / 2);
    for (const auto& half : {std::vector(tags.begin(), middle), std::vector(middle, tags.end())}) {
      Worker again(engine_, prepared_, backend_, delivery_);
      again.admit(half);
      while (again.loop_->active() > 0) again.step();
    }
  }

  void start_over() {
    loop_.reset();
    decoder_ = std::make_unique<RequestDecoder>(*engine_.model.network, backend_);
    loop_ = std::make_unique<Loop>(decoder_->steps());
  }

  EngineState& engine_;
  const PreparedRequests& prepared_;
  Backend& backend_;
  Delivery& delivery_;
  Drafting drafting_{engine_, backend_};
  std::unique_ptr<RequestDecoder> decoder_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace

std::vector<Output> Engine::generate(std::span<const Request> requests, const CallOptions& call) const {
  std::vector<Output> outputs(requests.size());
  const PreparedRequests prepared = prepare_all(*state_, requests, outputs);
  RequestQueue queue(tokens_in_batch(prepared));
  const CallSize size{.requests = requests.size(), .batched_tokens = queue.all_tokens()};
  Delivery delivery(call, *state_->tokenizer, outputs);
  run_workers(*state_, size, [&](EngineState& replica, Backend& backend) {
    Worker(replica, prepared, backend, delivery).run(queue, batch_tokens(*state_, replica, size));
  });
  answer_sequence_mixtures(*this, *state_, requests, call, delivery);
  return outputs;
}

}  // namespace tandem
