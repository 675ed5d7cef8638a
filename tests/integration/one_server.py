"""A server program over a directory of its own, for tests of its clients."""

import datetime
import pathlib
import signal
import subprocess

PATIENCE = 60


class Server:
    """The shipped server over a directory of its own."""

    def __init__(self, program, directory):
        self._errors = open(pathlib.Path(directory) / "stderr", "w+")
        data = pathlib.Path(directory) / "data"
        data.mkdir()
        self._process = subprocess.Popen(
            [program, "--data-dir", str(data), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            stderr=self._errors,
        )
        self.address = self._wait_for(data / "endpoints")

    def _wait_for(self, endpoints):
        deadline = datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE)
        while not endpoints.exists():
            try:
                self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                if datetime.datetime.now() < deadline:
                    continue
            self._process.kill()
            self._errors.seek(0)
            raise RuntimeError("the server does not serve:\n" + self._errors.read())
        lines = dict(line.split("=", 1) for line in endpoints.read_text().splitlines())
        return lines["api"]

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE)
        self._errors.close()
        return code
