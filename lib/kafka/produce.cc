#include "kafka/produce.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>
#include <vector>

#include "kafka/errors.h"

namespace llmbatch::kafka {
namespace {

// librdkafka takes it as writable, and only reads.
decltype(rd_kafka_vu_t{}.u.mem) BytesOf(const std::string& bytes) {
  return {.ptr = const_cast<char*>(bytes.data()), .size = bytes.size()};
}

}  // namespace

base::Result<ClientHandle> MakeProducer(const Connection& connection, const Settings& settings,
                                        const std::string& what, Reporter& reporter) {
  auto conf = MakeConf(connection, settings);
  if (!conf) return conf.error();
  reporter.Listen(**conf);
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  std::array<char, 512> reason{};
  ClientHandle client(rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), reason.data(), reason.size()));
  if (!client) return WhyNoClient(what, reason.data());
  static_cast<void>(conf->release());  // rd_kafka_new took it
  return client;
}

int Produce(rd_kafka_s& producer, const ports::Message& message, void* opaque, Copying copying) {
  // Key and headers are copied in any case.
  std::vector<rd_kafka_vu_t> arguments(5 + message.headers.size());
  rd_kafka_vu_t* next = arguments.data();
  next->vtype = RD_KAFKA_VTYPE_TOPIC;
  next++->u.cstr = message.topic.c_str();
  next->vtype = RD_KAFKA_VTYPE_OPAQUE;
  next++->u.ptr = opaque;
  next->vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  next++->u.i = copying == Copying::kValue ? RD_KAFKA_MSG_F_COPY : 0;
  next->vtype = RD_KAFKA_VTYPE_KEY;
  if (message.key) next->u.mem = BytesOf(*message.key);
  ++next;
  next->vtype = RD_KAFKA_VTYPE_VALUE;
  if (message.value) next->u.mem = BytesOf(*message.value);
  ++next;
  for (const model::Header& header : message.headers) {
    next->vtype = RD_KAFKA_VTYPE_HEADER;
    next++->u.header = {.name = header.name.c_str(),
                        .val = header.value.data(),
                        .size = static_cast<ssize_t>(header.value.size())};
  }
  const ErrorHandle error(rd_kafka_produceva(&producer, arguments.data(), arguments.size()));
  return error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace llmbatch::kafka
