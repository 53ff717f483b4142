// What the wire formats have in common: reading turns, finding members, writing short JSON.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "twin/json.h"
#include "twin/wire_format.h"

namespace llmbatch::twin {

bool HasHeader(const Headers& headers, std::string_view name);
// Whether there is such a header, and its value is `prefix` and `value`.
bool HasHeader(const Headers& headers, std::string_view name, std::string_view prefix,
               std::string_view value);
bool EndsWith(std::string_view text, std::string_view end);

// The member at the end of that path of names, or nullptr.
const JsonValue* FindPath(const JsonValue& value, std::initializer_list<const char*> path);
// The same, if it is an object.
const JsonValue* FindObject(const JsonValue& value, std::initializer_list<const char*> path);
std::optional<std::uint64_t> FindCount(const JsonValue& value, const char* name);
bool IsText(const JsonValue* value, std::string_view text);

// A request's body.
base::Result<ModelRequest> ParseRequest(std::string_view body);
// The same with the model that it names.
base::Result<ModelRequest> ParseRequestWithModel(std::string_view body);
// The error names `name`, if it is no list with something in it.
base::Result<const JsonValue*> FindTurns(const JsonValue& body, const char* name);
// Of a content that is a text, or a list of parts with texts.
std::string TextOfContent(const JsonValue* content);
// Counts one message. The last of those by the user is where items are looked for.
void AddTurn(std::string text, bool by_user, ModelRequest& request);

// What is wrong with a schema that promises that every object is closed and, with `all_required`,
// that none of its properties may be missing; empty: nothing.
std::string FaultOfClosedSchema(const JsonValue& schema, bool all_required);

void WriteMember(JsonWriter& writer, const char* name, std::string_view text);
void WriteMember(JsonWriter& writer, const char* name, std::uint64_t number);
// A null for nullptr.
void WriteNullable(JsonWriter& writer, const char* text);

}  // namespace llmbatch::twin
