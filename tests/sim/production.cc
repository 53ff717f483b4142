// World, second part: what producers write.
#include <utility>

#include "json/writer.h"
#include "sim/world.h"
#include "wire/command.h"

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
  std::string id = "i" + std::to_string(number);
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
  const bool chooses = choices_.Below(1000) < plan_.choosing_jobs;
  // By this the provider knows its items.
  if (chooses) id = kChosenRoute + std::to_string(number);
  record.key = id;
  const int count = static_cast<int>(rng_.Below(12)) + 1;
  const bool form = rng_.Chance(0.4);
  const bool sessions = !form && rng_.Chance(0.3);
  // Fields and sessions have no results of their own.
  expectation.documents = !form && !sessions && rng_.Chance(0.4);
  expectation.items = form || sessions || expectation.documents ? 0 : count;
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job").Key("job_id").String("job-" + id);
  writer.Key("user_id").String("u" + std::to_string(rng_.Below(3)));
  if (chooses) writer.Key("model_selection").String(kChosenRoute);
  if (choices_.Chance(0.15)) {
    expectation = {.job = true, .items = 0, .members = count};
    WriteChain(writer, id, count);
  } else if (expectation.documents) {
    WriteDocuments(writer, id, count);
  } else if (sessions) {
    WriteSessions(writer, id, count);
  } else if (form) {
    WriteForm(writer, id, count);
  } else if (!WriteItems(writer, id, count)) {
    expectation.may_lack_items =
        plan_.fetches_fail() || plan_.cancelled_jobs + plan_.retried_jobs > 0;
  }
  record.value = writer.EndObject().Take();
  return record;
}

bool World::WriteItems(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("map").Key("task").String("label");
  std::vector<std::string> items;
  for (int i = 0; i < count; ++i) items.push_back(MakeItem(id + "." + std::to_string(i), false));
  return WriteOrRefer(writer, "items", id, items);
}

bool World::WriteOrRefer(json::Writer& writer, const std::string& member, const std::string& id,
                         const std::vector<std::string>& elements) {
  const bool refers = choices_.Below(1000) < plan_.referring_jobs;
  if (!refers) {
    writer.Key(member).BeginArray();
    for (const std::string& each : elements) writer.Raw(each);
    writer.EndArray();
    return true;
  }
  std::string lines;
  for (const std::string& each : elements) lines += each + "\n";
  coordinator_.KeepText(member + "-of-" + id, std::move(lines));
  const char* const place = choices_.Chance(0.5) ? "redis:" : "https://files.example.com/";
  writer.Key(member + "_ref").String(place + member + "-of-" + id);
  return false;
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

void World::WriteChain(json::Writer& writer, const std::string& id, int units) {
  writer.Key("workflow").String("chain").Key("task").String("plan").Key("goal").String(id);
  writer.Key("total_units").Int(units);
  writer.Key("units_per_batch").Int(static_cast<std::int64_t>(choices_.Below(4)) + 1);
  writer.Key("window").Int(static_cast<std::int64_t>(choices_.Below(3)));
}

void World::WriteSessions(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("classification").Key("task").String("sort");
  const auto few = [this] { return static_cast<std::int64_t>(rng_.Below(3)) + 1; };
  writer.Key("config").BeginObject();
  writer.Key("discovery_min_sessions").Int(1).Key("discovery_max_sessions").Int(few());
  writer.Key("discovery_sessions_per_call").Int(few());
  writer.Key("parallel_stream_count").Int(few()).Key("sessions_per_stream").Int(few());
  writer.EndObject();
  std::vector<std::string> sessions;
  for (int i = 0; i < count; ++i) {
    const std::string name = id + "." + std::to_string(i);
    json::Writer session;
    session.BeginObject().Key("id").String(name).Key("user_id").String(name);
    session.Key("transcript").String("t").Key("containment_type").String("agent").EndObject();
    sessions.push_back(session.Take());
  }
  WriteOrRefer(writer, "sessions", id, sessions);
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
      if (expectation.job) PlanForJob(partition, record, expectation);
      Write(partition, std::move(record), expectation);
    });
  }
}

// It is cancelled, perhaps retried, or its message comes once more behind the first one.
void World::PlanForJob(std::int32_t partition, const ports::Record& record,
                       const Expectation& expectation) {
  const auto later = [](base::Rng& rng) {
    return base::Duration(std::chrono::milliseconds(rng.Below(5'000) + 1));
  };
  const auto job = json::Document::Parse(*record.value);
  const std::string id(job->root().Find("job_id")->AsString());
  const std::string user(job->root().Find("user_id")->AsString());
  base::Rng& rng = expectation.documents ? rng_ : choices_;
  const bool retried = choices_.Below(1000) < plan_.retried_jobs;
  if (retried && choices_.Chance(0.7)) {
    cancelled_half_done_.emplace(id, user);
  } else if (rng.Below(1000) < plan_.cancelled_jobs || retried) {
    schedule_.After(later(rng), [this, id, user] { coordinator_.Cancel(id, user); });
  }
  if (retried) {
    constexpr int kTries = 300;
    ++unwritten_;
    schedule_.After(later(choices_),
                    [this, id, user, expectation] { PlanRetry(id, user, expectation, kTries); });
  }
  if (!expectation.documents) return;
  if (rng_.Below(1000) < plan_.repeated_jobs) {
    ++unwritten_;
    schedule_.After(later(rng_), [this, partition, record] {
      Write(partition, record, {.dead_letter = false, .job = false, .items = 0});
    });
  }
}

// As whoever reads the command does it, once the job has ended.
void World::PlanRetry(const std::string& job_id, const std::string& user_id,
                      const Expectation& expectation, int tries) {
  using State = ports::CommandedJob::State;
  const ports::CommandedJob job = coordinator_.Retry(job_id, user_id);
  if (job.state != State::kDone) {
    if (tries == 0 || job.status == model::JobStatus::kCompleted) {
      --unwritten_;
      return;
    }
    schedule_.After(std::chrono::seconds(2), [this, job_id, user_id, expectation, tries] {
      PlanRetry(job_id, user_id, expectation, tries - 1);
    });
    return;
  }
  ports::Record record;
  record.key = RetryOf(job_id);
  record.value = *wire::EncodeRetry(job.request, *record.key);
  record.headers = {{.name = "llmbatch-origin", .value = job.identity}};
  Index();
  retries_.emplace(*record.key,
                   Retry{.known = answers_[job_id], .may_lack_items = expectation.may_lack_items});
  const auto partition =
      static_cast<std::int32_t>(choices_.Below(static_cast<std::uint64_t>(plan_.partitions)));
  Write(partition, std::move(record), expectation);
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
