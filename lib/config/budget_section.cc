#include <optional>
#include <string_view>

#include "config/sections.h"
#include "model/money.h"

namespace llmbatch::config {

std::optional<model::NanoUsd> ReadMoney(Section& section, std::string_view key) {
  if (!section.Has(key)) {
    section.Known(key);
    return std::nullopt;
  }
  const std::string text = section.String(key, "");
  const auto amount = model::ParseDecimal(text);
  if (amount && amount->nanos > 0) return amount;
  if (!text.empty()) {
    section.Fail(key, "must be dollars as a decimal above 0, with up to nine digits: \"12.50\"");
  }
  return std::nullopt;
}

Budgets ReadBudgets(Section section) {
  Budgets budgets;
  budgets.all = {.day = ReadMoney(section, "day_usd"), .month = ReadMoney(section, "month_usd")};
  budgets.each_user = {.day = ReadMoney(section, "user_day_usd"),
                       .month = ReadMoney(section, "user_month_usd")};
  budgets.spent_ends =
      section.Choice<bool>("when_spent", budgets.spent_ends, {{"wait", false}, {"error", true}});
  section.RefuseOthers();
  return budgets;
}

}  // namespace llmbatch::config
