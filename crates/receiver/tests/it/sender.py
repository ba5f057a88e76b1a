"""Sends records by the handlers of CPython, and says what only this end knows."""

import json
import logging
import logging.handlers
import os
import sys
import threading
import time

kind, place = sys.argv[1:]
logging.raiseExceptions = True
if kind == "tcp":
    handler = logging.handlers.SocketHandler("127.0.0.1", int(place))
elif kind == "udp":
    handler = logging.handlers.DatagramHandler("127.0.0.1", int(place))
elif kind == "unix":
    handler = logging.handlers.SocketHandler(place, None)
else:
    handler = logging.handlers.DatagramHandler(place, None)
logger = logging.getLogger("app.db")
logger.setLevel(1)
logger.addHandler(handler)


def work():
    for level in (5, 10, 20, 30, 40, 50):
        logger.log(level, "level %d", level)
    created = time.time()
    try:
        raise ValueError("x")
    except ValueError:
        extra = {"user": "bob \u2603", "n": -(1 << 40), "ratio": 0.5, "on": True, "list": [1, "a", None]}
        logger.exception("caught", extra=extra)
    return created


created = work()
handler.close()
print(json.dumps({"process": os.getpid(), "thread": threading.get_ident(), "created": created}))
