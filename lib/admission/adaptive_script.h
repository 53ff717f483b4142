// AdaptiveLimit in Lua: the part of the permit script that finds limits by trying.
//
// A field of the pools' hash, "adaptive:<pool>", has thirteen whole numbers: the members of
// AdaptiveLimit in their order. Time is Redis' own.
#pragma once

#include <string_view>

namespace llmbatch::admission {

// Defines, in the script that it stands before:
//  read_report(text)                   an AdaptiveReport: "least most known version answers
//                                      answer_ms refused held_ms slow refused_ago_ms"
//  read_adaptive(text, report, now, back)  the field's value as a table; `back` is how far the
//                                      clock was set back
//  write_adaptive(limit)               the other way round
//  adaptive_on_report(limit, report, used, now), adaptive_on_full(limit, report, live, now)
//                                      as in AdaptiveLimit
std::string_view AdaptiveScript();

}  // namespace llmbatch::admission
