// What every thread that runs libcurl does alike.
#pragma once

#include <curl/curl.h>

namespace llmbatch::http {

// Prepares libcurl, once for the process; false: it can't be used. From any thread.
bool IsLibcurlReady();

// At the beginning of a thread that runs libcurl: signals are for the main thread, and the threads
// that look names up inherit this.
void BlockSignals();

// Takes the transfers that have ended out of the multi handle: `take` is given the private pointer
// of each one's easy handle, and libcurl's result code.
template <typename Take>
void TakeEnded(CURLM* multi, Take take) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message ends with the removal.
    CURL* const handle = message->easy_handle;
    const int curl_code = message->data.result;
    void* owner = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &owner);
    curl_multi_remove_handle(multi, handle);
    take(owner, curl_code);
  }
}

}  // namespace llmbatch::http
