"""The files of systemd/ as systemd itself reads them, in a root of the test's own. Needs no running systemd."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDER = SOURCE / "systemd"
HOST_UNITS = pathlib.Path("/usr/lib/systemd/system")
UNITS = ("llmbatchd.service", "llmbatchd@.service")
# In tenths, as systemd-analyze takes it: 0 is best, 100 is worst.
HIGHEST_EXPOSURE = "12"


def run(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)


def settings(unit):
    """The [Service] section: key → all of its values, in order."""
    found = {}
    section = (FOLDER / unit).read_text(encoding="utf-8").partition("\n[Service]\n")[2].partition("\n[")[0]
    for line in section.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)?", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, None: 1}[unit]


def of_configuration():
    with open(SOURCE / "configs/llmbatchd.toml", "rb") as file:
        return tomllib.load(file)


class Root:
    """A file system with systemd's own targets, a program in the daemon's place, and the two units."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder)
        self.units = self.path / "usr/lib/systemd/system"
        self.units.mkdir(parents=True)
        (self.path / "etc").mkdir()
        for pattern in ("*.target", "*.slice"):
            for unit in HOST_UNITS.glob(pattern):
                shutil.copy(unit, self.units, follow_symlinks=False)
        for name in ("usr/bin/llmbatchd", "bin/kill"):
            program = self.path / name
            program.parent.mkdir(exist_ok=True)
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
        for unit in UNITS:
            shutil.copy(FOLDER / unit, self.units)

    def verify(self, unit):
        """What systemd finds in the unit: nothing, if it is sound. Its exit code is 0 for an unknown key."""
        done = run("systemd-analyze", "verify", "--man=no", f"--root={self.path}", unit)
        return done.stdout + done.stderr + (f"exit code {done.returncode}" if done.returncode else "")


class InRoot(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Root(folder.name)


class Verify(InRoot):
    def test_units_are_sound(self):
        for unit in ("llmbatchd.service", "llmbatchd@blue.service"):
            with self.subTest(unit):
                self.assertEqual(self.root.verify(unit), "")

    def test_faults_are_found(self):
        sound = (FOLDER / "llmbatchd.service").read_text(encoding="utf-8")
        for fault, complaint in (
            (("UMask=", "UMasc="), "Unknown key 'UMasc'"),
            (("KillMode=mixed", "KillMode=some"), "Failed to parse kill mode"),
            (("/usr/bin/llmbatchd", "/usr/bin/other"), "is not executable"),
        ):
            with self.subTest(complaint):
                (self.root.units / "llmbatchd.service").write_text(sound.replace(*fault), encoding="utf-8")
                self.assertIn(complaint, self.root.verify("llmbatchd.service"))


class Security(unittest.TestCase):
    def test_exposure(self):
        for unit in UNITS:
            with self.subTest(unit):
                done = run(
                    "systemd-analyze", "security", "--no-pager", "--offline=true",
                    f"--threshold={HIGHEST_EXPOSURE}", FOLDER / unit,
                )  # fmt: skip
                self.assertIn("Overall exposure level", done.stdout, done.stderr)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_unit_without_hardening_is_above_the_threshold(self):
        with tempfile.TemporaryDirectory() as folder:
            bare = pathlib.Path(folder, "bare.service")
            bare.write_text("[Service]\nUser=llmbatchd\nExecStart=/bin/true\n")
            done = run("systemd-analyze", "security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", bare)
            self.assertNotEqual(done.returncode, 0)

    def test_no_core_dumps(self):
        for unit in UNITS:
            self.assertEqual(settings(unit)["LimitCORE"], ["0"])


class Agreement(unittest.TestCase):
    """What stands in the units and somewhere else as well."""

    def test_template_differs_in_the_instance_only(self):
        one, many = (settings(unit) for unit in UNITS)
        self.assertEqual(many.pop("Environment"), ["LLMBATCHD_KAFKA__INSTANCE=%H-%i"])
        self.assertEqual(one.pop("ExecStart"), ["/usr/bin/llmbatchd --config /etc/llmbatchd/llmbatchd.toml"])
        self.assertEqual(many.pop("ExecStart"), ["/usr/bin/llmbatchd --config /etc/llmbatchd/%i.toml"])
        self.assertEqual(one, many)

    def test_wrong_configuration_is_not_started_again(self):
        header = (SOURCE / "daemon/app.h").read_text(encoding="utf-8")
        codes = dict(re.findall(r"kExit(\w+)\s*=\s*(\d+)", header))
        for unit in UNITS:
            self.assertEqual(settings(unit)["RestartPreventExitStatus"], [f"{codes['Usage']} {codes['Configuration']}"])

    def test_stop_outlasts_the_drain(self):
        drain = seconds(of_configuration()["limits"]["drain_timeout"])
        for unit in UNITS:
            self.assertEqual(seconds(*settings(unit)["TimeoutStopSec"]), drain + 60)

    def test_credentials_of_the_configuration_are_loaded(self):
        text = (SOURCE / "configs/llmbatchd.toml").read_text(encoding="utf-8")
        named = set(re.findall(r'^[a-z_.]+ = "credential:(\S+)"', text, re.MULTILINE))
        self.assertTrue(named)
        for unit in UNITS:
            loaded = dict(value.split(":", 1) for value in settings(unit)["LoadCredential"])
            self.assertEqual(loaded, {name: f"/etc/llmbatchd/credentials/{name}" for name in named})


class Machine(InRoot):
    def test_sysusers_makes_a_user_that_can_not_log_in(self):
        rules = FOLDER / "llmbatchd.sysusers"
        planned = run("systemd-sysusers", "--dry-run", f"--root={self.root.path}", rules)
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertRegex(planned.stderr, r"(?i)creat.* user 'llmbatchd'")
        if os.geteuid() != 0:
            self.skipTest("to see the user made takes root")
        run("systemd-sysusers", f"--root={self.root.path}", rules)
        self.assertRegex(
            (self.root.path / "etc/passwd").read_text(), r"(?m)^llmbatchd:[^:]+:\d+:\d+:llmbatchd:/:/usr/sbin/nologin$"
        )

    @unittest.skipIf(os.geteuid() != 0, "to give folders to others takes root")
    def test_tmpfiles_makes_folders_that_only_their_readers_can_open(self):
        (self.root.path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
        (self.root.path / "etc/group").write_text("root:x:0:\nllmbatchd:x:991:\n")
        done = run("systemd-tmpfiles", f"--root={self.root.path}", "--create", FOLDER / "llmbatchd.tmpfiles")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        for folder, mode, group in (("llmbatchd", 0o750, 991), ("llmbatchd/credentials", 0o700, 0)):
            found = (self.root.path / "etc" / folder).stat()
            self.assertEqual((found.st_mode & 0o7777, found.st_uid, found.st_gid), (mode, 0, group), folder)


if __name__ == "__main__":
    unittest.main()
