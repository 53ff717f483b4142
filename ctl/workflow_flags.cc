#include "ctl/workflow_flags.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/lines.h"
#include "json/value.h"

namespace llmbatch::ctl {
namespace {

struct Given {
  std::string_view flag;
  std::string_view workflows;  // that have it, parted by " or "
  bool is_given;
};

std::vector<Given> AllFlags(const WorkflowFlags& flags) {
  return {{"--field", "fields", !flags.fields.empty()},
          {"--user-data", "fields", !flags.user_data.empty()},
          {"--context", "fields", !flags.context.empty()},
          {"--max-parallel", "fields", flags.max_parallel.has_value()},
          {"--standard", "comparison", !flags.standard.empty()},
          {"--candidate", "comparison", !flags.candidates.empty()},
          {"--mode", "comparison", !flags.mode.empty()},
          {"--question", "query", !flags.question.empty()},
          {"--document", "query", !flags.documents.empty()},
          {"--force-batch", "comparison or query", flags.force_batch},
          {"--sessions", "classification", !flags.sessions.empty()},
          {"--sessions-ref", "classification", !flags.sessions_ref.empty()},
          {"--total-units", "chain", flags.total_units.has_value()},
          {"--units-per-batch", "chain", flags.units_per_batch.has_value()},
          {"--goal", "chain", !flags.goal.empty()},
          {"--unit-schema", "chain", !flags.unit_schema.empty()},
          {"--prompt", "chain", !flags.prompts.empty()}};
}

base::Error In(const std::string& flag, const std::string& what) {
  return base::Invalid(flag + ": " + what);
}

class FlagWriter {
 public:
  FlagWriter(json::Writer& writer, const ReadFile& read_file)
      : writer_(writer), read_file_(read_file) {}

  void Number(const char* name, const std::optional<int>& number) {
    if (number) writer_.Key(name).Int(*number);
  }

  // A JSON object, or a text.
  void ObjectOrText(const char* name, const std::string& text) {
    if (text.empty()) return;
    writer_.Key(name);
    const auto document = json::Document::Parse(text);
    const bool is_object = document && document->root().is(json::Kind::kObject);
    is_object ? writer_.Raw(document->root().ToJson()) : writer_.String(text);
  }

  void ObjectOf(const char* name, const std::string& flag, const std::string& path) {
    if (path.empty()) return;
    const auto text = Read(flag, path);
    if (error_) return;
    const auto document = json::Document::Parse(text);
    if (!document || !document->root().is(json::Kind::kObject))
      return Note(In(flag, path + " has no JSON object in it"));
    writer_.Key(name).Raw(document->root().ToJson());
  }

  void Fields(const std::vector<std::string>& fields) {
    if (fields.empty()) return;
    writer_.Key("fields").BeginArray();
    for (const std::string& field : fields) {
      const std::size_t equals = field.find('=');
      if (equals == std::string::npos || equals == 0) {
        Note(In("--field", "must be ID=LABEL: " + field));
        continue;
      }
      writer_.BeginObject().Key("id").String(field.substr(0, equals));
      writer_.Key("label").String(field.substr(equals + 1)).EndObject();
    }
    writer_.EndArray();
  }

  void Sessions(const std::string& path) {
    if (path.empty()) return;
    const std::string text = Read("--sessions", path);
    if (error_) return;
    writer_.Key("sessions");
    const auto list = json::Document::Parse(text);
    if (list && list->root().is(json::Kind::kArray)) {
      writer_.Raw(list->root().ToJson());
      return;
    }
    writer_.BeginArray();
    base::LineReader lines(text);
    while (const auto line = lines.Next()) {
      if (base::IsBlank(line->text)) continue;
      const auto session = json::Document::Parse(line->text);
      if (!session || !session->root().is(json::Kind::kObject)) {
        Note(In("--sessions",
                path + ": line " + std::to_string(line->number) + " is no JSON object"));
        continue;
      }
      writer_.Raw(session->root().ToJson());
    }
    writer_.EndArray();
  }

  void Documents(const char* name, const std::string& flag,
                 const std::vector<std::string>& documents) {
    if (documents.empty()) return;
    writer_.Key(name).BeginArray();
    for (const std::string& each : documents) Document(flag, each);
    writer_.EndArray();
  }

  void Document(const std::string& flag, const std::string& given) {
    std::string id;
    std::string place = given;
    // What is behind a slash or a colon is of a path or URL.
    const std::size_t equals = given.find('=');
    if (equals != std::string::npos && equals < given.find_first_of("/:")) {
      id = given.substr(0, equals);
      place = given.substr(equals + 1);
    }
    const bool is_reference = place.starts_with("redis:") || place.starts_with("https://");
    writer_.BeginObject().Key("id").String(id.empty() ? NameOf(place) : id);
    if (is_reference) {
      writer_.Key("ref").String(place);
    } else {
      writer_.Key("text").String(Read(flag, place));
    }
    writer_.EndObject();
  }

  void Texts(const char* name, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    writer_.Key(name).BeginArray();
    for (const std::string& text : texts) writer_.String(text);
    writer_.EndArray();
  }

  base::Result<void> Take() { return error_ ? base::Result<void>(*error_) : base::Result<void>(); }

 private:
  // The last part of a path, a URL or a key.
  static std::string NameOf(std::string_view place) {
    if (place.starts_with("https://")) place = place.substr(0, place.find_first_of("?#"));
    while (place.ends_with('/')) place.remove_suffix(1);
    const std::size_t end = place.find_last_of("/:");
    return std::string(end == std::string_view::npos ? place : place.substr(end + 1));
  }

  std::string Read(const std::string& flag, const std::string& path) {
    auto text = read_file_(path);
    if (text) return *std::move(text);
    Note(In(flag, text.error().message));
    return {};
  }

  void Note(base::Error error) {
    if (!error_) error_ = std::move(error);
  }

  json::Writer& writer_;
  const ReadFile& read_file_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<void> WriteWorkflow(json::Writer& writer, std::string_view workflow,
                                 const WorkflowFlags& flags, const ReadFile& read_file) {
  for (const Given& each : AllFlags(flags)) {
    if (!each.is_given || each.workflows.find(workflow) != std::string_view::npos) continue;
    return In(std::string(each.flag), "is for jobs of " + std::string(each.workflows) +
                                          ", and the task's workflow is " + std::string(workflow));
  }
  FlagWriter to(writer, read_file);
  to.Fields(flags.fields);
  to.ObjectOf("user_data", "--user-data", flags.user_data);
  to.ObjectOrText("context", flags.context);
  to.Number("max_parallel", flags.max_parallel);
  if (!flags.standard.empty()) {
    writer.Key("standard");
    to.Document("--standard", flags.standard);
  }
  to.Documents("candidates", "--candidate", flags.candidates);
  if (!flags.mode.empty()) writer.Key("mode").String(flags.mode);
  if (!flags.question.empty()) writer.Key("question").String(flags.question);
  to.Documents("documents", "--document", flags.documents);
  if (flags.force_batch) writer.Key("force_batch").Bool(true);
  to.Sessions(flags.sessions);
  if (!flags.sessions_ref.empty()) writer.Key("sessions_ref").String(flags.sessions_ref);
  to.Number("total_units", flags.total_units);
  to.Number("units_per_batch", flags.units_per_batch);
  to.ObjectOrText("goal", flags.goal);
  to.ObjectOf("unit_schema", "--unit-schema", flags.unit_schema);
  to.Texts("prompts", flags.prompts);
  return to.Take();
}

}  // namespace llmbatch::ctl
