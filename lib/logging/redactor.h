// Redactor: takes credentials out of texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace llmbatch::logging {

// Knows each secret plain, as base64 and base64url (also as a part of a longer text, such as
// "user:secret"), URL-encoded and as inside a JSON string.
class Redactor {
 public:
  // One shorter than this is taken for no secret: it would leave holes in ordinary words.
  static constexpr std::size_t kMinSecretBytes = 6;

  void Add(const base::Secret& secret);
  // The text with "[redacted]" in place of every form of every secret.
  std::string Redact(std::string text) const;

 private:
  void AddForm(std::string form);

  std::vector<base::Secret> forms_;
};

}  // namespace llmbatch::logging
