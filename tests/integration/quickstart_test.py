"""The quick starts and the session of docs/api.md do what they say. Arguments: the server program, the stubs'
folder, the C++ quick start. With --write the session's answers are put into the page instead of compared."""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

from one_server import Server

SERVER, STUBS, QUICKSTART = sys.argv[1:4]
WRITE = "--write" in sys.argv
PATIENCE = 60
ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/quickstart/python"
PAGE = ROOT / "docs/api.md"
CONTACT = "contacts/c[a-z2-7]{26}"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.server = Server(SERVER, self.directory.name)

    def tearDown(self):
        code = self.server.stop()
        self.directory.cleanup()
        self.assertEqual(code, 0, "the server's exit code")


class QuickstartTest(ServerTest):
    def lines(self, *command):
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.splitlines()

    def test_python(self):
        command = (sys.executable, str(EXAMPLES / "quickstart.py"), self.server.address, STUBS)
        lines = self.lines(*command)
        self.assertRegex(lines[0], f"^created {CONTACT}$")
        self.assertEqual(lines[1:4], ["somebody was faster", "named Ada",
                                      "refused INVALID_ARGUMENT contact.emails[0] contact.region_code"])
        self.assertEqual(lines[4:6], ["row 0 CREATED", "row 1 CREATED"])
        self.assertIn("external_key.key", lines[6])
        self.assertEqual(lines[7], "found Grace Jean")
        # Once more: nothing is created twice.
        again = self.lines(*command)
        self.assertEqual(again[0], lines[0])
        self.assertEqual(again[-4:-2], ["row 0 UNCHANGED", "row 1 UNCHANGED"])
        self.assertEqual(again[-1], lines[-1])

    def test_cpp(self):
        lines = self.lines(QUICKSTART, self.server.address)
        self.assertRegex(lines[0], f"^created {CONTACT} version 1$")
        self.assertEqual(lines[1], "Augusta: named")
        self.assertRegex(lines[2], "^Ada: .*has changed")
        self.assertEqual(lines[3:5], ["Ada: named", "refused contact.emails[0]"])
        self.assertEqual(sorted(lines[5:7]), ["row 0 done", "row 1 done"])
        self.assertEqual(lines[7:], ["found Grace"])
        again = self.lines(QUICKSTART, self.server.address)
        self.assertEqual(again[0], lines[0])
        self.assertEqual(again[-1], lines[-1])


# What differs from run to run: names, times, positions.
TOKEN = re.compile(CONTACT + r"|\d{4}-\d\d-\d\dT[\d:.]+Z|(?<=crm-position: )\S+")


class Session:
    """The commands of the page, run one after the other; names, times and positions of the page stand for those of
    this run."""

    def __init__(self, address):
        self._address = address
        self._meant = {}

    def run(self, command):
        for written, meant in self._meant.items():
            command = command.replace(written, meant)
        arguments = shlex.split(command.replace("\\\n", " "))
        assert arguments[0] == "call.py", command
        done = run(sys.executable, str(EXAMPLES / "call.py"), "--target", self._address, *arguments[1:])
        return done.stdout + done.stderr

    def same(self, written, answered):
        """Whether the answer is what is written; learns what the tokens of the page stand for."""
        if TOKEN.sub("*", written) != TOKEN.sub("*", answered):
            return False
        pairs = list(zip(TOKEN.findall(written), TOKEN.findall(answered)))
        return all(self._meant.setdefault(*pair) == pair[1] for pair in pairs)


def steps(block):
    """The commands of a console block, each with the answer below it."""
    for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
        lines = step.splitlines(keepends=True)
        count = 1
        while lines[count - 1].endswith("\\\n") or "".join(lines[:count]).count("'") % 2:
            count += 1
        yield "".join(lines[:count]).rstrip("\n"), "".join(lines[count:])


class PageTest(ServerTest):
    def test_the_session_answers_as_written(self):
        page = PAGE.read_text(encoding="utf-8")
        session = Session(self.server.address)
        blocks = re.findall(r"(?<=```console\n).*?(?=```)", page, re.S)
        self.assertGreater(len(blocks), 5)
        if WRITE:
            PAGE.write_text(rewritten(page, session), encoding="utf-8")
            return
        for block in blocks:
            for command, written in steps(block):
                answered = session.run(command)
                self.assertTrue(session.same(written, answered),
                                f"{command}\n--- the page says\n{written}\n--- the server says\n{answered}")


def rewritten(page, session):
    """The page with the answers of this run; what commands refer to by hand is replaced too."""
    seen = {"contact": None, "position": None}

    def fill(match):
        text = ""
        for command, _ in steps(match.group(0)):
            if seen["contact"]:
                command = re.sub(CONTACT, seen["contact"], command)
                command = re.sub(r'(?<=crm-min-position=)\S+|(?<="position": ")[^"]+', seen["position"], command)
            answered = session.run(command)
            if not seen["contact"]:
                seen["contact"] = re.search(CONTACT, answered).group(0)
                seen["position"] = re.search(r"(?<=crm-position: )\S+", answered).group(0)
            text += f"$ {command}\n{answered}"
        return text

    return re.sub(r"(?<=```console\n).*?(?=```)", fill, page, flags=re.S)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
