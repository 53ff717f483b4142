// The items of a prompt: which were asked, under which id, and what they are about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::twin {

// One object of the prompt's item array.
struct Item {
  std::string id;    // as the prompt names it; another one in every call
  std::string key;   // the same in every call: input.id or input.key, else a hash of `text`
  std::string text;  // the "text", or the "input" as compact JSON
};

inline constexpr std::size_t kMaxItemsPerPrompt = 10'000;

// The first array in `prompt` whose elements are all objects with a string "id" and an "input" or a
// "text". Empty if there is none. Gives up after a bounded number of brackets that begin no JSON.
std::vector<Item> FindItems(std::string_view prompt);

}  // namespace llmbatch::twin
