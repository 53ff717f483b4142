#include "ctl/input.h"

#include <array>
#include <cstddef>
#include <iostream>

#include "config/environment.h"

namespace llmbatch::ctl {

base::Result<std::string> ReadInput(const std::string& path) {
  if (path != "-") return config::SystemEnvironment().read_file(path);
  constexpr std::size_t kMaxBytes = 64U << 20;
  std::string text;
  std::array<char, 65536> buffer;
  while (std::cin.read(buffer.data(), buffer.size()) || std::cin.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kMaxBytes) {
      return base::MakeError(base::ErrorKind::kTooLarge, "standard input: larger than 64 MiB");
    }
  }
  return text;
}

}  // namespace llmbatch::ctl
