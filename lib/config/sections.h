// Readers of the configuration's sections: one function for each table of the file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/environment.h"
#include "config/section.h"
#include "model/task.h"

namespace llmbatch::config {

using Names = std::set<std::string, std::less<>>;

Kafka ReadKafka(Section section, const Names& tasks, const Environment& environment);
Redis ReadRedis(Section section, const Environment& environment);
Admin ReadAdmin(Section section);
Limits ReadLimits(Section section, const Kafka& kafka);
Documents ReadDocuments(Section section, const Environment& environment);
Budgets ReadBudgets(Section section);
// The weight of each user that has a table.
std::map<std::string, std::int64_t> ReadUsers(Section section);
// Dollars as a text; nullopt: not there, or reported.
std::optional<model::NanoUsd> ReadMoney(Section& section, std::string_view key);

// The path of `ca_file`, which can be read; empty: not there, or reported.
std::string ReadCaFile(Section& section, const Environment& environment);

ProviderConfig ReadProvider(const std::string& name, Section section,
                            const Environment& environment);

// What a model's table says about prices: its own are the first row, those of its list `prices`
// the others.
model::PriceList ReadPriceList(Section& section);

using Models = std::map<model::RouteEntry, model::ModelInfo>;
// All of [models]; `section` stands for that table.
Models ReadModels(Section section);

// What a task may name.
struct TaskContext {
  const std::map<std::string, model::Provider>& providers;
  const Models& models;
  const std::map<std::string, std::vector<model::RouteEntry>>& routes;
  const Kafka& kafka;
  const Environment& environment;
};

// The entries of a list of "provider/model"; those that name nothing known are reported and left
// out.
std::vector<model::RouteEntry> ReadRouteEntries(Section& section, std::string_view key,
                                                const std::vector<std::string>& texts,
                                                const TaskContext& context);
std::shared_ptr<const model::Task> ReadTask(const std::string& name, Section section,
                                            const TaskContext& context);

}  // namespace llmbatch::config
