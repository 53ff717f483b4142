#include "providers/service_tier.h"

#include <gtest/gtest.h>

#include <utility>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

TEST(ServiceTier, HasOneSpelling) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},           {"default", "standard"},   {"auto", "standard"},
      {"flex", "flex"},   {"STANDARD", "standard"},  {"SERVICE_TIER_FLEX", "flex"},
      {"batch", "batch"}, {"fast", "priority"},      {"priority", "priority"},
      {"Scale", "scale"}, {"on_demand", "standard"}, {"standard_only", "standard"}};
  for (const auto& [word, tier] : rows) EXPECT_EQ(ServiceTier(word), tier) << word;
}

TEST(ServiceTier, IsWhatTheParametersAskFor) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "standard"},
      {"{}", "standard"},
      {R"({"service_tier":"flex"})", "flex"},
      {R"({"serviceTier":"SERVICE_TIER_PRIORITY"})", "priority"},
      {R"({"service_tier":"auto"})", "standard"},
      {R"({"service_tier":7})", "standard"},
      {"nonsense", "standard"}};
  for (const auto& [parameters, tier] : rows)
    EXPECT_EQ(TierAskedBy(parameters), tier) << parameters;
}

TEST(ServiceTier, OfGeminiStandsInAHeader) {
  const std::string body =
      R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"serviceTier":"flex"}})";
  const auto tier = [&body](std::vector<model::Header> headers) {
    const ports::HttpResponse response{.status = 200, .headers = std::move(headers), .body = body};
    return std::get<Completion>(CodecFor("gemini")->Decode(response, {})).tier;
  };
  EXPECT_EQ(tier({}), "flex");
  EXPECT_EQ(tier({{.name = "x-gemini-service-tier", .value = "standard"}}), "standard")
      << "served at another tier than was asked for";
}

}  // namespace
}  // namespace llmbatch::providers
