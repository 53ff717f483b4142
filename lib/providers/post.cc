#include "providers/post.h"

#include <utility>

namespace llmbatch::providers {

ports::HttpRequest MakePost(const model::Provider& provider, std::string path, std::string body,
                            base::Duration timeout) {
  ports::HttpRequest request{.provider = provider.name,
                             .path = std::move(path),
                             .headers = {{.name = "content-type", .value = "application/json"}},
                             .body = std::move(body),
                             .timeout = timeout,
                             .max_response_bytes = provider.max_response_bytes};
  request.headers.insert(request.headers.end(), provider.headers.begin(), provider.headers.end());
  return request;
}

std::string EncodeSegment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kMarks = "-._~";
  std::string encoded;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        kMarks.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4U];
    encoded += kDigits[byte & 15U];
  }
  return encoded;
}

}  // namespace llmbatch::providers
