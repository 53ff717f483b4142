#include "ctl/listing.h"

#include <algorithm>

#include "base/utf8.h"
#include "ctl/text.h"
#include "json/writer.h"

namespace llmbatch::ctl {
namespace {

constexpr std::size_t kSourceColumn = 48;

// kafka.bindings[0] is how messages call what TOML writes as [[kafka.bindings]].
std::string HeaderOf(const std::string& section) {
  if (!section.ends_with(']')) return "[" + section + "]";
  return "[[" + section.substr(0, section.rfind('[')) + "]]";
}

std::string SourceOf(const config::ConfigValue& value) {
  return value.source.empty() ? "default" : value.source;
}

}  // namespace

std::string ListingOf(const std::vector<config::ConfigValue>& values, std::size_t max_columns) {
  std::string out;
  const std::string* section = nullptr;
  for (const config::ConfigValue& value : values) {
    if (section == nullptr || *section != value.section) {
      if (section != nullptr) out += "\n";
      if (!value.section.empty()) out += Printable(HeaderOf(value.section)) + "\n";
      section = &value.section;
    }
    const bool is_unset = value.value == "\"\"" && value.source.empty();
    std::string line =
        is_unset ? "#" + value.key + " =" : value.key + " = " + Shortened(value.value, max_columns);
    line = Printable(line);
    const std::size_t columns = base::CountCodePoints(line);
    line += std::string(columns < kSourceColumn ? kSourceColumn - columns : 1, ' ');
    out += line + "# " + (is_unset ? "not set" : Printable(SourceOf(value))) + "\n";
  }
  return out;
}

std::string JsonOf(const config::ConfigValue& value) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("section").String(value.section);
  writer.Key("key").String(value.key);
  writer.Key("value").String(value.value);
  writer.Key("source").String(SourceOf(value));
  writer.EndObject();
  return writer.Take();
}

}  // namespace llmbatch::ctl
