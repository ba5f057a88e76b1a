"""Asks CPython's TimedRotatingFileHandler for the next rollover: settings come from standard input, one JSON object a line, and
the seconds since 1970 go out, one number a line."""

import datetime
import json
import logging.handlers
import os
import sys
import tempfile


class Reference(logging.handlers.TimedRotatingFileHandler):
    """The handler itself, with two things that CPython has had since 3.13 (gh-88352, and the result is later than the time asked
    about), for zones without daylight saving."""

    def computeRollover(self, currentTime):
        result = super().computeRollover(currentTime)
        if result <= currentTime:
            result = super().computeRollover(currentTime + 1)
        return result + self.left_out()

    def left_out(self):
        return 0


class Patient(Reference):
    """More than one day or week is not left out."""

    def left_out(self):
        if self.when == "MIDNIGHT":
            return self.interval - 86400
        return self.interval - 7 * 86400 if self.when.startswith("W") else 0


def honours_intervals(path):
    handler = logging.handlers.TimedRotatingFileHandler(path, when="MIDNIGHT", interval=3, delay=True, utc=True)
    return handler.computeRollover(0) == 3 * 86400


def answer(handler_class, path, case):
    at_time = None if case["at_time"] is None else datetime.time(*case["at_time"])
    handler = handler_class(
        path, when=case["when"], interval=case["interval"], delay=True, utc=case["utc"], atTime=at_time
    )
    return handler.computeRollover(case["now"])


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "app.log")
        handler_class = Reference if honours_intervals(path) else Patient
        for line in sys.stdin:
            print(answer(handler_class, path, json.loads(line)))


main()
