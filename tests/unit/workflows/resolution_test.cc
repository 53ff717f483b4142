#include "workflows/classification/resolution.h"

#include <gtest/gtest.h>

namespace llmbatch::workflows {
namespace {

const std::vector<std::string> kNames{"a", "b", "c", "d"};

// "a<b,c d<e" stands for two groups.
std::string Shown(const Resolutions& resolutions) {
  std::string text;
  for (const Resolution& each : resolutions.applied) {
    text += (text.empty() ? "" : " ") + each.canonical + "<";
    for (std::size_t i = 0; i < each.aliases.size(); ++i)
      text += (i > 0 ? "," : "") + each.aliases[i];
  }
  return text + " of " + std::to_string(resolutions.found);
}

TEST(ReadResolutions, AppliesWhatIsSoundAlone) {
  const struct {
    const char *why, *groups, *expected;
  } cases[] = {
      {"sound", R"([{"canonical":"a","aliases":["b"]}])", "a<b of 1"},
      {"two groups", R"([{"canonical":"a","aliases":["b"]},{"canonical":"c","aliases":["d"]}])",
       "a<b c<d of 2"},
      {"itself and a repeat", R"([{"canonical":"a","aliases":["a","b","b"]}])", "a<b of 1"},
      {"canonical is not a name", R"([{"canonical":"x","aliases":["b"]}])", " of 1"},
      {"alias is not a name", R"([{"canonical":"a","aliases":["x","b"]}])", "a<b of 1"},
      {"no alias is a name", R"([{"canonical":"a","aliases":["x"]}])", " of 1"},
      {"nothing but itself", R"([{"canonical":"a","aliases":["a"]}])", " of 0"},
      {"alias in two groups",
       R"([{"canonical":"a","aliases":["c"]},{"canonical":"b","aliases":["c"]}])", " of 2"},
      {"canonical of two groups",
       R"([{"canonical":"a","aliases":["b"]},{"canonical":"a","aliases":["c"]}])", " of 2"},
      {"a chain", R"([{"canonical":"a","aliases":["b"]},{"canonical":"b","aliases":["c"]}])",
       " of 2"},
      {"a circle", R"([{"canonical":"a","aliases":["b"]},{"canonical":"b","aliases":["a"]}])",
       " of 2"},
      {"a circle beside a sound one",
       R"([{"canonical":"a","aliases":["b"]},{"canonical":"b","aliases":["a"]},{"canonical":"c","aliases":["d"]}])",
       "c<d of 3"},
      {"other types", R"([1,{"canonical":1,"aliases":["b"]},{"canonical":"a","aliases":"b"},{}])",
       " of 0"},
      {"no list", R"({"canonical":"a"})", " of 0"},
  };
  for (const auto& each : cases) {
    const std::string answer = std::string(R"({"groups":)") + each.groups + "}";
    EXPECT_EQ(Shown(ReadResolutions(answer, kNames)), each.expected) << each.why;
  }
  EXPECT_EQ(Shown(ReadResolutions("no JSON", kNames)), " of 0");
}

TEST(MappingOf, LeadsToNamesThatStay) {
  const auto resolutions =
      ReadResolutions(R"({"groups":[{"canonical":"a","aliases":["b","c"]}]})", kNames);
  const auto mapping = MappingOf(resolutions.applied);
  EXPECT_EQ(mapping.size(), 2U);
  EXPECT_EQ(mapping.at("b"), "a");
  for (const auto& [alias, canonical] : mapping) EXPECT_FALSE(mapping.contains(canonical));
}

}  // namespace
}  // namespace llmbatch::workflows
