// invoices.txt: usage as the formats tell it, priced to the last nano-dollar.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "providers/codec.h"
#include "providers/price.h"

namespace llmbatch::providers {
namespace {

constexpr std::size_t kColumns = 6;
constexpr std::size_t kLeastInvoices = 40;

struct Invoice {
  std::string prices;
  std::string day;
  std::string dollars;
  std::string sum;
  std::string what;
  std::string members;  // of the answer, beside its text
};

base::WallTime Morning(const std::string& day) { return *base::ParseRfc3339(day + "T00:00:00Z"); }

// Dollars a million tokens are thousands of nano-dollars a thousand tokens.
model::ModelPrice Dollars(double input, double cached, double write, double long_write,
                          double output) {
  const auto nanos = [](double dollars) { return static_cast<std::int64_t>(dollars * 1e6 + 0.5); };
  return {.input_nanos_per_1k = nanos(input),
          .cached_input_nanos_per_1k = nanos(cached),
          .output_nanos_per_1k = nanos(output),
          .cache_write_nanos_per_1k = nanos(write),
          .long_cache_write_nanos_per_1k = nanos(long_write)};
}

model::ModelPrice WithReasoning(model::ModelPrice price, std::int64_t nanos_per_1k) {
  price.reasoning_nanos_per_1k = nanos_per_1k;
  return price;
}

model::PriceList OpenAiPrices() {
  return {
      {.price = Dollars(2, 0.1, 2.5, 2.5, 10)},
      {.above_input_tokens = 272'000, .price = Dollars(4, 0.2, 5, 5, 15)},
      {.tier = "flex", .price = Dollars(1, 0.05, 1.25, 1.25, 5)},
      {.tier = "flex", .above_input_tokens = 272'000, .price = Dollars(2, 0.1, 2.5, 2.5, 7.5)},
      {.tier = "priority", .price = Dollars(4, 0.2, 5, 5, 20)},
      {.valid_from = Morning("2027-01-01"), .price = Dollars(1.5, 0.075, 1.875, 1.875, 8)},
  };
}

model::PriceList AnthropicPrices() {
  return {
      {.price = Dollars(0.1, 0.01, 0.125, 0.2, 0.5)},
      {.above_input_tokens = 100'000, .price = Dollars(0.5, 0.05, 0.625, 1, 2.5)},
      {.tier = "batch", .price = Dollars(0.05, 0.005, 0.0625, 0.1, 0.25)},
  };
}

model::PriceList GeminiPrices() {
  return {
      {.price = WithReasoning(Dollars(0.75, 0.075, 0.75, 0.75, 3.75), 3'000'000)},
      {.above_input_tokens = 200'000, .price = Dollars(1.5, 0.15, 1.5, 1.5, 7.5)},
      {.tier = "flex", .price = Dollars(0.375, 0.0375, 0.375, 0.375, 1.875)},
      {.tier = "priority", .price = Dollars(1.35, 0.135, 1.35, 1.35, 6.75)},
  };
}

struct Book {
  std::string api;
  model::PriceList prices;
  std::string head;  // what an answer has beside its usage
};

const std::map<std::string, Book>& Books() {
  const std::string chat = R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],)";
  static const std::map<std::string, Book> books = {
      {"chat", {"openai", OpenAiPrices(), chat}},
      {"responses", {"openai_responses", OpenAiPrices(), R"({"status":"completed","output":[],)"}},
      {"anthropic", {"anthropic", AnthropicPrices(), R"({"content":[],"stop_reason":"end_turn",)"}},
      {"gemini", {"gemini", GeminiPrices(), R"({"candidates":[{"finishReason":"STOP"}],)"}},
      {"cheap",
       {"openai", {{.price = Dollars(0.00375, 0.000375, 0.00375, 0.00375, 0.01525)}}, chat}},
  };
  return books;
}

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::vector<Invoice> ReadInvoices() {
  std::ifstream file(std::string(LLMBATCH_SOURCE_DIR) + "/tests/unit/providers/invoices.txt");
  std::vector<Invoice> invoices;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> columns;
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, '|');) columns.push_back(Trimmed(cell));
    EXPECT_EQ(columns.size(), kColumns) << line;
    columns.resize(kColumns);
    invoices.push_back({columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]});
  }
  return invoices;
}

TEST(Invoices, ArePricedToTheLastNanoDollar) {
  const std::vector<Invoice> invoices = ReadInvoices();
  ASSERT_GE(invoices.size(), kLeastInvoices);
  std::set<std::string> used;
  for (const Invoice& invoice : invoices) {
    SCOPED_TRACE(invoice.prices + ": " + invoice.what + ", " + invoice.sum);
    ASSERT_TRUE(Books().contains(invoice.prices));
    const Book& book = Books().at(invoice.prices);
    used.insert(book.api);
    const base::WallTime at = Morning(invoice.day);
    const ports::HttpResponse response{.status = 200, .body = book.head + invoice.members + "}"};
    const auto decoded = CodecFor(book.api)->Decode(response, at);
    const auto* completion = std::get_if<Completion>(&decoded);
    ASSERT_NE(completion, nullptr);
    ASSERT_TRUE(completion->usage.has_value());
    const auto cost =
        CostOf(*completion->usage, book.prices,
               completion->tier.empty() ? model::kStandardTier : completion->tier, at);
    ASSERT_TRUE(cost.has_value());
    EXPECT_EQ(model::ToDecimal(*cost), invoice.dollars);
  }
  EXPECT_EQ(used.size(), 4U) << "each way of counting has to be among them";
}

TEST(PriceFor, TakesTheRowsThatBeganLastAndOfTheseTheHighestStep) {
  const model::PriceList list = OpenAiPrices();
  const base::WallTime before = Morning("2026-12-31");
  const base::WallTime after = Morning("2027-01-01");
  const auto input = [&list](std::string_view tier, std::int64_t tokens, base::WallTime at) {
    const auto price = PriceFor(list, {.tier = tier, .input_tokens = tokens, .at = at});
    return price ? price->input_nanos_per_1k : -1;
  };
  EXPECT_EQ(input("standard", 272'000, before), 2'000'000);
  EXPECT_EQ(input("standard", 272'001, before), 4'000'000);
  EXPECT_EQ(input("standard", 272'001, after), 1'500'000);
  EXPECT_EQ(input("flex", 272'001, after), 2'000'000);
  EXPECT_EQ(input("ultrafast", 1, after), -1) << "an unknown tier has no price, and never 0";
}

TEST(PriceFor, HoldsFromItsFirstToItsLastMoment) {
  const base::WallTime from = Morning("2026-01-01");
  const base::WallTime until = Morning("2026-02-01");
  const model::PriceList list = {{.valid_from = from, .valid_until = until, .price = {}}};
  const auto tick = base::Duration(1);
  EXPECT_FALSE(PriceFor(list, {.at = from - tick}).has_value());
  EXPECT_TRUE(PriceFor(list, {.at = from}).has_value());
  EXPECT_TRUE(PriceFor(list, {.at = until - tick}).has_value());
  EXPECT_FALSE(PriceFor(list, {.at = until}).has_value());
  EXPECT_FALSE(CostOf({}, model::PriceList{}, model::kStandardTier, from).has_value());
}

}  // namespace
}  // namespace llmbatch::providers
