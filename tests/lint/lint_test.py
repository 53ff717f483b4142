"""Each check of tools/lint is run on a small tree with one fault in it, and has to find it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

LINT = pathlib.Path(__file__).resolve().parents[2] / "tools/lint"

TABLE = """
[modules.base]
pure = true
uses = []

[modules.model]
pure = true
uses = ["base"]

[modules.wire]
pure = true
uses = ["base", "model"]
third_party = ["rapidjson/"]

[programs.daemon]
third_party = ["spdlog/"]
"""

SOUND_TREE = {
    "tools/lint/layers.toml": TABLE,
    "lib/base/CMakeLists.txt": "llmbatch_module(NAME base HEADERS base.h)\n",
    "lib/base/README.md": "# base\n",
    "lib/base/base.h": "#pragma once\n#include <string>\n",
    "lib/model/CMakeLists.txt": "llmbatch_module(\n  NAME model\n  HEADERS item.h\n  DEPS base)\n",
    "lib/model/README.md": "# model\n",
    "lib/model/item.h": '#pragma once\n#include "base/base.h"\n',
    "lib/wire/CMakeLists.txt": "llmbatch_module(NAME wire SOURCES wire.cc DEPS base THIRD_PARTY rapidjson)\n",
    "lib/wire/README.md": "# wire\n",
    "lib/wire/wire.cc": '#include <rapidjson/reader.h>\n\n#include "base/base.h"\n',
    "daemon/main.cc": '#include <spdlog/spdlog.h>\n\n#include "wire/wire.h"\n',
}


def findings(check, changes):
    """What the check says about the sound tree with these files changed or added; None as a text: without the file."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (SOUND_TREE | changes).items():
            if text is not None:
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, LINT / check, "--root", folder], capture_output=True, text=True, check=False
        )
    lines = done.stdout.splitlines()
    assert done.returncode == (1 if lines else 0), done.stdout + done.stderr
    return lines[:-1]


class Sound(unittest.TestCase):
    def test_no_check_finds_anything(self):
        for check in ("layers", "purity", "module-readme", "format", "words"):
            with self.subTest(check):
                self.assertEqual(findings(check, {}), [])


class Layers(unittest.TestCase):
    def test_dependency_outside_the_table(self):
        found = findings("layers", {"lib/base/CMakeLists.txt": "\nllmbatch_module(NAME base DEPS model)\n"})
        self.assertEqual(found, ["lib/base/CMakeLists.txt:2: 'base' may not use 'model' (tools/lint/layers.toml)"])

    def test_include_outside_the_table(self):
        found = findings("layers", {"lib/base/base.h": '#pragma once\n\n#include "wire/wire.h"\n'})
        self.assertEqual(found, ["lib/base/base.h:3: 'base' may not use 'wire' (tools/lint/layers.toml)"])

    def test_include_that_is_allowed_but_not_declared(self):
        found = findings("layers", {"lib/wire/wire.cc": '#include "model/item.h"\n'})
        self.assertEqual(found, ["lib/wire/wire.cc:1: 'model' is missing in DEPS of lib/wire/CMakeLists.txt"])

    def test_include_without_its_module(self):
        found = findings("layers", {"lib/wire/wire.cc": '#include "wire.h"\n'})
        self.assertEqual(found, ['lib/wire/wire.cc:1: "wire.h" names no module: write "module/file.h"'])

    def test_third_party_header_of_another_module(self):
        found = findings("layers", {"lib/model/item.h": "#include <rapidjson/document.h>\n"})
        self.assertIn("lib/model/item.h:1: <rapidjson/document.h> may be included only in wire", found)

    def test_third_party_header_of_a_module_in_a_program(self):
        found = findings("layers", {"daemon/main.cc": "#include <rapidjson/document.h>\n"})
        self.assertEqual(found, ["daemon/main.cc:1: <rapidjson/document.h> may be included only in wire"])

    def test_third_party_header_in_a_public_header(self):
        found = findings("layers", {
            "lib/wire/CMakeLists.txt": "llmbatch_module(NAME wire HEADERS wire.h)\n",
            "lib/wire/wire.cc": None,
            "lib/wire/wire.h": "#include <rapidjson/reader.h>\n",
        })  # fmt: skip
        self.assertEqual(
            found, ["lib/wire/wire.h:1: <rapidjson/reader.h> is third party: keep it out of public headers"]
        )

    def test_header_that_nobody_owns(self):
        found = findings("layers", {"lib/base/base.h": "#include <boost/asio.hpp>\n"})
        self.assertEqual(
            found, ["lib/base/base.h:1: <boost/asio.hpp> belongs to no module in tools/lint/layers.toml"]
        )

    def test_library_linked_by_a_module_that_owns_none(self):
        found = findings("layers", {"lib/base/CMakeLists.txt": "llmbatch_module(NAME base THIRD_PARTY CURL::libcurl)\n"})
        self.assertEqual(
            found, ["lib/base/CMakeLists.txt:1: 'base' owns no third-party library, but links CURL::libcurl"]
        )

    def test_module_outside_the_table(self):
        found = findings("layers", {"lib/extra/CMakeLists.txt": "llmbatch_module(NAME extra)\n"})
        self.assertEqual(found, ["lib/extra/CMakeLists.txt:1: module 'extra' is not in tools/lint/layers.toml"])


class Purity(unittest.TestCase):
    def test_forbidden_header(self):
        found = findings("purity", {"lib/model/item.h": "#pragma once\n#include <mutex>\n"})
        self.assertEqual(found, ["lib/model/item.h:2: pure module 'model' includes <mutex>"])

    def test_forbidden_calls(self):
        for code, what in (
            ("auto t = std::chrono::steady_clock::now();", "reads a clock: ::now("),
            ("auto t = time(nullptr);", "reads a clock: time(nullptr)"),
            ("std::random_device seed;", "draws chance from outside: random_device"),
            ('const char* home = getenv("HOME");', "reads the environment: getenv("),
            ("std::this_thread::sleep_for(wait);", "waits: sleep_for("),
            ("std::cerr << 1;", "uses a stream: std::cerr"),
        ):
            with self.subTest(code):
                found = findings("purity", {"lib/model/item.h": f"#pragma once\n\n{code}\n"})
                self.assertEqual(found, [f"lib/model/item.h:3: pure module 'model' {what}"])

    def test_words_in_comments_and_texts_are_free(self):
        text = '#pragma once\n// Never calls sleep(1).\n/* nor\ngetenv("X") */ auto a = "x::now()";\n'
        self.assertEqual(findings("purity", {"lib/model/item.h": text}), [])


class ModuleReadme(unittest.TestCase):
    def test_missing_readme(self):
        self.assertEqual(
            findings("module-readme", {"lib/model/README.md": None}), ["lib/model: README.md is missing"]
        )

    def test_missing_row_in_the_architecture(self):
        table = "| module | what |\n| --- | --- |\n| base | x |\n| `wire` | x model |\n"
        self.assertEqual(
            findings("module-readme", {"docs/architecture.md": table}),
            ["docs/architecture.md: the module table has no row for 'model'"],
        )


class Format(unittest.TestCase):
    def test_badly_formatted_file(self):
        found = findings("format", {".clang-format": "BasedOnStyle: Google\n", "lib/base/base.h": "int  a ;\n"})
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0], r"^lib/base/base\.h:1:4: .*clang-format")


class Words(unittest.TestCase):
    def test_note_of_unfinished_work(self):
        word = "TO" + "DO"
        self.assertEqual(
            findings("words", {"daemon/main.cc": f"\n// {word}: later\n"}),
            [f"daemon/main.cc:2: {word}: finish it, or leave it out"],
        )


if __name__ == "__main__":
    unittest.main()
