#include "kafka/records.h"

#include <librdkafka/rdkafka.h>

#include <string>

namespace llmbatch::kafka {
namespace {

std::optional<std::string> Bytes(const void* data, std::size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

std::vector<model::Header> HeadersOf(const rd_kafka_message_t& message) {
  std::vector<model::Header> headers;
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
  headers.reserve(rd_kafka_header_cnt(list));
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    headers.push_back({.name = name, .value = Bytes(value, size).value_or("")});
  }
  return headers;
}

}  // namespace

ports::Record ToRecord(const rd_kafka_message_s& message) {
  return ports::Record{
      .partition = {.topic = rd_kafka_topic_name(message.rkt), .partition = message.partition},
      .offset = message.offset,
      .key = Bytes(message.key, message.key_len),
      .value = Bytes(message.payload, message.len),
      .headers = HeadersOf(message)};
}

std::int64_t SizeOf(const ports::Record& record) {
  std::size_t size = sizeof(record);
  if (record.key) size += record.key->size();
  if (record.value) size += record.value->size();
  for (const model::Header& header : record.headers) {
    size += sizeof(header) + header.name.size() + header.value.size();
  }
  return static_cast<std::int64_t>(size);
}

}  // namespace llmbatch::kafka
