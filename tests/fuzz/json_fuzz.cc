// Whatever is read as JSON is written as JSON that reads back as the same; and it is a schema that
// can be asked, or none.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/schema.h"
#include "json/value.h"

using namespace llmbatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = json::Document::Parse(text);
  if (!document) return 0;
  const std::string written = document->root().ToJson();
  const auto again = json::Document::Parse(written);
  LLMBATCH_CHECK(again.ok());
  LLMBATCH_CHECK(again->root().ToJson() == written);
  if (const auto schema = json::Schema::Compile(text)) {
    static_cast<void>(schema->Validate(document->root()).ok());
  }
  return 0;
}
