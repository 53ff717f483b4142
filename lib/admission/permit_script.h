// The coordinator's side of the global semaphore: the Lua text that Redis runs for each
// SyncPermits.
//
// One hash holds all pools, so they are lost as a whole or not at all, and what is in use is summed
// up from its rows each time: no counter can drift. It has a row for each replica: when its lease
// ends, and for each class of calls (those that need the same pools) what it was granted and has
// given back in total, what it still wants, its ticket in the queue, its priority and since when it
// waits; and for how many users it works. Both totals only grow, and the larger of what Redis and
// the replica remember holds; so a sync may be lost, repeated or late and does no harm. Time is
// Redis' own alone.
//
// A class is granted a call only if each of its pools has room. Who comes first:
//  - the highest level: its priority, and one more for each five seconds of waiting, up to the
//  highest priority that waits;
//  - among those, who holds less than its share of each of its pools: that of a replica is by its
//  users, of all whose replicas want or have permits of the pool;
//  - among those, the oldest ticket. Who has been given some and wants more queues up anew.
// Whoever lacks room in a pool is passed over. But nobody takes what a class of heavy calls finds
// too little of, and one that has waited for half a minute keeps a place in each pool but the first
// one, so that it gets them together some time.
// Each replica that got some is woken by a message.
//
// WARNING: Nothing is granted for `learn_ms` (what replicas hold is entered meanwhile) when Redis
// may know less than they do:
//  - the hash is missing. A first start can't be told from lost data, and guessing wrong would let
//  the calls that run now and the new ones exceed the limit together, so a first start waits as
//  well;
//  - another server process answers than before, which may have lost its last writes;
//  - everyone was silent for longer than a lease and someone held permits: most likely Redis was
//  out of reach;
//  - a replica says that it was out of reach for so long, and nobody else has been heard of. Then
//  what silent replicas held counts for twice `learn_ms` more.
#pragma once

#include <string_view>

namespace llmbatch::admission {

// KEYS[1]  the hash of the pools
// KEYS[2]  hash of the holds, see hold_script.h
// ARGV     1 replica, "<instance>:<start>"; a new start of an instance ends the rows of its earlier
// ones at once
//          2 lease_ms  3 learn_ms  4 run id of the server; "" if it isn't known  5 prefix of the
// channels that replicas are woken by; the replica's name follows it  6 "1": was out of reach
//          7 how many pools  8 users. Of each pool its name, its limit, and "" or, if the limit is
// found by trying, an AdaptiveReport, see adaptive_script.h. Then of each class: its name, which is
// "<pool>+<pool>" or "<pool>+<pool>*<weight>"; granted_known, released_total, want (beyond
// granted_known - released_total), priority
// Answer: [granted total, released total, others waiting, … of each class], [in use, … of each
// pool], live replicas, rank, learn_ms left; the holds, each as "<ms left> <bursts>
// <provider>/<model>"; and [limit, version, what changed it last, … of each adaptive pool].
std::string_view PermitScript();

}  // namespace llmbatch::admission
