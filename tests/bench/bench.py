"""CPython's QueueHandler and QueueListener before a RotatingFileHandler: the event of src/workload.rs, the figures of src/measure.

python3 bench.py child CONTESTANT PROBE W1 EVENTS PRODUCERS MAX_BYTES BACKUPS DIRECTORY
python3 bench.py syslog tcp|udp PORT EVENTS    sends them with SysLogHandler
"""

import json
import logging
import logging.handlers
import os
import queue
import socket
import sys
import threading
import time

BURST = 100
PAUSE = 0.001
PATH = "/api/v1/accounts/7f3a9c/orders?page=204"
# As many as the queues of the others hold.
QUEUE_RECORDS = 1 << 16
RATIOS = [n / 128 + 0.5 for n in range(64)]


class Counting(logging.handlers.QueueHandler):
    """Counts what finds no room, where Python would print a traceback."""

    dropped = 0

    def handleError(self, record):
        Counting.dropped += 1


class Waiting(logging.handlers.QueueHandler):
    """Waits for room, as the peers that lose nothing do."""

    def enqueue(self, record):
        self.queue.put(record)


def start(contestant, directory, max_bytes, backups):
    place = os.path.join(directory, "bench.log")
    file = logging.handlers.RotatingFileHandler(place, maxBytes=max_bytes, backupCount=backups)
    file.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d000Z  %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"))
    records = queue.Queue(QUEUE_RECORDS)
    handler = (Counting if contestant.endswith("-lossy") else Waiting)(records)
    logger = logging.getLogger("bench.app")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    listener = logging.handlers.QueueListener(records, file)
    listener.start()
    return logger, listener, file


def emitter(logger):
    info = logger.info

    def emit(n):
        info("request finished latency_us=%d ratio=%s path=%s", 100_000 + n % 900_000, RATIOS[n % 64], PATH)

    return emit


def bursts(events, event):
    for first in range(0, events, BURST):
        for n in range(first, min(first + BURST, events)):
            event(n)
        time.sleep(PAUSE)


class Stopwatch:
    def __init__(self):
        clock = time.perf_counter_ns
        pairs = sorted(-(clock() - clock()) for _ in range(10_001))
        self.overhead = pairs[len(pairs) // 2]
        self.times = []

    def timed(self, emit):
        clock, note = time.perf_counter_ns, self.times.append

        def event(n):
            start = clock()
            emit(n)
            note(clock() - start)

        return event

    def figures(self):
        times = sorted(max(0, took - self.overhead) for took in self.times)
        # Whole numbers: the nearest rank, rounded up, without the errors of floats.
        shares = {"p50_ns": 500, "p99_ns": 990, "p99.9_ns": 999}
        return {name: times[max(0, -(-share * len(times) // 1000) - 1)] for name, share in shares.items()}


def bursts_probe(emit, events, _):
    bursts(10 * BURST, emit)
    watch = Stopwatch()
    bursts(events, watch.timed(emit))
    return watch.figures()


def trickle_probe(interval):
    def probe(emit, events, _):
        bursts(BURST, emit)
        watch = Stopwatch()
        event, clock = watch.timed(emit), time.perf_counter_ns
        for n in range(events):
            until = clock() + interval * 1000
            while clock() < until:
                pass
            event(n)
        return watch.figures()

    return probe


def produce(emit, events, producers):
    def run():
        for n in range(events):
            emit(n)

    threads = [threading.Thread(target=run) for _ in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def written(directory):
    texts = (open(entry.path).read() for entry in os.scandir(directory))
    return sum(text.count("request finished") for text in texts)


def syslog(protocol, port, events):
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    handler = logging.handlers.SysLogHandler(("127.0.0.1", int(port)), socktype=kind)
    logger = logging.getLogger("bench.app")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    produce(emitter(logger), int(events) // 2, 2)
    handler.close()


def stop(listener):
    """What tells it to end needs room as any record does, and a queue that is full has none."""
    while True:
        try:
            return listener.stop()
        except queue.Full:
            time.sleep(0.001)


def main():
    _, contestant, probe, workload, events, producers, max_bytes, backups, directory = sys.argv[1:]
    if workload != "W1":
        sys.exit("there are no spans in Python")
    events, producers = int(events), int(producers)
    logger, listener, file = start(contestant, directory, int(max_bytes), int(backups))
    emit = emitter(logger)
    figures = {}
    if probe == "bursts":
        figures = bursts_probe(emit, events, producers)
    elif probe.startswith("trickle-"):
        figures = trickle_probe(int(probe.split("-")[1]))(emit, events, producers)
    elif probe == "emit":
        produce(emit, events, 1)
    elif probe not in ("throughput", "overload"):
        sys.exit(f"{probe} cannot be measured here")
    cpu, begin = time.process_time_ns(), time.perf_counter_ns()
    if probe in ("throughput", "overload"):
        produce(emit, events, producers)
    made_in = time.perf_counter_ns() - begin
    stop(listener)
    file.close()
    took, cpu = time.perf_counter_ns() - begin, time.process_time_ns() - cpu
    made = events * producers
    if probe == "throughput":
        found = written(directory)
        figures = {"kilo_events_per_second": found * 1e6 / took, "cpu_ns": cpu / made, "lines_missing": made - found}
    if probe == "overload":
        found, dropped = written(directory), Counting.dropped
        figures = {"made": made, "written": found, "missing": made - found, "dropped": dropped}
        figures["untold"] = made - found - dropped
        figures["wall_ns_an_event"] = made_in / made
    print(json.dumps({name: float(figure) for name, figure in figures.items()}))


if sys.argv[1] == "syslog":
    syslog(*sys.argv[2:])
else:
    main()
