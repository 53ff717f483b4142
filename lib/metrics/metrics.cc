#include "metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "metrics/definitions.h"

namespace llmbatch::metrics {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

constexpr std::size_t kMaxCombinations = 1'000;
constexpr std::string_view kOther = "other";

using LabelValues = std::array<std::string, ports::kMaxLabels>;

prometheus::Labels LabelsOf(const Definition& definition, const LabelValues& values) {
  prometheus::Labels labels;
  for (std::size_t i = 0; i < definition.labels.size(); ++i) {
    if (definition.labels[i] != nullptr) labels.emplace(definition.labels[i], values[i]);
  }
  return labels;
}

prometheus::Labels LagLabels(std::string_view topic, std::int32_t partition) {
  return {{"topic", std::string(topic)}, {"partition", std::to_string(partition)}};
}

// One cell of a family; which one of the three is set follows from the definition's type.
struct Cell {
  Counter* counter = nullptr;
  Gauge* gauge = nullptr;
  Histogram* histogram = nullptr;
};

struct KnownFamily {
  Family<Counter>* counters = nullptr;
  Family<Gauge>* gauges = nullptr;
  Family<Histogram>* histograms = nullptr;
  // Looking a cell up in prometheus-cpp costs several allocations, so cells are remembered by their
  // joined labels.
  std::unordered_map<std::string, Cell> cells;
};

}  // namespace

struct Metrics::Impl {
  explicit Impl(const BuildInfo& build);

  Cell MakeCell(const Definition& definition, KnownFamily& family, const LabelValues& values) const;
  Cell& FindCell(const Definition& definition, const LabelValues& values);

  prometheus::Registry registry;
  std::array<KnownFamily, static_cast<std::size_t>(ports::Metric::kCount)> families;
  Family<Gauge>* lag = nullptr;
  std::string joined;
};

Metrics::Impl::Impl(const BuildInfo& build) {
  for (const Definition& definition : AllDefinitions()) {
    KnownFamily& family = families[static_cast<std::size_t>(definition.metric)];
    const std::string name = definition.name;
    const std::string help = definition.help;
    switch (definition.type) {
      case Type::kCounter:
        family.counters = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
        break;
      case Type::kGauge:
        family.gauges = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
        break;
      case Type::kHistogram:
        family.histograms = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
        break;
    }
  }
  lag = &prometheus::BuildGauge()
             .Name("llmbatchd_lag_records")
             .Help("Records of a partition that were not read yet")
             .Register(registry);
  prometheus::BuildGauge()
      .Name("llmbatchd_build_info")
      .Help("Always 1; version and instance are labels")
      .Register(registry)
      .Add({{"version", build.version}, {"instance", build.instance}})
      .Set(1);
  prometheus::BuildGauge()
      .Name("process_start_time_seconds")
      .Help("When the process began, in seconds since 1970")
      .Register(registry)
      .Add({})
      .Set(build.started_at_s);
}

Cell Metrics::Impl::MakeCell(const Definition& definition, KnownFamily& family,
                             const LabelValues& values) const {
  const prometheus::Labels labels = LabelsOf(definition, values);
  Cell cell;
  switch (definition.type) {
    case Type::kCounter:
      cell.counter = &family.counters->Add(labels);
      break;
    case Type::kGauge:
      cell.gauge = &family.gauges->Add(labels);
      break;
    case Type::kHistogram:
      cell.histogram = &family.histograms->Add(
          labels,
          Histogram::BucketBoundaries(definition.buckets.begin(), definition.buckets.end()));
      break;
  }
  return cell;
}

Cell& Metrics::Impl::FindCell(const Definition& definition, const LabelValues& values) {
  KnownFamily& family = families[static_cast<std::size_t>(definition.metric)];
  joined.clear();
  for (const std::string& value : values) {
    joined += value;
    joined += '\x1f';
  }
  const auto found = family.cells.find(joined);
  if (found != family.cells.end()) return found->second;
  if (family.cells.size() < kMaxCombinations) {
    return family.cells.emplace(joined, MakeCell(definition, family, values)).first->second;
  }
  const std::string other(kOther);
  const auto rest = family.cells.find(other);
  if (rest != family.cells.end()) return rest->second;
  return family.cells.emplace(other, MakeCell(definition, family, {other, other, other}))
      .first->second;
}

Metrics::Metrics(const BuildInfo& build) : impl_(std::make_unique<Impl>(build)) {}
Metrics::~Metrics() = default;

void Metrics::Apply(const ports::Observe& observation) {
  const auto index = static_cast<std::size_t>(observation.metric);
  LLMBATCH_CHECK(index < AllDefinitions().size());
  const Definition& definition = AllDefinitions()[index];
  const bool is_count = definition.type == Type::kCounter;
  // One NaN would spoil a sum for good.
  if (!std::isfinite(observation.value) || (is_count && observation.value < 0)) return;
  const Cell& cell = impl_->FindCell(definition, observation.labels);
  if (cell.counter != nullptr) cell.counter->Increment(observation.value);
  if (cell.gauge != nullptr) cell.gauge->Set(observation.value);
  if (cell.histogram != nullptr) cell.histogram->Observe(observation.value);
}

void Metrics::SetLag(std::string_view topic, std::int32_t partition, std::int64_t records) {
  impl_->lag->Add(LagLabels(topic, partition)).Set(static_cast<double>(records));
}

void Metrics::ForgetLag(std::string_view topic, std::int32_t partition) {
  impl_->lag->Remove(&impl_->lag->Add(LagLabels(topic, partition)));
}

std::string Metrics::Scrape() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace llmbatch::metrics
