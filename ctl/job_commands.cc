#include "ctl/job_commands.h"

#include <iostream>

#include "ctl/text.h"
#include "json/writer.h"

namespace llmbatch::ctl {

ExitCode Submit(const Session& session, const std::string& topic, const Submission& submission) {
  const auto published = PublishJson(session, topic, submission.key, submission.value);
  if (!published) return Fail(published.error());
  if (session.json) {
    json::Writer writer;
    writer.BeginObject();
    writer.Key("kind").String("submitted");
    writer.Key(submission.is_job ? "job_id" : "id").String(submission.id);
    writer.Key("topic").String(topic);
    writer.Key("items").Int(static_cast<std::int64_t>(submission.items));
    writer.EndObject();
    std::cout << writer.Take() + "\n" << std::flush;
  } else {
    std::cout << "submitted " + std::string(submission.is_job ? "job " : "item ") +
                     Printable(submission.id) + " to " + topic + "\n"
              << std::flush;
  }
  return kExitDone;
}

}  // namespace llmbatch::ctl
