// MakePost: the HTTP request around a body, the same for every format.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "model/task.h"
#include "ports/record.h"

namespace llmbatch::providers {

// With content-type and the provider's own headers.
ports::HttpRequest MakePost(const model::Provider& provider, std::string path, std::string body,
                            base::Duration timeout);

// `text` as one segment of a URL's path: what isn't a letter, a digit or one of -._~ is
// percent-encoded.
std::string EncodeSegment(std::string_view text);

}  // namespace llmbatch::providers
