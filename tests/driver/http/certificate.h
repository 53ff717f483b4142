// Certificates made for one test.
#pragma once

#include <string>

#include "driver/http/faulty_server.h"

namespace llmbatch::http {

struct CertificateOptions {
  std::string host = "127.0.0.1";   // an address
  long valid_until_seconds = 3600;  // from now
};

// Signed by itself, with a key of its own.
TlsIdentity MakeCertificate(const CertificateOptions& options);

}  // namespace llmbatch::http
