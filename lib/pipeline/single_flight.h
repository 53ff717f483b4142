// SingleFlight: of the requests of this process that want the same outcome, one works for it and
// the others wait.
//
// The same record may be read again while its first delivery is still being answered: after a
// rebalance that gave the partition back, or when a dead letter is replayed twice. Across replicas
// the claims in the ledger do the same. Belongs to one thread.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/ids.h"

namespace llmbatch::pipeline {

class SingleFlight {
 public:
  // True if the request is the first with this ledger key: it leads, until Land(). Else it follows.
  bool Enter(const std::string& ledger_key, model::RequestId request);
  // The leader has come to an end. Returns those who followed, in the order they came; they may
  // have been given up since.
  std::vector<model::RequestId> Land(const std::string& ledger_key);

  std::size_t size() const { return followers_.size(); }

 private:
  std::unordered_map<std::string, std::vector<model::RequestId>> followers_;
};

}  // namespace llmbatch::pipeline
