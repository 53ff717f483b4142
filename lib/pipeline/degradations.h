// Degradations: what this replica does without for now, because the coordinator doesn't answer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace llmbatch::pipeline {

// Parts are named as in /status: "permits", "limits", "ledger", "jobs". Belongs to one thread.
class Degradations {
 public:
  // The coordinator was asked for that part. Returns whether the part's state is another one now.
  bool OnAsked(std::string_view part, bool answered, base::Timestamp now);
  // The coordinator answers about something else. Parts that it last failed for some seconds ago
  // are taken for sound until they are tried again: on an idle replica that may be long. Returns
  // them.
  std::vector<std::string> OnAnswers(base::Timestamp now);

  bool any() const { return !failed_at_.empty(); }
  std::vector<std::string> Parts() const;

 private:
  std::map<std::string, base::Timestamp, std::less<>> failed_at_;  // last; of those degraded now
};

}  // namespace llmbatch::pipeline
