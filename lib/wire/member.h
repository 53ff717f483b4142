// What a job's record keeps of an item that came in a message of its own and has ended, as a text
// that a later version can still read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/result.h"

namespace llmbatch::wire {

struct Member {
  std::string identity;      // of the item's message
  model::ItemResult result;  // without task and job_id, which are the job's
};

std::string EncodeMember(const Member& member);

// Reads what EncodeMember wrote. Whatever else it is given is an error that names the field.
base::Result<Member> DecodeMember(std::string_view text);

}  // namespace llmbatch::wire
