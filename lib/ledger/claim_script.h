// The script with which replicas look outcomes up in Redis, claim what has none, and store them.
#pragma once

#include <string_view>

namespace llmbatch::ledger {

// A ledger key holds an outcome, or a claim: "claim OWNER", or "sent OWNER CALL" once a call that
// is to answer it was sent. An owner is "<instance>:<start>". It lives while its row among the
// permits does, and not if it is an earlier start of the asking replica's instance.
//
// KEYS: the permits, then ledger keys.
// ARGV: operation, owner, lifetime of the claim or outcome in milliseconds, call, outcome, and the
//   one that it replaces, if any.
//   look_up  gives one value a key: the outcome; 0 if the claim is the asking owner's now; 1 if it
//   is another's;
//            or an array of one, the call in doubt, if the claim is now the asking owner's and a
//            dead one had sent a call
//   sent     turns the owner's claims into sent ones; gives 0
//   release  deletes the owner's claims, sent or not; gives 0
//   store    keeps the outcome of the one key, unless it has another one than is to be replaced,
//   or another owner that lives claims it; gives 0
std::string_view ClaimScript();

}  // namespace llmbatch::ledger
