// How old the prices of a configuration are.
#include "ctl/prices.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmbatch::ctl {
namespace {

using std::chrono::hours;

constexpr base::Duration kNinetyDays = hours(90 * 24);

std::vector<config::ConfigValue> Model(const std::string& name, const char* price,
                                       const char* as_of) {
  const std::string section = "models.\"" + name + "\"";
  std::vector<config::ConfigValue> values{{section, "context_window", "1000", "prices.toml:3"}};
  if (*price != '\0') values.push_back({section, "input_usd_per_million", price, "prices.toml:5"});
  if (*as_of != '\0') values.push_back({section, "as_of", as_of, "prices.toml:6"});
  return values;
}

std::vector<PriceEntry> Check(const std::vector<config::ConfigValue>& values) {
  return CheckPrices(values, {"p/used"}, *base::ParseRfc3339("2026-11-21T12:00:00Z"), kNinetyDays);
}

TEST(CheckPrices, TellsTheStateOfEachModel) {
  struct Row {
    const char* price;
    const char* as_of;
    PriceState state;
    bool is_warning;
  };
  for (const Row& row : {
           Row{"\"1\"", "2026-11-21", PriceState::kFresh, false},
           Row{"\"1\"", "2026-08-24", PriceState::kFresh, false},
           Row{"\"1\"", "2026-08-23", PriceState::kOld, true},
           Row{"\"1\"", "", PriceState::kUndated, true},
           Row{"\"1\"", "2026-11-22", PriceState::kFresh, false},
           Row{"\"1\"", "2026-11-24", PriceState::kFuture, true},
           Row{"", "", PriceState::kMissing, true},
           Row{"", "2026-11-21", PriceState::kMissing, true},
       }) {
    const auto entries = Check(Model("p/used", row.price, row.as_of));
    ASSERT_EQ(entries.size(), 1U) << row.as_of;
    EXPECT_EQ(entries[0].state, row.state) << row.price << " " << row.as_of;
    EXPECT_EQ(IsWarning(entries[0]), row.is_warning);
    EXPECT_TRUE(entries[0].is_used);
  }
}

TEST(CheckPrices, GoesThroughAllModelsAndNothingElse) {
  std::vector<config::ConfigValue> values{{"limits", "concurrency", "5", ""}};
  for (const auto& model : {Model("p/used", "\"1\"", "2026-11-01"), Model("p/free", "", ""),
                            Model("p/old", "\"1\"", "2025-01-01")}) {
    values.insert(values.end(), model.begin(), model.end());
  }
  values.push_back({"tasks.t", "as_of", "2020-01-01", ""});
  EXPECT_EQ(TableOf(Check(values)),
            "MODEL   PRICE  AS OF       USED  WHERE\n"
            "p/used  fresh  2026-11-01  yes   prices.toml:5\n"
            "p/old   old    2025-01-01  no    prices.toml:5\n");
}

}  // namespace
}  // namespace llmbatch::ctl
