#include "http/document_hosts.h"

#include <curl/curl.h>

#include <utility>

#include "base/ascii.h"

namespace llmbatch::http {
namespace {

ParsedUrl ParseUrl(const std::string& text) {
  CURLU* const url = curl_url();
  ParsedUrl parsed(url);
  const bool taken = url != nullptr && curl_url_set(url, CURLUPART_URL, text.c_str(),
                                                    CURLU_DISALLOW_USER) == CURLUE_OK;
  return taken ? std::move(parsed) : nullptr;
}

std::string Part(const ParsedUrl& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(static_cast<CURLU*>(url.get()), part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

// "host:port" in lower case; empty: it is no https URL.
std::string PlaceOf(const ParsedUrl& url) {
  if (!url || Part(url, CURLUPART_SCHEME) != "https") return {};
  return base::ToLower(Part(url, CURLUPART_HOST) + ":" +
                       Part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

}  // namespace

void UrlDeleter::operator()(void* url) const { curl_url_cleanup(static_cast<CURLU*>(url)); }

base::Result<DocumentHosts> DocumentHosts::Create(const std::vector<std::string>& hosts) {
  DocumentHosts created;
  for (const std::string& host : hosts) {
    const ParsedUrl url = ParseUrl("https://" + host);
    std::string place = PlaceOf(url);
    // Nothing but a host and a port: libcurl adds the path.
    const bool is_host = !place.empty() && host.find_first_of("/?#@ ") == std::string::npos;
    if (!is_host) {
      return base::Invalid("documents.hosts: \"" + host +
                           "\" is no host: write \"name\", or \"name:port\" for another port "
                           "than 443");
    }
    created.allowed_.insert(std::move(place));
  }
  return created;
}

base::Result<ParsedUrl> DocumentHosts::Parse(const std::string& text) const {
  ParsedUrl url = ParseUrl(text);
  const std::string place = PlaceOf(url);
  if (place.empty()) return base::Invalid("is no https URL without a user in it");
  if (!allowed_.contains(place)) {
    return base::MakeError(base::ErrorKind::kDenied, "its host is not among documents.hosts");
  }
  return url;
}

}  // namespace llmbatch::http
