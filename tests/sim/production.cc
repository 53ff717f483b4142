// World, second part: what producers write.
#include <utility>

#include "json/writer.h"
#include "sim/world.h"

namespace llmbatch::sim {
namespace {

constexpr base::Duration kProductionTime = std::chrono::seconds(20);
constexpr std::string_view kMalformed[] = {"",
                                           "{",
                                           "[]",
                                           R"({"kind":"item"})",
                                           R"({"kind":"item","id":"","task":"label","text":"x"})",
                                           "\xff\xfe",
                                           R"({"kind":"nonsense"})",
                                           R"({"kind":"item","id":1,"task":"label","text":"x"})"};

}  // namespace

std::string World::MakeItem(const std::string& id, bool with_task, const std::string& job_id) {
  constexpr std::uint64_t kPopular = 5;
  std::string key = id;
  std::string text = std::string(rng_.Below(120), 'a' + static_cast<char>(rng_.Below(26)));
  if (plan_.cached && rng_.Chance(0.4)) {
    key = kPopularKey + std::to_string(rng_.Below(kPopular));
    text = "as always";
  }
  if (rng_.Below(1000) < plan_.poisonous_items) text = kPoison;
  if (rng_.Below(1000) < plan_.oversize_items) {
    key = id;
    text.clear();
    for (int i = 0; i < 1'500; ++i) text += "word ";
  }
  json::Writer writer;
  writer.BeginObject();
  if (with_task) writer.Key("kind").String("item").Key("task").String("label");
  writer.Key("id").String(id);
  if (!job_id.empty()) writer.Key("job_id").String(job_id);
  writer.Key("input").BeginObject().Key("key").String(key).Key("text").String(text).EndObject();
  if (with_task && rng_.Chance(0.1)) writer.Key("real_time").Bool(true);
  if (with_task && rng_.Chance(0.2))
    writer.Key("priority").Int(static_cast<std::int64_t>(rng_.Below(10)));
  return writer.EndObject().Take();
}

ports::Record World::MakeRecord(int number, Expectation& expectation) {
  const std::string id = "i" + std::to_string(number);
  ports::Record record;
  record.key = id;
  if (rng_.Below(1000) < plan_.malformed_records) {
    expectation.dead_letter = true;
    record.value = std::string(kMalformed[rng_.Below(std::size(kMalformed))]);
    return record;
  }
  if (rng_.Below(1000) >= plan_.jobs) {
    record.value = MakeItem(id, true);
    return record;
  }
  expectation.job = true;
  const int count = static_cast<int>(rng_.Below(12)) + 1;
  const bool form = rng_.Chance(0.4);
  const bool sessions = !form && rng_.Chance(0.3);
  // Fields and sessions have no results of their own.
  expectation.documents = !form && !sessions && rng_.Chance(0.4);
  expectation.items = form || sessions || expectation.documents ? 0 : count;
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job").Key("job_id").String("job-" + id);
  writer.Key("user_id").String("u" + std::to_string(rng_.Below(3)));
  if (expectation.documents) {
    WriteDocuments(writer, id, count);
  } else if (sessions) {
    WriteSessions(writer, id, count);
  } else {
    form ? WriteForm(writer, id, count) : WriteItems(writer, id, count);
  }
  record.value = writer.EndObject().Take();
  return record;
}

void World::WriteItems(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("map").Key("task").String("label").Key("items").BeginArray();
  for (int i = 0; i < count; ++i) writer.Raw(MakeItem(id + "." + std::to_string(i), false));
  writer.EndArray();
}

void World::WriteForm(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("fields").Key("task").String("form");
  writer.Key("max_parallel").Int(static_cast<std::int64_t>(rng_.Below(4)) + 1);
  // A few of the fields are known.
  writer.Key("user_data").BeginObject();
  for (int i = 0; i < count; ++i) {
    if (rng_.Chance(0.2)) writer.Key(id + "." + std::to_string(i)).String("known");
  }
  writer.EndObject().Key("fields").BeginArray();
  for (int i = 0; i < count; ++i) {
    writer.BeginObject().Key("id").String(id + "." + std::to_string(i));
    writer.Key("label").String("label").EndObject();
  }
  writer.EndArray();
}

void World::WriteSessions(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("classification").Key("task").String("sort");
  const auto few = [this] { return static_cast<std::int64_t>(rng_.Below(3)) + 1; };
  writer.Key("config").BeginObject();
  writer.Key("discovery_min_sessions").Int(1).Key("discovery_max_sessions").Int(few());
  writer.Key("discovery_sessions_per_call").Int(few());
  writer.Key("parallel_stream_count").Int(few()).Key("sessions_per_stream").Int(few());
  writer.EndObject().Key("sessions").BeginArray();
  for (int i = 0; i < count; ++i) {
    const std::string name = id + "." + std::to_string(i);
    writer.BeginObject().Key("id").String(name).Key("user_id").String(name);
    writer.Key("transcript").String("t").Key("containment_type").String("agent").EndObject();
  }
  writer.EndArray();
}

void World::WriteDocuments(json::Writer& writer, const std::string& id, int count) {
  const bool compares = rng_.Chance(0.5);
  writer.Key("workflow").String(compares ? "comparison" : "query");
  writer.Key("task").String(compares ? "compare" : "ask");
  if (rng_.Chance(0.3)) writer.Key("force_batch").Bool(true);
  // Each part of a long standard is told with each candidate, so those aren't counted.
  const bool is_long = compares && rng_.Chance(0.2);
  if (compares) {
    writer.Key("standard").BeginObject().Key("id").String("standard");
    if (is_long) {
      writer.Key("ref").String("redis:150 words");
    } else {
      writer.Key("text").String("as agreed");
    }
    writer.EndObject();
  } else {
    writer.Key("question").String("Why?");
  }
  writer.Key(compares ? "candidates" : "documents").BeginArray();
  for (int i = 0; i < count; ++i) {
    const std::string name = (is_long ? "d" : kCounted) + id + "." + std::to_string(i);
    WriteDocument(writer, name);
  }
  writer.EndArray();
}

void World::WriteDocument(json::Writer& writer, const std::string& id) {
  const std::uint64_t words = rng_.Chance(0.2) ? rng_.Below(200) + 1 : rng_.Below(20) + 1;
  writer.BeginObject().Key("id").String(id);
  if (rng_.Chance(0.3)) {
    const char* const place = rng_.Chance(0.5) ? "redis:" : "https://files.example.com/";
    writer.Key("ref").String(place + std::to_string(words) + " words");
  } else {
    std::string text = rng_.Below(1000) < plan_.poisonous_items ? kPoison : "";
    for (std::uint64_t i = 0; i < words; ++i) text += i % 10 == 9 ? "end.\n\n" : "text ";
    writer.Key("text").String(text);
  }
  writer.EndObject();
}

void World::Produce() {
  for (int i = 0; i < plan_.records; ++i) {
    const auto delay = base::Duration(
        static_cast<std::int64_t>(rng_.Unit() * static_cast<double>(kProductionTime.count())));
    ++unwritten_;
    schedule_.After(rng_.Chance(0.3) ? base::Duration::zero() : delay, [this, i] {
      const auto partition =
          static_cast<std::int32_t>(rng_.Below(static_cast<std::uint64_t>(plan_.partitions)));
      if (rng_.Below(1000) < plan_.jobs / 4) {
        --unwritten_;
        return WriteScattered(i, partition);
      }
      Expectation expectation;
      ports::Record record = MakeRecord(i, expectation);
      if (expectation.documents) PlanForJob(partition, record);
      Write(partition, std::move(record), expectation);
    });
  }
}

// It is cancelled, or its message comes once more behind the first one.
void World::PlanForJob(std::int32_t partition, const ports::Record& record) {
  const auto later = [this] {
    return base::Duration(std::chrono::milliseconds(rng_.Below(5'000) + 1));
  };
  if (rng_.Below(1000) < plan_.cancelled_jobs) {
    const auto job = json::Document::Parse(*record.value);
    schedule_.After(later(), [this, id = std::string(job->root().Find("job_id")->AsString()),
                              user = std::string(job->root().Find("user_id")->AsString())] {
      coordinator_.Cancel(id, user);
    });
  }
  if (rng_.Below(1000) < plan_.repeated_jobs) {
    ++unwritten_;
    schedule_.After(later(), [this, partition, record] {
      Write(partition, record, {.dead_letter = false, .job = false, .items = 0});
    });
  }
}

void World::Write(std::int32_t partition, ports::Record record, const Expectation& expectation) {
  --unwritten_;
  const std::int64_t offset = kafka_.Append(partition, std::move(record));
  expected_.emplace(std::pair(partition, offset), expectation);
}

bool World::IsCramped() const {
  const pipeline::Limits& limits = plan_.options.limits;
  return plan_.reloads > 0 || limits.max_pending_bytes < 1 << 20 ||
         (limits.max_span_records < 10'000 && limits.max_open_records < 500);
}

void World::WriteScattered(int number, std::int32_t partition) {
  const std::string id = "i" + std::to_string(number);
  const std::string job_id = "job-" + id;
  const int count = static_cast<int>(rng_.Below(12)) + 1;
  const auto some_time = [this] {
    return base::Duration(std::chrono::milliseconds(rng_.Chance(0.5) ? 0 : rng_.Below(5'000)));
  };
  const auto write = [this, partition, job_id](base::Duration when, std::string value,
                                               const Expectation& expectation) {
    ++unwritten_;
    schedule_.After(when, [this, partition, job_id, value, expectation] {
      ports::Record record;
      record.key = job_id;
      record.value = value;
      Write(partition, std::move(record), expectation);
    });
  };
  // Items may come first, one may be missing, and there may be one too many.
  const base::Duration job_at = rng_.Chance(0.7) ? base::Duration::zero() : some_time();
  const int sent = rng_.Chance(0.1) ? count - 1 : rng_.Chance(0.1) ? count + 1 : count;
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job").Key("job_id").String(job_id);
  writer.Key("user_id").String("u").Key("workflow").String("map").Key("task").String("label");
  writer.Key("item_count").Int(count).EndObject();
  Expectation expectation{.dead_letter = false, .job = true, .items = 0, .members = 0};
  // What had become of items may be lost with Redis' data.
  if (sent >= count && !IsCramped() && plan_.redis_losses == 0) expectation.members = count;
  write(job_at, writer.Take(), expectation);
  for (int i = 0; i < sent; ++i) {
    // With the id of another it is refused, and so is one beyond the count.
    const int name = i == count && rng_.Chance(0.5) ? 0 : i;
    write(some_time(), MakeItem(id + "." + std::to_string(name), true, job_id), {});
  }
}

}  // namespace llmbatch::sim
