#include "metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>
#include <thread>

#include "metrics/definitions.h"

namespace llmbatch::metrics {
namespace {

using ports::Metric;
using ports::Observe;
using testing::HasSubstr;
using testing::Not;

const BuildInfo kBuild{.version = "1", .instance = "one"};

TEST(Definitions, AreCalledAsPrometheusAsks) {
  std::set<std::string> names;
  for (const Definition& definition : AllDefinitions()) {
    const std::string name = definition.name;
    EXPECT_TRUE(std::regex_match(name, std::regex("(llmbatchd|gen_ai_client)_[a-z_]+"))) << name;
    EXPECT_EQ(name.ends_with("_total"), definition.type == Type::kCounter) << name;
    EXPECT_EQ(definition.buckets.empty(), definition.type != Type::kHistogram) << name;
    EXPECT_TRUE(std::is_sorted(definition.buckets.begin(), definition.buckets.end())) << name;
    EXPECT_FALSE(std::string(definition.help).empty()) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Metrics, AddsUpCounters) {
  Metrics metrics(kBuild);
  metrics.Apply({.metric = Metric::kResults, .labels = {"label", "ok", "generated"}});
  metrics.Apply({.metric = Metric::kResults, .value = 2, .labels = {"label", "ok", "generated"}});
  metrics.Apply({.metric = Metric::kResults, .labels = {"label", "error", "generated"}});
  const std::string text = metrics.Scrape();
  EXPECT_THAT(text, HasSubstr("# TYPE llmbatchd_results_total counter"));
  EXPECT_THAT(text, HasSubstr("llmbatchd_results_total{source=\"generated\",status=\"ok\","
                              "task=\"label\"} 3"));
  EXPECT_THAT(text, HasSubstr("llmbatchd_results_total{source=\"generated\",status=\"error\","
                              "task=\"label\"} 1"));
}

TEST(Metrics, SetsGauges) {
  Metrics metrics(kBuild);
  metrics.Apply({.metric = Metric::kOpenRecords, .value = 7, .labels = {}});
  metrics.Apply({.metric = Metric::kOpenRecords, .value = 3, .labels = {}});
  EXPECT_THAT(metrics.Scrape(), HasSubstr("\nllmbatchd_open_records 3\n"));
}

TEST(Metrics, SortsIntoBuckets) {
  Metrics metrics(kBuild);
  for (const double seconds : {0.3, 3.0, 1000.0}) {
    metrics.Apply({.metric = Metric::kCallSeconds, .value = seconds, .labels = {"p", "m", "ok"}});
  }
  const std::string text = metrics.Scrape();
  const std::string labels =
      "{gen_ai_provider_name=\"p\",gen_ai_request_model=\"m\",outcome=\"ok\"";
  const std::string name = "gen_ai_client_operation_duration_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + labels + ",le=\"0.5\"} 1"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket" + labels + ",le=\"600\"} 2"));
  EXPECT_THAT(text, HasSubstr(name + "_count" + labels + "} 3"));
}

TEST(Metrics, TellsWhatWasBuilt) {
  Metrics metrics({.version = "1.2.3", .instance = "one"});
  EXPECT_THAT(metrics.Scrape(),
              HasSubstr("\nllmbatchd_build_info{instance=\"one\",version=\"1.2.3\"} 1\n"));
}

TEST(Metrics, TellsWhenTheProcessBegan) {
  Metrics metrics({.version = "1", .instance = "one", .started_at_s = 1'800'000'000.5});
  EXPECT_THAT(metrics.Scrape(), HasSubstr("\nprocess_start_time_seconds 1800000000.5\n"));
}

TEST(Metrics, TakesEveryMetric) {
  Metrics metrics(kBuild);
  for (const Definition& definition : AllDefinitions()) {
    Observe observe{.metric = definition.metric, .value = 1, .labels = {}};
    for (std::size_t i = 0; i < ports::kMaxLabels; ++i) {
      if (definition.labels[i] != nullptr) observe.labels[i] = "x";
    }
    metrics.Apply(observe);
  }
  const std::string text = metrics.Scrape();
  for (const Definition& definition : AllDefinitions()) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(definition.name))) << definition.name;
  }
}

TEST(Metrics, CountsUnderOtherAboveTheLimit) {
  Metrics metrics(kBuild);
  for (int i = 0; i < 1'010; ++i) {
    metrics.Apply({.metric = Metric::kDeadLetters, .labels = {"reason-" + std::to_string(i)}});
  }
  metrics.Apply({.metric = Metric::kDeadLetters, .labels = {"reason-0"}});
  const std::string text = metrics.Scrape();
  EXPECT_THAT(text, HasSubstr("llmbatchd_dead_letters_total{reason=\"reason-0\"} 2"));
  EXPECT_THAT(text, HasSubstr("llmbatchd_dead_letters_total{reason=\"other\"} 10"));
  EXPECT_THAT(text, Not(HasSubstr("reason-1000")));
}

TEST(Metrics, LeavesOutWhatIsNoCount) {
  Metrics metrics(kBuild);
  metrics.Apply({.metric = Metric::kDeadLetters, .value = std::nan(""), .labels = {"x"}});
  metrics.Apply({.metric = Metric::kDeadLetters, .value = -1, .labels = {"x"}});
  metrics.Apply({.metric = Metric::kPendingBytes, .value = HUGE_VAL, .labels = {}});
  const std::string text = metrics.Scrape();
  EXPECT_THAT(text, Not(HasSubstr("reason=\"x\"")));
  EXPECT_THAT(text, Not(HasSubstr("\nllmbatchd_pending_bytes ")));
}

TEST(Metrics, ForgetsTheLagOfPartitionsThatWentAway) {
  Metrics metrics(kBuild);
  metrics.SetLag("llm.requests", 0, 12);
  metrics.SetLag("llm.requests", 1, 5);
  metrics.SetLag("llm.requests", 1, 6);
  metrics.ForgetLag("llm.requests", 0);
  metrics.ForgetLag("llm.requests", 9);
  const std::string text = metrics.Scrape();
  EXPECT_THAT(text, HasSubstr("llmbatchd_lag_records{partition=\"1\",topic=\"llm.requests\"} 6"));
  EXPECT_THAT(text, Not(HasSubstr("partition=\"0\"")));
}

TEST(Metrics, CanBeReadWhileItIsWritten) {
  Metrics metrics(kBuild);
  std::thread reader([&] {
    for (int i = 0; i < 20; ++i) EXPECT_THAT(metrics.Scrape(), HasSubstr("llmbatchd_build_info"));
  });
  for (int i = 0; i < 20'000; ++i) {
    metrics.Apply({.metric = Metric::kDeadLetters, .labels = {std::to_string(i % 50)}});
    metrics.SetLag("t", i % 5, i);
  }
  reader.join();
}

}  // namespace
}  // namespace llmbatch::metrics
