// A constraint of one's own: no output may be longer than a number of tokens, and none of them may
// contain a digit. A constraint says what may come next and whether the output may end; every
// strategy obeys it.
//
//     04_constraint [MODEL]
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <tandem/tandem.h>

namespace {

class ShortAndWithoutDigits : public tandem::Constraint {
 public:
  ShortAndWithoutDigits(const tandem::Tokenizer& tokenizer, int max_tokens) : left_(max_tokens) {
    std::vector<tandem::TokenId> allowed;
    for (tandem::TokenId id = 0; id < tokenizer.vocabulary_size(); ++id)
      if (id != tokenizer.eos_id() && !has_digit(tokenizer.token(id))) allowed.push_back(id);
    words_ = tandem::TokenMask::only(std::move(allowed));
  }

  // A mask is cheap to copy, so this one is made once and handed out at every step.
  tandem::TokenMask allowed() const override {
    return left_ > 0 ? words_ : tandem::TokenMask::only({});
  }
  void advance(tandem::TokenId) override { --left_; }
  bool can_end() const override { return true; }
  std::unique_ptr<tandem::Constraint> clone() const override {
    return std::make_unique<ShortAndWithoutDigits>(*this);
  }

 private:
  static bool has_digit(const std::string& token) {
    return std::any_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  int left_;
  tandem::TokenMask words_;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto engine = tandem::Engine::load(argc > 1 ? argv[1] : "examples/models/correct-en");

  tandem::Request request("Select the the 12 cells on page 4 that you wants to copy.");
  const std::string free = engine.generate(request).text();
  request.constraint = std::make_shared<ShortAndWithoutDigits>(engine.tokenizer(), 20);
  const tandem::Output output = engine.generate(request);

  std::cout << "free:        " << free << '\n' << "constrained: " << output.text() << '\n';
  const bool obeyed = output.text().find_first_of("0123456789") == std::string::npos &&
                      output.hypotheses.front().ids.size() <= 21;  // 20 and the end of sentence
  return obeyed ? 0 : 1;
} catch (const tandem::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
