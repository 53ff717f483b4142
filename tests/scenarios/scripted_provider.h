// ScriptedProvider: the provider's side of a script. Its task's prompts are JSON lists of items.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "ports/record.h"
#include "scenarios/words.h"

namespace llmbatch::scenarios {

class ScriptedProvider {
 public:
  // The items of a message or document: prompts hide their ids, so that calls know them by their
  // texts.
  void Remember(const std::string& json);
  // The call is open from now on. Returns how it is shown.
  std::string Take(const ports::StartCall& start);
  // Ends the latest call that is open, by the command "answer …", "http …", "timeout", "lost" or
  // "aborted"; `rest` is what stands behind the command's name. nullopt: it is none of these, is
  // wrongly written, or no call is open.
  std::optional<ports::CallCompleted> Answer(const std::string& name, const Words& words,
                                             const std::string& rest);
  // Nobody waits for them any more.
  void DropCalls() { calls_.clear(); }

 private:
  struct OpenCall {
    model::CallId call;
    std::vector<std::pair<std::string, std::string>> items;  // nonce and id
    std::string member;                                      // of a good answer's objects
  };

  std::optional<ports::HttpResponse> ItemsAnswered(const std::string& rest) const;

  std::map<std::string, std::string> id_by_text_;
  std::vector<OpenCall> calls_;
};

}  // namespace llmbatch::scenarios
