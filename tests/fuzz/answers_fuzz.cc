// Any text of a model gives each item its own whole output or a reason why not.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "answers/decoder.h"
#include "answers/mender.h"
#include "answers/scanner.h"
#include "base/check.h"
#include "json/value.h"

using namespace llmbatch;

namespace {

// What is mended is JSON, and is left as it is when it is mended again.
void CheckMending(std::string_view text) {
  const std::size_t at = text.find_first_of("{[");
  if (at == std::string_view::npos) return;
  const answers::Mended mended = answers::MendValue(text, at);
  LLMBATCH_CHECK(mended.end <= text.size());
  if (mended.outcome != answers::Token::kWhole) return;
  const answers::Scan scan = answers::ScanValue(mended.json, 0);
  // Two lists of results are no answer, though they are JSON.
  if (scan.outcome == answers::Scan::Outcome::kBroken && scan.has_list) return;
  LLMBATCH_CHECK(scan.outcome == answers::Scan::Outcome::kWhole);
  LLMBATCH_CHECK(scan.end == mended.json.size());
  const answers::Mended again = answers::MendValue(mended.json, 0);
  LLMBATCH_CHECK(again.outcome == answers::Token::kWhole && again.json == mended.json);
  LLMBATCH_CHECK(again.edits.total() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::array<std::string, 2> nonces = {"a", "b"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckMending(text);
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
