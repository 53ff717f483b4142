// Tally: what the demo has seen come back so far.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "model/money.h"
#include "ports/record.h"

namespace llmbatch::demo {

struct JobProgress {
  int percent = 0;
  std::int64_t done = 0;
  std::int64_t total = 0;
  bool ended = false;
};

class Tally {
 public:
  // Reads one record of the results or progress topic.
  void Read(const ports::Record& record);

  std::int64_t results() const { return static_cast<std::int64_t>(seen_.size()); }
  const std::map<std::string, std::int64_t>& by_status() const { return by_status_; }
  const std::map<std::string, JobProgress>& jobs() const { return jobs_; }
  // How often each topic of conversation was found: the answers themselves, counted.
  const std::map<std::string, std::int64_t>& by_topic() const { return by_topic_; }
  std::int64_t batches() const { return static_cast<std::int64_t>(batches_.size()); }
  std::int64_t input_tokens() const { return input_tokens_; }
  std::int64_t output_tokens() const { return output_tokens_; }
  model::NanoUsd cost() const { return cost_; }
  std::int64_t jobs_ended() const;

 private:
  void ReadItem(std::string_view text);
  void ReadProgress(std::string_view text);

  std::set<std::string> seen_;  // llmbatch-id: a repeat counts once
  std::set<std::string> batches_;
  std::map<std::string, std::int64_t> by_status_;
  std::map<std::string, std::int64_t> by_topic_;
  std::map<std::string, JobProgress> jobs_;
  std::int64_t input_tokens_ = 0;
  std::int64_t output_tokens_ = 0;
  model::NanoUsd cost_;
};

}  // namespace llmbatch::demo
