#include "twin/options.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace llmbatch::twin {
namespace {

template <typename T>
base::Result<void> AssignNumber(std::string_view text, T& target) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return base::Invalid("must be a whole number from 0 to " +
                       std::to_string(std::numeric_limits<T>::max()));
}

base::Result<void> ApplyFlag(std::string_view name, std::string_view value, Options& options) {
  if (name == "port") return AssignNumber(value, options.port);
  if (name == "journal-max-requests") return AssignNumber(value, options.journal_max_requests);
  for (const auto& [flag, target] :
       {std::pair{"listen", &options.listen}, std::pair{"port-file", &options.port_file},
        std::pair{"journal-file", &options.journal_file}}) {
    if (name != flag) continue;
    *target = value;
    return {};
  }
  std::string setting(name);
  std::replace(setting.begin(), setting.end(), '-', '_');
  return ApplySetting(setting, value, options.behaviour);
}

}  // namespace

base::Result<Options> ParseOptions(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (name == "--help") {
      options.help = true;
      continue;
    }
    if (name.substr(0, 2) != "--") return base::Invalid(std::string(name) + ": not a flag");
    name.remove_prefix(2);
    std::string_view value;
    if (const auto equals = name.find('='); equals != name.npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return base::Invalid("--" + std::string(name) + ": needs a value");
    }
    const auto applied = ApplyFlag(name, value, options);
    if (!applied) return base::Invalid("--" + std::string(name) + ": " + applied.error().message);
  }
  return options;
}

std::string HelpText() {
  return "provider-twin: a provider of language models to test against\n\n"
         "  --listen ADDRESS                where to listen (127.0.0.1)\n"
         "  --port N                        0: any free one (0)\n"
         "  --port-file FILE                the port is written there\n"
         "  --journal-file FILE             the journal is written there at the end\n"
         "  --journal-max-requests N        later ones are only counted (1000000)\n" +
         DescribeSettings();
}

}  // namespace llmbatch::twin
