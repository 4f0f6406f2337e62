#include <algorithm>
#include <charconv>
#include <string>
#include <thread>

#include <tandem/device.h>
#include <tandem/error.h>
#include <tandem/version.h>

#include "kernels/backend.h"
#include "kernels/cpu/features.h"

namespace tandem {
namespace {

// Tries to open a GPU.
struct Gpu {
  explicit Gpu(int ordinal) {
    try {
      about = make_backend({.device = Device::cuda(ordinal)})->name();
      opens = true;
    } catch (const Error& error) {
      about = error.message();
    }
  }

  bool opens = false;
  std::string about;  // its name, or what is missing
};

}  // namespace

Device Device::parse(std::string_view name) {
  if (name == "auto") return {};
  if (name == "cpu") return cpu();
  if (name == "cuda") return cuda(0);
  constexpr std::string_view kCudaPrefix = "cuda:";
  if (name.starts_with(kCudaPrefix)) {
    const std::string_view digits = name.substr(kCudaPrefix.size());
    const char* const end = digits.data() + digits.size();
    int ordinal = 0;
    const auto parsed = std::from_chars(digits.data(), end, ordinal);
    if (parsed.ec == std::errc() && parsed.ptr == end && ordinal >= 0) return cuda(ordinal);
  }
  throw Error(ErrorCode::invalid_argument, "unknown device \"" + std::string(name) + "\"",
              "devices are auto, cpu, cuda and cuda:N");
}

std::string Device::name() const {
  switch (kind_) {
    case Kind::automatic:
      return "auto";
    case Kind::cpu:
      return "cpu";
    case Kind::cuda:
      return "cuda:" + std::to_string(ordinal_);
  }
  return "auto";
}

std::vector<Device> available_devices() {
  std::vector<Device> devices = {Device::cpu()};
  for (int ordinal = 0; Gpu(ordinal).opens; ++ordinal) devices.push_back(Device::cuda(ordinal));
  return devices;
}

std::string system_report() {
  const cpu::IsaChoice choice = cpu::choose_isa();
  std::string report = "tandem           " + std::string(version()) + '\n';
  report +=
      "instruction set  " + std::string(cpu::to_string(choice.isa)) + ": " + choice.reason + '\n';
  report += "cpu features    ";
  for (const std::string& feature : choice.features) report += ' ' + feature;
  report += "\nthreads          " +
            std::to_string(std::max(1U, std::thread::hardware_concurrency())) +
            " (cores that this process may use)\n";
  report += "devices         ";
  for (const Device& device : available_devices()) report += ' ' + device.name();
  report += "\ngpu              " + Gpu(0).about;
  report += "\nlibraries        ";
  std::string libraries = library_versions();
  std::replace(libraries.begin(), libraries.end(), '\n', ',');
  report += libraries.substr(0, libraries.find_last_not_of(',') + 1) + '\n';
  return report;
}

}  // namespace tandem
