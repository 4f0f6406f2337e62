// Opening backends: the instruction set cap, the devices, memory.
#include <cstdlib>

#include "kernels/backends.h"

namespace tandem {
namespace {

// Sets TANDEM_MAX_ISA for one test.
class MaxIsa {
 public:
  explicit MaxIsa(const char* value) { setenv("TANDEM_MAX_ISA", value, 1); }
  ~MaxIsa() { unsetenv("TANDEM_MAX_ISA"); }
};

TEST(MakeBackend, TheEnvironmentCapsTheInstructionSetAndTheNameTellsIt) {
  for (const cpu::Isa isa :
       {cpu::Isa::baseline, cpu::Isa::avx2, cpu::Isa::avx512, cpu::Isa::avx512_vnni}) {
    const MaxIsa cap(std::string(cpu::to_string(isa)).c_str());
    const cpu::IsaChoice choice = cpu::choose_isa();
    EXPECT_EQ(choice.isa, std::min(isa, cpu::widest_isa()));
    EXPECT_FALSE(choice.reason.empty());
    const auto backend = make_backend({.device = Device::cpu(), .threads = 2});
    EXPECT_EQ(backend->name(),
              "cpu, " + std::string(cpu::to_string(choice.isa)) + ", 2 threads, exact");
  }
}

TEST(MakeBackend, RefusesAnUnknownCapAndNoThreads) {
  const auto code_of = [](const BackendOptions& options) {
    try {
      static_cast<void>(make_backend(options));
    } catch (const Error& error) {
      EXPECT_FALSE(error.message().empty());
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code_of({.device = Device::cpu(), .threads = 0}), ErrorCode::invalid_argument);
  const MaxIsa cap("avx1024");
  EXPECT_EQ(code_of({.device = Device::cpu()}), ErrorCode::invalid_argument);
}

// On a machine with GPUs there is still none of this number.
TEST(MakeBackend, ADeviceThatIsNotThereIsAnErrorThatSaysWhatIsMissing) {
  try {
    static_cast<void>(make_backend({.device = Device::cuda(1'000'000)}));
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_TRUE(error.message().starts_with("opening cuda:1000000: ")) << error.what();
#ifdef TANDEM_CUDA
    EXPECT_EQ(error.code(), ErrorCode::device);
    EXPECT_EQ(error.message().find("module"), std::string::npos)
        << "the module is built and was not loaded: " << error.what();
#else
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
#endif
  }
}

TEST(MakeBackend, BuffersAreAlignedAndHoldWhatWasCopied) {
  for (const auto& backend : {make_backend({.device = Device::cpu()}), make_reference_backend()}) {
    for (const std::size_t bytes : {0U, 1U, 64U, 1000U}) {
      const auto buffer = backend->allocate(bytes);
      EXPECT_GE(buffer->bytes(), bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % 64, 0U);
    }
    const auto buffer = backend->allocate(4);
    const float in = 3.5F;
    float out = 0;
    backend->to_device(buffer->data(), &in, sizeof in);
    backend->to_host(&out, buffer->data(), sizeof out);
    backend->sync();
    EXPECT_EQ(out, in);
  }
  EXPECT_THROW(static_cast<void>(make_backend({.device = Device::cpu()})->allocate(SIZE_MAX)),
               Error);
}

}  // namespace
}  // namespace tandem
