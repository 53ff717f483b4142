// Company: what steps of one job that share a prompt have in common.
#pragma once

#include <string>

namespace llmbatch::model {

struct Company {
  // Only steps of the same job with the same name share a prompt, and it waits for no others.
  std::string name;
  std::string context_json;  // {{context_json}} of the prompt; empty: none
};

}  // namespace llmbatch::model
