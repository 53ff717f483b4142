#include "wire/headers.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/ascii.h"

namespace llmbatch::wire {
namespace {

// What the protocol adds to a record and to each of its headers, rounded up.
constexpr std::size_t kRecordOverheadBytes = 128;
constexpr std::size_t kHeaderOverheadBytes = 16;

constexpr std::size_t kMaxTopicBytes = 249;
constexpr std::size_t kMaxDigits = 19;

constexpr std::array<std::string_view, 4> kCredentials{"authorization", "proxy-authorization",
                                                       "cookie", "set-cookie"};
constexpr std::array<std::string_view, 2> kOfTheBytes{"content-type", "content-encoding"};
constexpr std::array<std::string_view, 2> kOwnPrefixes{"llmbatch-", "dlq-"};
constexpr std::array<std::string_view, 4> kSecretParts{"api-key", "apikey", "token", "secret"};

// In lower case, and with one spelling for '_' and '-'.
std::string Normalised(std::string_view name) {
  std::string normalised = base::ToLower(name);
  std::replace(normalised.begin(), normalised.end(), '_', '-');
  return normalised;
}

bool IsCarried(std::string_view header) {
  const std::string name = Normalised(header);
  if (std::find(kOfTheBytes.begin(), kOfTheBytes.end(), name) != kOfTheBytes.end()) return false;
  const auto begins = [&name](std::string_view prefix) { return name.starts_with(prefix); };
  if (std::any_of(kOwnPrefixes.begin(), kOwnPrefixes.end(), begins)) return false;
  return !IsCredential(header);
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsTopic(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !text.empty() && text.size() <= kMaxTopicBytes &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool IsOrigin(std::string_view text) {
  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    if (!IsNumber(text.substr(hash + 1))) return false;
    text = text.substr(0, hash);
  }
  const auto first = text.find('/');
  const auto last = text.rfind('/');
  return first != std::string_view::npos && first != last && IsTopic(text.substr(0, first)) &&
         IsNumber(text.substr(first + 1, last - first - 1)) && IsNumber(text.substr(last + 1));
}

}  // namespace

bool IsCredential(std::string_view header) {
  const std::string name = Normalised(header);
  if (std::find(kCredentials.begin(), kCredentials.end(), name) != kCredentials.end()) return true;
  return std::any_of(kSecretParts.begin(), kSecretParts.end(), [&name](std::string_view part) {
    return name.find(part) != std::string::npos;
  });
}

std::vector<model::Header> CarriedHeaders(const std::vector<model::Header>& headers) {
  std::vector<model::Header> carried;
  std::size_t bytes = 0;
  for (const model::Header& header : headers) {
    const std::size_t size = header.name.size() + header.value.size();
    if (carried.size() >= kMaxCarriedHeaders) break;
    if (size > kMaxCarriedBytes - bytes || !IsCarried(header.name)) continue;
    bytes += size;
    carried.push_back(header);
  }
  return carried;
}

std::optional<std::string> ReadOrigin(const std::vector<model::Header>& headers) {
  const auto found = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
    return header.name == "llmbatch-origin";
  });
  if (found == headers.end() || !IsOrigin(found->value)) return std::nullopt;
  return found->value;
}

std::size_t RecordBytes(const std::optional<std::string>& key,
                        const std::optional<std::string>& value,
                        const std::vector<model::Header>& headers) {
  std::size_t bytes = kRecordOverheadBytes;
  if (key) bytes += key->size();
  if (value) bytes += value->size();
  for (const model::Header& header : headers) {
    bytes += kHeaderOverheadBytes + header.name.size() + header.value.size();
  }
  return bytes;
}

}  // namespace llmbatch::wire
