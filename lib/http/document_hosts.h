// DocumentHosts: from where documents may be fetched, whoever names the URL.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace llmbatch::http {

// A parsed URL (a CURLU); what is checked of it is what a transfer then goes by.
struct UrlDeleter {
  void operator()(void* url) const;
};
using ParsedUrl = std::unique_ptr<void, UrlDeleter>;

class DocumentHosts {
 public:
  // "name" stands for port 443, "name:port" for another one. The error names the entry.
  static base::Result<DocumentHosts> Create(const std::vector<std::string>& hosts);

  // The URL, if it is https, without a user in it, and its host and port are among these. The error
  // does not repeat it.
  base::Result<ParsedUrl> Parse(const std::string& url) const;

 private:
  std::set<std::string, std::less<>> allowed_;  // "host:port" in lower case
};

}  // namespace llmbatch::http
