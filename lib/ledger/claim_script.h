// The script with which replicas look outcomes up in Redis and claim what has none.
#pragma once

#include <string_view>

namespace llmbatch::ledger {

// A ledger key holds an outcome, or a claim: "claim OWNER", or "sent OWNER CALL" once a call that
// is to answer it was sent. An owner is "<instance>:<start>". It lives while its row among the
// permits does, and not if it is an earlier start of the asking replica's instance.
//
// KEYS: the permits, then ledger keys.
// ARGV: operation, owner, lifetime of a claim in milliseconds, call.
//   look_up  gives one value a key: the outcome; 0 if the claim is the asking owner's now; 1 if it
//   is another's;
//            or an array of one, the call in doubt, if the claim is now the asking owner's and a
//            dead one had sent a call
//   sent     turns the owner's claims into sent ones; gives 0
//   release  deletes the owner's claims, sent or not; gives 0
std::string_view ClaimScript();

}  // namespace llmbatch::ledger
