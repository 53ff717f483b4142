#include "config/sections.h"
#include "config/values.h"
#include "http/document_hosts.h"

namespace llmbatch::config {

using std::chrono::milliseconds;
using std::chrono::minutes;

Documents ReadDocuments(Section section, const Environment& environment) {
  Documents documents;
  documents.hosts = section.Strings("hosts", {});
  for (const std::string& host : documents.hosts) {
    if (!http::DocumentHosts::Create({host})) {
      section.Fail("hosts", "\"" + host +
                                "\" is no host: write \"name\", or \"name:port\" for another port "
                                "than 443");
    }
  }
  constexpr IntRange kBytes{.min = 1024, .max = 1LL << 30};
  documents.max_bytes = section.Int("max_bytes", documents.max_bytes, kBytes);
  documents.max_job_bytes = section.Int("max_job_bytes", documents.max_job_bytes, kBytes);
  documents.max_held_bytes =
      section.Int("max_held_bytes", documents.max_held_bytes, {.min = 1024, .max = 64LL << 30});
  if (documents.max_job_bytes < documents.max_bytes) {
    section.Fail("max_job_bytes",
                 "must be at least documents.max_bytes (" + ToText(documents.max_bytes) + ")");
  }
  if (documents.max_held_bytes < documents.max_job_bytes) {
    section.Fail("max_held_bytes", "must be at least documents.max_job_bytes (" +
                                       ToText(documents.max_job_bytes) + ")");
  }
  documents.allow_private = section.Bool("allow_private", documents.allow_private);
  documents.ca_file = ReadCaFile(section, environment);
  documents.connect_timeout = section.Duration("connect_timeout", documents.connect_timeout,
                                               {milliseconds(100), minutes(5)});
  documents.timeout =
      section.Duration("timeout", documents.timeout, {milliseconds(100), minutes(10)});
  section.RefuseOthers();
  return documents;
}

}  // namespace llmbatch::config
