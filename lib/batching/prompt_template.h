// PromptTemplate: a task's system and user text as mustache templates, ready to be filled with the
// items of a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/item.h"
#include "model/task.h"

namespace llmbatch::batching {

struct PromptItem {
  std::string_view nonce;  // stands for the item's id in the prompt and in the answer
  const model::ItemInput* input = nullptr;
};

struct Prompt {
  std::string system;
  std::string user;
};

// Variables: {{items_json}}, the section {{#items}}{{id}} {{text}} {{input_json}}{{/items}},
// {{item_count}}, {{context_json}}, {{schema_json}} and the task's own. Nothing is HTML-escaped,
// and items are never read as templates. Belongs to one thread.
class PromptTemplate {
 public:
  // The error names the key ("system" or "prompt") and what is wrong: bad syntax, an unknown
  // variable, or no place for the items.
  static base::Result<PromptTemplate> Compile(const model::Task& task);

  PromptTemplate(PromptTemplate&&) noexcept;
  PromptTemplate& operator=(PromptTemplate&&) noexcept;
  ~PromptTemplate();

  // `context_json` is what all items of the batch have in common; empty: nothing.
  Prompt Render(std::span<const PromptItem> items, std::string_view context_json = {}) const;

 private:
  struct Impl;
  explicit PromptTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// An item's input as it stands in items_json: a JSON value, or a JSON string for a text.
std::string InputAsJson(const model::ItemInput& input);

}  // namespace llmbatch::batching
