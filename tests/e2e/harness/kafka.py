"""An Apache Kafka broker (KRaft, one node) in a folder of its own."""

import subprocess

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from . import paths
from .process import Process, free_port
from .waiting import wait_for

_JAVA = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
         "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]  # fmt: skip
_CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
MAX_MESSAGE_BYTES = 8 * 1024 * 1024


class Kafka:
    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._process = None
        folder.mkdir(parents=True)
        self._write_properties(free_port())
        self._run_tool("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", self._properties)

    @property
    def _properties(self):
        return self.folder / "server.properties"

    def start(self):
        """Starts the broker, again after stop() with the same data, and waits until it answers."""
        self._process = Process(
            [*_JAVA, "-cp", paths.KAFKA_LIBS / "*", "kafka.Kafka", self._properties], self.folder / "broker.log"
        )
        wait_for(self._answers, 120, lambda: f"Kafka answers on {self.bootstrap}: {self._process.tail()}")

    def stop(self):
        self._process.stop(timeout_s=30)

    def close(self):
        """Ends the broker without the care for its data that takes seconds."""
        if self._process:
            self._process.kill()

    def admin(self):
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _answers(self):
        if not self._process.is_running():
            raise AssertionError(f"Kafka ended at its start: {self._process.tail()}")
        try:
            return self.admin().list_topics(timeout=2).brokers
        except KafkaException:
            return False

    def _run_tool(self, *arguments):
        subprocess.run(
            [*_JAVA, "-cp", str(paths.KAFKA_LIBS / "*"), *map(str, arguments)], check=True, capture_output=True
        )

    def _write_properties(self, controller_port):
        request_bytes = MAX_MESSAGE_BYTES + 1024 * 1024
        self._properties.write_text(
            "\n".join(
                [
                    "process.roles=broker,controller",
                    "node.id=1",
                    f"controller.quorum.voters=1@127.0.0.1:{controller_port}",
                    f"listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller_port}",
                    f"advertised.listeners=PLAINTEXT://{self.bootstrap}",
                    "controller.listener.names=CONTROLLER",
                    f"log.dirs={self.folder / 'data'}",
                    "auto.create.topics.enable=false",
                    f"message.max.bytes={request_bytes}",
                    f"replica.fetch.max.bytes={request_bytes}",
                    "offsets.topic.replication.factor=1",
                    "offsets.topic.num.partitions=4",
                    "transaction.state.log.replication.factor=1",
                    "transaction.state.log.min.isr=1",
                    "transaction.state.log.num.partitions=4",
                    "group.initial.rebalance.delay.ms=0",
                    "group.min.session.timeout.ms=1000",
                    # On a busy machine the one node must not take itself for dead.
                    "broker.session.timeout.ms=60000",
                ]
            )
        )
