// Item: one unit of input with an id, as a producer sent it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/money.h"

namespace llmbatch::model {

// A message header. Values are bytes.
struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

struct ItemInput {
  enum class Kind { kJson, kText };
  Kind kind = Kind::kText;
  // kJson: a valid JSON text. kText: UTF-8 as it is.
  std::string value;

  friend bool operator==(const ItemInput&, const ItemInput&) = default;
};

inline constexpr int kDefaultPriority = 5;

struct Item {
  std::string id;  // the user's: echoed, never trusted to be unique
  std::string task;
  ItemInput input;
  std::string user_id;              // empty: none given
  std::string job_id;               // empty: an item of its own
  int priority = kDefaultPriority;  // 0–9, higher first
  std::optional<base::WallTime> deadline;
  bool real_time = false;
  std::optional<NanoUsd> max_cost;
  std::string metadata_json;  // a JSON object, echoed; empty: none given

  friend bool operator==(const Item&, const Item&) = default;
};

}  // namespace llmbatch::model
