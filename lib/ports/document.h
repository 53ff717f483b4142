// Documents that a job names and doesn't have in its message.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/document_place.h"
#include "model/ids.h"

namespace llmbatch::ports {

// Answered by DocumentFetched, whoever is asked: the coordinator for what is kept there, the HTTP
// driver for the rest.
struct FetchDocument {
  model::FetchId fetch;
  model::DocumentPlace place;
  std::string user_id;         // only this user's documents are read at the coordinator
  std::int64_t max_bytes = 0;  // a longer one is kTooLarge
};

// The text as it came. An error names neither the place nor the text. kTooLarge, kDenied: the place
// isn't allowed; else retryable() says whether asking again is of use.
struct DocumentFetched {
  model::FetchId fetch;
  base::Result<std::string> text;
};

}  // namespace llmbatch::ports
