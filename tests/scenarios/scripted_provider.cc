#include "scenarios/scripted_provider.h"

#include <utility>

#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::scenarios {
namespace {

// Without a text there is no choice.
ports::HttpResponse Completion(std::optional<std::string_view> text,
                               std::string_view finish_reason = "stop") {
  json::Writer writer;
  writer.BeginObject().Key("choices").BeginArray();
  if (text) {
    writer.BeginObject().Key("index").Int(0).Key("finish_reason").String(finish_reason);
    writer.Key("message").BeginObject().Key("role").String("assistant");
    writer.Key("content").String(*text).EndObject().EndObject();
  }
  writer.EndArray().Key("usage").BeginObject();
  writer.Key("prompt_tokens").Int(100).Key("completion_tokens").Int(10).EndObject().EndObject();
  return {.status = 200, .headers = {}, .body = writer.Take()};
}

// What an answer about such an input has.
std::string MemberFor(json::Value input) {
  if (input.Find("transcript")) return "generalIntent";
  return input.Find("classifications") ? "groups" : "value";
}

// What a step is told by that isn't an item.
std::string NameOf(json::Value input) {
  for (const std::string_view name : {"id", "kind", "question"}) {
    if (const auto found = input.Find(name)) return std::string(found->AsString());
  }
  return "?";
}

// "429 retry-after 2", "500", "400 content_filter".
std::optional<ports::HttpResponse> HttpAnswer(const Words& words) {
  const auto status = words.empty() ? std::nullopt : ToNumber(words[0]);
  if (!status) return std::nullopt;
  ports::HttpResponse response{.status = static_cast<int>(*status), .headers = {}, .body = {}};
  const std::string retry_after = Value(words, "retry-after");
  if (!retry_after.empty())
    response.headers.push_back({.name = "retry-after", .value = retry_after});
  if (const std::int64_t tokens = Number(words, "tokens", 0); tokens > 0) {
    response.body = R"({"error":{"message":"This model's maximum context length is exceeded: your )"
                    R"(messages resulted in )" +
                    std::to_string(tokens) + R"( tokens."}})";
  } else if (words.size() == 2) {
    response.body = R"({"error":{"message":"simulated","type":"invalid_request_error","code":")" +
                    words[1] + R"("}})";
  }
  return response;
}

std::optional<ports::TransportFault> FaultOf(const std::string& name) {
  if (name == "timeout") return ports::TransportFault::kTimeout;
  if (name == "lost") return ports::TransportFault::kConnectionLost;
  if (name == "aborted") return ports::TransportFault::kAborted;
  return std::nullopt;
}

}  // namespace

void ScriptedProvider::Remember(const std::string& json) {
  const auto document = json::Document::Parse(json);
  if (!document) return;
  const auto remember = [this](json::Value item) {
    const auto id = item.Find("id");
    const auto text = item.Find("text");
    if (!id || !id->is(json::Kind::kString) || !text || !text->is(json::Kind::kString)) return;
    id_by_text_.insert_or_assign(std::string(text->AsString()), std::string(id->AsString()));
  };
  remember(document->root());
  const auto prompts = document->root().Find("prompts");
  for (std::size_t i = 0; prompts && i < prompts->size(); ++i) {
    const std::string prompt(prompts->At(i).AsString());
    id_by_text_.insert_or_assign(prompt, prompt);
  }
  const auto items = document->root().Find("items");
  for (std::size_t i = 0; items && i < items->size(); ++i) remember(items->At(i));
}

std::string ScriptedProvider::Take(const ports::StartCall& start) {
  OpenCall call{.call = start.call, .items = {}, .member = "label"};
  const auto request = json::Document::Parse(start.request.body);
  const json::Value messages = *request->root().Find("messages");
  const auto prompt =
      json::Document::Parse(messages.At(messages.size() - 1).Find("content")->AsString());
  std::string line = "call " + std::to_string(start.call.value) + " to " + start.request.provider +
                     "/" + std::string(request->root().Find("model")->AsString()) + ":";
  for (std::size_t i = 0; i < prompt->root().size(); ++i) {
    const json::Value item = prompt->root().At(i);
    const auto text = item.Find("text");
    const auto input = item.Find("input");
    if (input) call.member = MemberFor(*input);
    const std::string id = text ? id_by_text_[std::string(text->AsString())] : NameOf(*input);
    call.items.emplace_back(item.Find("id")->AsString(), id);
    line += " " + id;
  }
  // Beside the system's text and the prompt.
  if (messages.size() > 2) line += " after " + std::to_string(messages.size() - 2) + " turns";
  calls_.push_back(std::move(call));
  return line;
}

std::optional<ports::CallCompleted> ScriptedProvider::Answer(const std::string& name,
                                                             const Words& words,
                                                             const std::string& rest) {
  if (calls_.empty()) return std::nullopt;
  ports::CallCompleted ended{.call = calls_.back().call, .outcome = ports::HttpResponse{}};
  if (const auto fault = FaultOf(name)) {
    ended.outcome =
        ports::TransportFailure{.fault = *fault, .maybe_processed = true, .message = "simulated"};
  } else {
    auto response = name == "answer" ? ItemsAnswered(rest)
                    : name == "http" ? HttpAnswer(words)
                                     : std::nullopt;
    if (!response) return std::nullopt;
    ended.outcome = *std::move(response);
  }
  calls_.pop_back();
  return ended;
}

// "", "missing b", "wrong b", "text …", "cut-off", "refused", "none".
std::optional<ports::HttpResponse> ScriptedProvider::ItemsAnswered(const std::string& rest) const {
  const std::string_view text(rest);
  if (text.starts_with("text ")) return Completion(text.substr(5));
  if (text == "cut-off") return Completion(R"({"results":[{"id":)", "length");
  if (text == "refused") return Completion("", "content_filter");
  if (text == "none") return Completion(std::nullopt);
  const std::string missing = text.starts_with("missing ") ? rest.substr(8) : std::string();
  const std::string wrong = text.starts_with("wrong ") ? rest.substr(6) : std::string();
  if (!rest.empty() && missing.empty() && wrong.empty()) return std::nullopt;
  json::Writer writer;
  writer.BeginObject().Key("results").BeginArray();
  const std::string& member = calls_.back().member;
  for (const auto& [nonce, id] : calls_.back().items) {
    if (id == missing) continue;
    writer.BeginObject().Key("id").String(nonce).Key(member);
    if (id == wrong) {
      writer.Int(7);
    } else if (member == "groups") {
      writer.BeginArray().EndArray();
    } else {
      writer.String(member + " of " + id);
    }
    writer.EndObject();
  }
  return Completion(writer.EndArray().EndObject().Take());
}

}  // namespace llmbatch::scenarios
