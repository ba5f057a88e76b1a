"""Drives CPython's RotatingFileHandler with scripts read from standard input, one JSON object a line, and prints one line of
JSON for each: the files of the folder after every step."""

import json
import logging
import logging.handlers
import os
import sys
import tempfile


def state(folder):
    names = sorted(os.listdir(folder))
    return {name: open(os.path.join(folder, name), encoding="utf-8", newline="").read() for name in names}


class Reference(logging.handlers.RotatingFileHandler):
    """The handler itself, with one thing that CPython has had since 3.12.3 (gh-116263): an empty file is never rolled."""

    def shouldRollover(self, record):
        due = super().shouldRollover(record)
        return due and not (self.stream is not None and self.stream.tell() == 0)


def open_handler(path, script):
    handler = Reference(
        path,
        mode="w" if script["truncate"] else "a",
        maxBytes=script["max_bytes"],
        backupCount=script["backup_count"],
        delay=script["delay"],
        encoding="utf-8",
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    if script["named"]:
        handler.namer = lambda name: name + ".old"
    if script["rotated"]:

        def rotator(source, target):
            with open(source, encoding="utf-8") as old, open(target, "w", encoding="utf-8") as new:
                new.write(old.read().upper())
            os.remove(source)

        handler.rotator = rotator
    return handler


def run(script):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "app.log")
        for name, content in script["before"].items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        handler = open_handler(path, script)
        states = [state(folder)]
        for step in script["steps"]:
            if step == "roll":
                handler.doRollover()
            elif step == "restart":
                handler.close()
                handler = open_handler(path, script)
            else:
                handler.emit(logging.LogRecord("app", logging.INFO, "app.py", 1, step[1:], None, None))
            states.append(state(folder))
        handler.close()
        return states


logging.raiseExceptions = False
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
