"""The topics of one deployment: made, written and read by a client that is not the daemon's."""

import dataclasses
import json
import time
import uuid
import zlib

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from .kafka import MAX_MESSAGE_BYTES


@dataclasses.dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict

    @property
    def json(self):
        return json.loads(self.value)

    @property
    def message_id(self):
        """What the daemon identifies its messages by; the same for a repeat after a crash."""
        return self.headers["llmbatch-id"]


class Topics:
    """Topics with names of their own, so that deployments on one broker never meet."""

    NAMES = ("requests", "control", "results", "progress", "dead-letters")

    def __init__(self, kafka, partitions=4):
        self._kafka = kafka
        self._suffix = uuid.uuid4().hex[:8]
        self.partitions = partitions
        for name in self.NAMES:
            # With a sticky assignor as many partitions for commands could leave a replica without requests.
            self.create(self.name(name), 1 if name == "control" else partitions)
        self.requests = self.name("requests")
        self.control = self.name("control")
        self.results = self.name("results")
        self.progress = self.name("progress")
        self.dead_letters = self.name("dead-letters")
        self.group = f"llmbatchd-{self._suffix}"
        self._producer = None
        # Of the daemon's group, but never subscribed: it looks at offsets and is no member.
        self._observer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": self.group, "log_level": 0})

    def name(self, short):
        return f"llm.{short}.{self._suffix}"

    def key_in(self, wanted, prefix):
        """A key that produce() writes to one of these partitions of the requests."""
        keys = (f"{prefix}{n}" for n in range(1000))
        return next(key for key in keys if zlib.crc32(key.encode()) % self.partitions in wanted)

    def create(self, topic, partitions):
        config = {"max.message.bytes": str(MAX_MESSAGE_BYTES + 512 * 1024)}
        admin = self._kafka.admin()
        admin.create_topics([NewTopic(topic, partitions, self._kafka.replication, config=config)])[topic].result(timeout=30)

    def produce(self, topic, messages):
        """Writes (key, value) or (key, value, headers) tuples and waits until the broker has them all."""
        failures = []

        def delivered(error, _):
            if error:
                failures.append(error)

        producer = self._shared_producer()
        for key, value, *headers in messages:
            while True:
                try:
                    producer.produce(topic, value, key, headers=headers[0] if headers else None, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0 and not failures, failures

    def produce_json(self, topic, keyed_values):
        self.produce(topic, [(key, json.dumps(value, ensure_ascii=False).encode()) for key, value in keyed_values])

    def reader(self, topic):
        return Reader(self._kafka.bootstrap, topic)

    def committed(self, topic):
        """The group's committed offsets by partition; -1001 where there is none."""
        wanted = [TopicPartition(topic, p) for p in _partitions(self._observer, topic)]
        found = _patiently(lambda: self._observer.committed(wanted, timeout=20))
        return {p.partition: p.offset for p in found}

    def ends(self, topic):
        """One past the last record, by partition."""
        return _end_offsets(self._observer, topic)

    def open_records(self, topic):
        """How many records the group has not committed past."""
        ends = self.ends(topic)
        return sum(ends[p] - max(offset, 0) for p, offset in self.committed(topic).items())

    def _shared_producer(self):
        if self._producer is None:
            self._producer = Producer(
                {"bootstrap.servers": self._kafka.bootstrap, "message.max.bytes": MAX_MESSAGE_BYTES + 512 * 1024,
                 "linger.ms": 5, "acks": "all", "log_level": 0}
            )  # fmt: skip
        return self._producer


class Reader:
    """Reads one topic from its beginning and keeps what it has read."""

    def __init__(self, bootstrap, topic):
        self.topic = topic
        self.records = []
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 0,
             "isolation.level": "read_committed", "fetch.wait.max.ms": 50,
             "fetch.message.max.bytes": MAX_MESSAGE_BYTES, "enable.partition.eof": True}
        )  # fmt: skip
        self._partitions = _partitions(self._consumer, topic)
        self._seen_up_to = dict.fromkeys(self._partitions, 0)
        self._consumer.assign([TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in self._partitions])

    def until(self, condition, timeout_s, what):
        """Reads on until `condition(records)` holds, and gives all records read since the beginning."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.records):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s} s: {what}; {len(self.records)} read of {self.topic}")
            self._read_some()
        return self.records

    def until_count(self, count, timeout_s):
        return self.until(lambda records: len(records) >= count, timeout_s, f"{count} records")

    def to_the_end(self, timeout_s=30):
        """Reads up to where the topic ends now, and gives all records read since the beginning."""
        ends = _end_offsets(self._consumer, self.topic)

        def is_at_end(_):
            return all(self._seen_up_to[p] >= end for p, end in ends.items())

        return self.until(is_at_end, timeout_s, f"the end of {self.topic}")

    def take(self):
        """What has come since it was asked last, forgotten here."""
        self._read_some()
        taken, self.records = self.records, []
        return taken

    def _read_some(self):
        for message in self._consumer.consume(500, timeout=0.1):
            if message.error():
                # Only this tells where a partition ends: the end of a transaction is a record that is never read.
                if message.error().code() == KafkaError._PARTITION_EOF:
                    self._seen_up_to[message.partition()] = message.offset()
                continue
            headers = {name: value for name, value in message.headers() or ()}
            self.records.append(
                Record(message.topic(), message.partition(), message.offset(), message.key(), message.value(), headers)
            )


def _partitions(consumer, topic):
    return sorted(_patiently(lambda: consumer.list_topics(topic, timeout=20)).topics[topic].partitions)


def _end_offsets(consumer, topic):
    """One past the last record, by partition."""

    def end(partition):
        return _patiently(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20))[1]

    return {partition: end(partition) for partition in _partitions(consumer, topic)}


def _patiently(ask):
    """What `ask()` gives, asked again for up to a minute while the broker is busy or away."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
