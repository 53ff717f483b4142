// Any text of a model gives each item its own whole output or a reason why not.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "answers/decoder.h"
#include "base/check.h"
#include "json/value.h"

using namespace llmbatch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::array<std::string, 2> nonces = {"a", "b"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const answers::Ending ending : {answers::Ending::kWhole, answers::Ending::kCutOff}) {
    const auto decoded = answers::DecodeAnswers(text, nonces, nullptr, ending);
    if (!decoded) continue;
    for (std::size_t i = 0; i < nonces.size(); ++i) {
      const auto& output = decoded->outputs[i];
      LLMBATCH_CHECK(output.has_value() == (decoded->problems[i] == answers::Problem::kNone));
      if (!output) continue;
      const auto document = json::Document::Parse(*output);
      LLMBATCH_CHECK(document.ok() && document->root().is(json::Kind::kObject));
      LLMBATCH_CHECK(!document->root().Find("id"));
    }
  }
  return 0;
}
