"""The program load_models as a process that answers line by line."""
import json
import subprocess


class Loader:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def load(self, kind, folder):
        """The answer, or None if the process ended."""
        self.process.stdin.write(f"{kind} {folder}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def close(self):
        self.process.stdin.close()
        self.process.wait()
