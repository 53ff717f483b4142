#include "ledger/fingerprint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"

namespace llmbatch::ledger {
namespace {

constexpr std::size_t kMessageIdDigits = 32;

// Looking the algorithm up takes about as long as the digest of a short text.
const EVP_MD* Sha256() {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kSha256 != nullptr ? kSha256 : EVP_sha256();
}

std::string Hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0x0FU];
  }
  return text;
}

std::string_view KindOf(const model::ItemInput& input) {
  return input.kind == model::ItemInput::Kind::kJson ? "json" : "text";
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  LLMBATCH_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, Sha256(), nullptr) == 1);
  return Hex(digest);
}

std::string KeyedHex(std::string_view secret, std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  LLMBATCH_CHECK(HMAC(Sha256(), secret.data(), static_cast<int>(secret.size()), bytes, text.size(),
                      digest.data(), nullptr) != nullptr);
  return Hex(digest);
}

std::string Fingerprint(std::span<const std::string_view> parts) {
  std::string message;
  for (const std::string_view part : parts) {
    message += std::to_string(part.size());
    message += ':';
    message += part;
  }
  return Sha256Hex(message);
}

std::string TaskVersion(const model::Task& task) {
  const std::string limit = std::to_string(task.max_output_tokens);
  std::vector<std::string_view> parts{task.name,
                                      task.system,
                                      task.prompt,
                                      task.output_schema_json,
                                      task.parameters_json,
                                      task.answer == model::AnswerForm::kText ? "text" : "items",
                                      limit};
  std::vector<std::string> models;
  for (const auto& [entry, parameters] : task.parameters_of) {
    if (std::find(task.route.begin(), task.route.end(), entry) == task.route.end()) continue;
    models.push_back(entry.provider + "/" + entry.model + " " + parameters);
  }
  parts.insert(parts.end(), models.begin(), models.end());
  for (const auto& [name, value] : task.variables) {
    parts.push_back(name);
    parts.push_back(value);
  }
  return Fingerprint(parts);
}

std::string ReplayKey(std::string_view identity, std::string_view step,
                      std::string_view task_version, const model::ItemInput& input) {
  const std::array<std::string_view, 5> parts{identity, step, task_version, KindOf(input),
                                              input.value};
  return Fingerprint(parts);
}

std::string ContentKey(std::string_view tenant, const model::Task& task,
                       std::string_view task_version, const model::ItemInput& input) {
  std::vector<std::string_view> parts{"content", tenant, task_version, KindOf(input), input.value};
  for (const model::RouteEntry& entry : task.route) {
    parts.push_back(entry.provider);
    parts.push_back(entry.model);
  }
  return Fingerprint(parts);
}

std::string MessageId(std::string_view identity, std::string_view kind, std::int64_t sequence) {
  const std::string number = std::to_string(sequence);
  const std::array<std::string_view, 3> parts{identity, kind, number};
  return Fingerprint(parts).substr(0, kMessageIdDigits);
}

}  // namespace llmbatch::ledger
