// The coordinator's side of the global semaphore: the Lua text that Redis runs for each
// SyncPermits.
//
// One hash holds the whole pool, so it is lost as a whole or not at all, and what is in use is
// summed up from its rows each time: no counter can drift. It has a row for each replica: when its
// lease ends, what it was granted and has given back in total, what it still wants, its ticket in
// the queue. Both totals only grow, and the larger of what Redis and the replica remember holds; so
// a sync may be lost, repeated or late and does no harm. Time is Redis' own alone.
//
// Free permits go to the oldest ticket among those that hold less than an equal share, and if there
// is none, to the oldest ticket; who has been given some and wants more queues up anew. Each
// replica that got some is woken by a message.
//
// WARNING: Nothing is granted for `learn_ms` (what replicas hold is entered meanwhile) when Redis
// may know less than they do:
//  - the hash is missing. A first start can't be told from lost data, and guessing wrong would let
//  the calls that run
//    now and the new ones exceed the limit together, so a first start waits as well;
//  - another server process answers than before, which may have lost its last writes;
//  - everyone was silent for longer than a lease and someone held permits: most likely Redis was
//  out of reach.
#pragma once

#include <string_view>

namespace llmbatch::admission {

// KEYS[1]  the pool's hash
// KEYS[2]  hash of the holds, see hold_script.h
// ARGV     1 replica, "<instance>:<start>"; a new start of an instance ends the rows of its earlier
// ones at once
//          2 lease_ms  3 granted_known  4 released_total  5 want (beyond granted_known -
//          released_total)  6 limit 7 prefix of the channels that replicas are woken by; the
//          replica's name follows it 8 learn_ms  9 run id of the server; "" if it isn't known
// Answer: integers: granted total, released total, limit, in use, live replicas, others waiting,
// learn_ms left; and the holds, each as "<ms left> <bursts> <provider>/<model>".
std::string_view PermitScript();

}  // namespace llmbatch::admission
