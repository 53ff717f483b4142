// Download: one document by one GET, and what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/document_hosts.h"
#include "model/ids.h"

namespace llmbatch::http {

struct DownloadOptions {
  std::string ca_file;  // PEM; trusted instead of the system's authorities. Empty: the system's
  bool allow_private = false;
  base::Duration connect_timeout = std::chrono::seconds(10);
  base::Duration timeout = std::chrono::seconds(30);  // from its begin to the last byte
  std::string user_agent = "llmbatchd";
};

// On a connection of its own, without a proxy, and without following redirects. Must not move or
// end while a multi handle runs it.
class Download {
 public:
  // nullptr: libcurl is out of memory.
  static std::unique_ptr<Download> Create(model::FetchId id, ParsedUrl url, std::int64_t max_bytes,
                                          const DownloadOptions& options);
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  // The body, or why there is none, for libcurl's result code. Call once.
  base::Result<std::string> Take(int curl_code);

  model::FetchId id() const { return id_; }
  // The CURL* for the multi handle; its private pointer is this.
  void* handle() const { return handle_.get(); }

 private:
  struct Callbacks;
  struct HandleDeleter {
    void operator()(void* handle) const;
  };

  Download(model::FetchId id, ParsedUrl url, std::int64_t max_bytes, bool allow_private);
  bool SetOptions(const DownloadOptions& options);
  base::Error TooLarge() const;

  model::FetchId id_;
  std::size_t max_bytes_;
  bool allow_private_;
  ParsedUrl url_;  // outlives the handle, which goes by it
  std::unique_ptr<void, HandleDeleter> handle_;
  std::string body_;
  std::size_t header_bytes_ = 0;
  bool address_refused_ = false;
  bool too_large_ = false;
};

}  // namespace llmbatch::http
