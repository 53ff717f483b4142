#include "config/credential.h"

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "config/values.h"

namespace llmbatch::config {
namespace {

constexpr std::string_view kDirectoryVariable = "CREDENTIALS_DIRECTORY";

base::Result<std::string> ReadCredential(const std::string& name, const Environment& environment) {
  if (!IsName(name) || name == "." || name == "..") {
    return base::Invalid("credential: must be followed by the name of a systemd credential");
  }
  const auto directory = environment.variables.find(std::string(kDirectoryVariable));
  if (directory == environment.variables.end()) {
    return base::Invalid(
        "the service manager gave no credentials ($CREDENTIALS_DIRECTORY is not "
        "set); use LoadCredential=" +
        name + ":PATH in the unit, or file:PATH");
  }
  return environment.read_file(directory->second + "/" + name);
}

base::Result<std::string> ReadVariable(const std::string& name, const Environment& environment) {
  const auto found = environment.variables.find(name);
  if (found == environment.variables.end()) {
    return base::Invalid("the environment variable is not set");
  }
  return found->second;
}

// Without the end of line that editors leave.
std::string Trim(std::string text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text;
}

bool IsReference(std::string_view scheme, std::string_view name) {
  return !name.empty() && (scheme == "credential" || scheme == "file" || scheme == "env");
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

base::Secret ReadSecret(Section& section, std::string_view key, const Environment& environment) {
  const std::string reference = section.String(key, "");
  if (reference.empty()) return {};
  const std::size_t colon = reference.find(':');
  const std::string scheme = reference.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : reference.substr(colon + 1);

  if (!environment.fetch_secrets && IsReference(scheme, name)) return {};
  base::Result<std::string> text = base::Invalid(
      "must say where the secret is, not what it is: \"credential:NAME\", \"file:PATH\" or "
      "\"env:NAME\"");
  if (scheme == "credential") {
    text = ReadCredential(name, environment);
  } else if (scheme == "file") {
    text = environment.read_file(section.ResolvePath(key, name));
  } else if (scheme == "env") {
    text = ReadVariable(name, environment);
    section.Warn(key, "environment variables can be read by others; prefer credential: or file:");
  }
  if (!text) {
    section.Fail(key, text.error().message);
    return {};
  }
  base::Secret secret(Trim(*std::move(text)));
  if (secret.empty()) section.Fail(key, "the secret is empty");
  if (HasControlCharacter(secret.Reveal())) section.Fail(key, "the secret has a control character");
  return secret;
}

}  // namespace llmbatch::config
