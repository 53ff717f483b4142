// The coordinator's side of rates and budgets: the Lua text that Redis runs for each ReserveCalls.
// It means the same as LimitBook.
//
// One hash holds all rates: for each, the microsecond of Redis' clock until which it is used up.
// A budget is a hash of its own that runs out: a row for each replica, with what it has spent and
// what it has reserved. A row is its replica's to write: each command says what it should be, so
// that a lost answer, a repetition or lost data is put right by the next one. A new start of an
// instance adds the rows of its earlier ones up under "past": what they had reserved counts as
// spent, for the calls may have been billed.
//
// A row that wasn't told for half a minute has spent what it had reserved, until it is told again.
//
// WARNING: No budget is granted anything for `learn_ms`, and the epoch changes so that all replicas
// tell what they have spent, when Redis may know less than they do: the hash of the budgets'
// epoch is missing, or another server process answers than before. What replicas that are gone have
// spent is then forgotten. Rates that are lost begin anew, with a burst at the most.
#pragma once

#include <string_view>

namespace llmbatch::admission {

// KEYS[1]  hash of the rates
// KEYS[2]  hash of the budgets' epoch
// ARGV     1 replica, "<instance>:<start>"  2 run id of the server; "" if it isn't known  3
// learn_ms
//          4 horizon in µs  5 burst in µs  6 prefix of the budgets' keys; a budget's name follows
//          it
// then     how many limits, and of each: "r" or "b", name, size, spent, reserved, keep_ms
//          how many corrections, and of each: place of the limit from 1, amount
//          how many remaining, and of each: the same
//          how many calls, and of each: how many charges, and of each: the same
// Answer: integers: epoch, then the use of each limit, then of each call: 0 later, 1 booked or 2
// exhausted; the wait in µs; the place of the limit from 1.
std::string_view LimitScript();

}  // namespace llmbatch::admission
