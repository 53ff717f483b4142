// What holds providers, for all replicas: the Lua text that Redis runs for each HoldRoute.
//
// One hash has a field for each provider and model, and for each provider whose breaker is open:
// "<end in ms of Redis' clock> <bursts>". Who listens is told at once, and whoever syncs permits is
// told what still holds.
#pragma once

#include <string_view>

namespace llmbatch::admission {

// KEYS[1]  hash of the holds
// ARGV[1]  "<provider>/<model>", "<provider>/"
// ARGV[2]  ms from now
// ARGV[3]  bursts; 0: it is over
// ARGV[4]  channel that all replicas listen to
// Message  "<ms left> <bursts> <provider>/<model>"
std::string_view HoldScript();

}  // namespace llmbatch::admission
