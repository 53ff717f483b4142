"""An Apache Kafka broker (KRaft), or three of them, each in a folder of its own."""

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


SASL_USER = "daemon"


class Kafka:
    def __init__(self, folder, certificates=None, password=None, node=1, controllers=None):
        """`certificates`: name → certificate; for each there is a TLS listener besides the plain one (`secured`), and
        one with SASL for the first of them (`secured["sasl"]`). `controllers`: node → port, of all brokers of a
        cluster."""
        self.folder = folder
        self.node = node
        self._controllers = controllers or {node: free_port()}
        self.replication = min(3, len(self._controllers))
        self._certificates = certificates or {}
        self._password = password
        names = [*self._certificates, "sasl"] if self._certificates else []
        self.secured = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._process = None
        folder.mkdir(parents=True)
        self._write_properties()
        users = ["--add-scram", f"SCRAM-SHA-256=[name={SASL_USER},password={password}]"] if password else []
        self._run_tool("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", self._properties, *users)

    @property
    def _properties(self):
        return self.folder / "server.properties"

    def start(self):
        """Starts the broker, again after stop() with the same data, and waits until it answers."""
        self.begin()
        self.wait()

    def begin(self):
        self._process = Process(
            [*_JAVA, "-cp", paths.KAFKA_LIBS / "*", "kafka.Kafka", self._properties], self.folder / "broker.log"
        )

    def wait(self):
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

    def _listeners(self):
        """(name, address, security protocol, certificate) of each secured listener."""
        for number, (name, address) in enumerate(self.secured.items()):
            protocol = "SASL_SSL" if name == "sasl" else "SSL"
            certificate = self._certificates.get(name) or next(iter(self._certificates.values()))
            yield f"L{number}", address, protocol, certificate

    def _security(self):
        if not self.secured:
            return []
        lines = ["inter.broker.listener.name=PLAINTEXT", "sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN"]
        protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
        for name, _, protocol, certificate in self._listeners():
            prefix = f"listener.name.{name.lower()}"
            protocols.append(f"{name}:{protocol}")
            lines += [f"{prefix}.ssl.keystore.type=PEM", f"{prefix}.ssl.keystore.location={certificate.both}"]
            if protocol == "SASL_SSL":
                modules = "org.apache.kafka.common.security"
                lines += [
                    f"{prefix}.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;",
                    f"{prefix}.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required "
                    f'user_{SASL_USER}="{self._password}";',
                ]
        return [*lines, f"listener.security.protocol.map={','.join(protocols)}"]

    def _write_properties(self):
        controller = f"127.0.0.1:{self._controllers[self.node]}"
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in self._controllers.items())
        secured = "".join(f",{name}://{address}" for name, address, *_ in self._listeners())
        request_bytes = MAX_MESSAGE_BYTES + 1024 * 1024
        self._properties.write_text(
            "\n".join(
                [
                    "process.roles=broker,controller",
                    f"node.id={self.node}",
                    f"controller.quorum.voters={voters}",
                    f"listeners=PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}{secured}",
                    f"advertised.listeners=PLAINTEXT://{self.bootstrap}{secured}",
                    *self._security(),
                    "controller.listener.names=CONTROLLER",
                    f"log.dirs={self.folder / 'data'}",
                    "auto.create.topics.enable=false",
                    f"message.max.bytes={request_bytes}",
                    f"replica.fetch.max.bytes={request_bytes}",
                    f"min.insync.replicas={max(1, self.replication - 1)}",
                    f"offsets.topic.replication.factor={self.replication}",
                    "offsets.topic.num.partitions=4",
                    f"transaction.state.log.replication.factor={self.replication}",
                    f"transaction.state.log.min.isr={max(1, self.replication - 1)}",
                    "transaction.state.log.num.partitions=4",
                    "group.initial.rebalance.delay.ms=0",
                    "group.min.session.timeout.ms=1000",
                    # On a busy machine the one node must not take itself for dead; of several one may die.
                    f"broker.session.timeout.ms={60000 if self.replication == 1 else 9000}",
                ]
            )
        )


class KafkaCluster:
    """Three brokers, each of them a controller, too; every topic is on all of them, and two must have a record."""

    def __init__(self, folder, brokers=3):
        self.folder = folder
        controllers = {node: free_port() for node in range(1, brokers + 1)}
        self.brokers = [Kafka(folder / f"broker{node}", node=node, controllers=controllers) for node in controllers]
        self.bootstrap = ",".join(broker.bootstrap for broker in self.brokers)
        self.replication = brokers

    def start(self):
        for broker in self.brokers:
            broker.begin()
        for broker in self.brokers:
            broker.wait()
        wait_for(lambda: len(self.admin().list_topics(timeout=5).brokers) == len(self.brokers), 120, "all brokers")

    def close(self):
        for broker in self.brokers:
            broker.close()

    def admin(self):
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def leader_of(self, topic, partition):
        """The broker that leads the partition; None: nobody does at the moment."""
        leader = self.admin().list_topics(topic, timeout=10).topics[topic].partitions[partition].leader
        return next((broker for broker in self.brokers if broker.node == leader), None)
