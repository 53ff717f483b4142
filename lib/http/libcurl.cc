#include "http/libcurl.h"

#include <csignal>

namespace llmbatch::http {

bool IsLibcurlReady() {
  // Counted and thread-safe in libcurl, and never undone: other users of it may be around.
  static const CURLcode kGlobal = curl_global_init(CURL_GLOBAL_DEFAULT);
  return kGlobal == CURLE_OK;
}

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace llmbatch::http
