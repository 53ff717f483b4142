#include "config/environment.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

extern char** environ;

namespace llmbatch::config {
namespace {

constexpr std::size_t kMaxFileBytes = 16U << 20;

base::Result<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  // A folder opens like a file and fails only when it is read.
  if (!file || std::filesystem::is_directory(path)) {
    const char* why = errno != 0 ? std::strerror(errno) : "is no file";
    return base::MakeError(base::ErrorKind::kNotFound, path + ": can't be read: " + why);
  }
  std::string text;
  std::array<char, 65536> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxFileBytes) {
      return base::MakeError(base::ErrorKind::kTooLarge, path + ": larger than 16 MiB");
    }
  }
  return text;
}

base::Result<std::vector<std::string>> ListFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    return base::MakeError(base::ErrorKind::kNotFound,
                           folder + ": can't be read: " + error.message());
  }
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    if (entry.is_regular_file(error)) names.push_back(entry.path().filename().string());
  }
  return names;
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

}  // namespace

Environment SystemEnvironment() {
  Environment environment{
      .variables = {}, .host_name = HostName(), .read_file = ReadFile, .list_folder = ListFolder};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

}  // namespace llmbatch::config
