#include "logging/redactor.h"

#include <cstddef>
#include <utility>

#include "base/base64.h"
#include "json/writer.h"

namespace llmbatch::logging {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

std::string UrlEncode(std::string_view text, std::string_view digits) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char byte : text) {
    if (kUnreserved.find(byte) != std::string_view::npos) {
      encoded += byte;
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    encoded += '%';
    encoded += digits[value >> 4U];
    encoded += digits[value & 0x0FU];
  }
  return encoded;
}

// The characters that `secret` alone decides when it is encoded behind `offset` other bytes:
// without those at either end that share bits with its neighbours.
std::string Base64Inside(std::string_view secret, std::size_t offset) {
  const std::string encoded = base::EncodeBase64(std::string(offset, '\0') + std::string(secret));
  const std::size_t first = (offset * 8 + 5) / 6;
  const std::size_t last = (offset + secret.size()) * 8 / 6;
  return encoded.substr(first, last - first);
}

std::string ToBase64Url(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

void ReplaceAll(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kRedacted.size())) {
    text.replace(at, what.size(), kRedacted);
  }
}

}  // namespace

void Redactor::Add(const base::Secret& secret) {
  const std::string_view plain = secret.Reveal();
  if (plain.size() < kMinSecretBytes) return;
  AddForm(std::string(plain));
  AddForm(base::EncodeBase64(plain));
  AddForm(ToBase64Url(base::EncodeBase64(plain)));
  for (std::size_t offset = 0; offset < 3; ++offset) {
    AddForm(Base64Inside(plain, offset));
    AddForm(ToBase64Url(Base64Inside(plain, offset)));
  }
  AddForm(UrlEncode(plain, "0123456789ABCDEF"));
  AddForm(UrlEncode(plain, "0123456789abcdef"));
  const std::string quoted = json::Quote(plain);
  AddForm(quoted.substr(1, quoted.size() - 2));
}

void Redactor::AddForm(std::string form) {
  for (const base::Secret& known : forms_) {
    if (known.Reveal() == form) return;
  }
  forms_.emplace_back(std::move(form));
}

std::string Redactor::Redact(std::string text) const {
  for (const base::Secret& form : forms_) ReplaceAll(text, form.Reveal());
  return text;
}

}  // namespace llmbatch::logging
