// A configuration as it is shown.
#include "ctl/listing.h"

#include <gtest/gtest.h>

namespace llmbatch::ctl {
namespace {

TEST(ListingOf, IsTomlWithSources) {
  EXPECT_EQ(ListingOf({{"", "prices", "\"prices.toml\"", "c.toml:2"},
                       {"kafka", "group", "\"g\"", "$LLMBATCHD_KAFKA__GROUP"},
                       {"kafka", "requests", "[\"a\"]", ""},
                       {"kafka.bindings[0]", "topic", "\"t\"", "c.toml:9"},
                       {"redis", "password", "\"\"", ""}},
                      40),
            "prices = \"prices.toml\"                          # c.toml:2\n"
            "\n"
            "[kafka]\n"
            "group = \"g\"                                     # $LLMBATCHD_KAFKA__GROUP\n"
            "requests = [\"a\"]                                # default\n"
            "\n"
            "[[kafka.bindings]]\n"
            "topic = \"t\"                                     # c.toml:9\n"
            "\n"
            "[redis]\n"
            "#password =                                     # not set\n");
}

TEST(ListingOf, CutsLongValues) {
  EXPECT_EQ(ListingOf({{"tasks.t", "prompt", "\"" + std::string(100, 'x') + "\"", "c.toml:1"}}, 10),
            "[tasks.t]\n"
            "prompt = \"xxxxxxxx…                             # c.toml:1\n");
}

TEST(JsonOf, NamesTheDefaultAsTheSource) {
  EXPECT_EQ(JsonOf(config::ConfigValue{"limits", "concurrency", "5", ""}),
            R"({"section":"limits","key":"concurrency","value":"5","source":"default"})");
}

}  // namespace
}  // namespace llmbatch::ctl
