"""Drives CPython's TimedRotatingFileHandler with scripts read from standard input, one JSON object a line, and prints one line of
JSON for each: the files of the folder after every step. The clock is the script's, and a file was last written when it says."""

import datetime
import json
import logging
import logging.handlers
import os
import sys
import tempfile
import time


class Clock:
    now = 0

    def time(self):
        return float(self.now)


class Reference(logging.handlers.TimedRotatingFileHandler):
    """The handler itself, with two things that CPython has had since 3.13 (gh-88352), for zones without daylight saving: more than
    one day or week is not left out, and the result is later than the time asked about. Errors are not swallowed."""

    def computeRollover(self, currentTime):
        result = super().computeRollover(currentTime)
        if result <= currentTime:
            result = super().computeRollover(currentTime + 1)
        if sys.version_info >= (3, 13):
            return result
        if self.when == "MIDNIGHT":
            return result + self.interval - 86400
        return result + self.interval - 7 * 86400 if self.when.startswith("W") else result

    def handleError(self, record):
        raise


def state(folder):
    names = sorted(os.listdir(folder))
    return {name: open(os.path.join(folder, name), encoding="utf-8", newline="").read() for name in names}


def open_handler(path, script, clock):
    if not script["delay"] and not os.path.exists(path):
        # The handler makes the file and then asks how old it is.
        open(path, "w").close()
        os.utime(path, (clock.now, clock.now))
    at_time = None if script["at_time"] is None else datetime.time(*script["at_time"])
    handler = Reference(
        path,
        when=script["when"],
        interval=script["interval"],
        backupCount=script["backup_count"],
        delay=script["delay"],
        utc=script["utc"],
        atTime=at_time,
        encoding="utf-8",
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    if script["named"]:
        handler.namer = lambda name: name + ".old"
    return handler


def run(script, clock):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "app.log")
        for name in script["before"]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(name)
        clock.now = script["start"]
        handler = open_handler(path, script, clock)
        states = [state(folder)]
        for step in script["steps"]:
            if step == "roll":
                handler.doRollover()
            elif step == "restart":
                handler.close()
                handler = open_handler(path, script, clock)
            elif step.startswith("@"):
                clock.now += int(step[1:])
            else:
                handler.emit(logging.LogRecord("app", logging.INFO, "app.py", 1, step[1:], None, None))
                os.utime(path, (clock.now, clock.now))
            states.append(state(folder))
        handler.close()
        return states


def main():
    clock = Clock()
    time.time = clock.time
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), clock)), flush=True)


main()
