"""Where the programs under test and their servers are; CTest sets LLMBATCH_BIN."""

import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("LLMBATCH_BIN", SOURCE / "build/release/bin"))
KAFKA_LIBS = SOURCE / "build/kafka/libs"
SCHEMAS = SOURCE / "schemas"
