#include "http/endpoint.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

namespace llmbatch::http {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

Url ParseUrl(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return nullptr;
  return url;
}

std::string Part(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// What is wrong with the base URL; empty: nothing.
std::string_view FaultOfBaseUrl(const Endpoint& endpoint) {
  const Url url = ParseUrl(endpoint.base_url);
  if (!url) return "is no URL";
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") return "must begin with https://";
  if (scheme == "http" && !endpoint.allow_private) return "may be http only with allow_private";
  if (!Part(url, CURLUPART_USER).empty() || !Part(url, CURLUPART_PASSWORD).empty()) {
    return "must have no user or password in it";
  }
  if (endpoint.base_url.find_first_of("?#") != std::string::npos) {
    return "must have no query or fragment";
  }
  return {};
}

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsControlCharacter(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

bool IsValidHeader(std::string_view name, std::string_view value) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsTokenCharacter) &&
         std::none_of(value.begin(), value.end(), IsControlCharacter);
}

base::Result<void> Validate(std::string_view provider, const Endpoint& endpoint) {
  const auto invalid = [provider](std::string_view field, std::string_view fault) {
    return base::Invalid("providers." + std::string(provider) + "." + std::string(field) + ": " +
                         std::string(fault));
  };
  if (const auto fault = FaultOfBaseUrl(endpoint); !fault.empty()) {
    return invalid("base_url", fault);
  }
  for (const Credential& credential : endpoint.credentials) {
    if (credential.secret.empty()) return invalid("api_key", "is empty");
    if (!IsValidHeader(credential.header, credential.prefix) ||
        !IsValidHeader(credential.header, credential.secret.Reveal())) {
      return invalid("api_key", "has a character that no HTTP header may have");
    }
  }
  if (!endpoint.ca_file.empty() && access(endpoint.ca_file.c_str(), R_OK) != 0) {
    return invalid("ca_file", "can't be read");
  }
  if (!endpoint.proxy.empty() && !ParseUrl(endpoint.proxy)) return invalid("proxy", "is no URL");
  if (base::ToMillis(endpoint.connect_timeout) < 1) {
    return invalid("connect_timeout", "must be at least a millisecond");
  }
  if (endpoint.max_connections < 1) return invalid("max_connections", "must be at least 1");
  return {};
}

}  // namespace llmbatch::http
