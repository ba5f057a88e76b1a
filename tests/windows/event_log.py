#!/usr/bin/env python3
"""Looks at every argument of the calls of the event log handler twice: as Wine traces them, and as a double of advapi32.dll gets them.

    event_log.py WINE PROGRAM DOUBLE     the program is the example report_events.exe, the double the DLL of advapi32.c

The prefix of Wine is that of the environment.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

WINE, PROGRAM, DOUBLE = sys.argv[1:4]

ERROR, WARNING, INFORMATION = 1, 2, 4

# What the program is told, and what Windows has to get: type, category, id, strings, raw data.
EVENTS = [
    ("trace:1:0:five", (INFORMATION, 0, 1, ["five"], "")),
    ("debug:1:0:ten", (INFORMATION, 0, 1, ["ten"], "")),
    ("info:1000:65535:twenty ü \U0001f980", (INFORMATION, 65535, 1000, ["twenty ü \U0001f980"], "")),
    ("warn:3221225473:7:\"thirty\" \\ \t|\n", (WARNING, 7, 0xC0000001, ["\"thirty\" \\ \t|\n"], "")),
    ("error:1:0:forty:5", (ERROR, 0, 1, ["forty"], "0001020304")),
    ("error:1:0:100 %1 %{x} %", (ERROR, 0, 1, ["100 % 1 % {x} %"], "")),
    ("info:1:0:sold:1:apples ü:%3", (INFORMATION, 0, 1, ["sold", "apples ü", "% 3"], "00")),
]


class Run:
    """The program with the double, or with Wine's own advapi32 and its trace."""

    def __init__(self, *arguments, double=True, **settings):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copy(PROGRAM, folder / "program.exe")
            calls = folder / "calls"
            environment = dict(os.environ, DOUBLE_CALLS=f"Z:{calls}", **settings)
            if double:
                shutil.copy(DOUBLE, folder / "advapi32.dll")
                environment.update(WINEDLLOVERRIDES="advapi32=n", WINEDEBUG="-all")
            else:
                environment.update(WINEDEBUG="-all,+eventlog,fixme+advapi")
            command = [WINE, "program.exe", *arguments]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=120)
            self.said = done.stdout.decode().replace("\r", "")
            self.trace = done.stderr.decode(errors="replace")
            self.status = done.returncode
            self.calls = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def named(self, call):
        return [found for found in self.calls if found["call"] == call]

    def texts(self):
        """Of the events that were taken."""
        return [utf16(call["strings"][0]) for call in self.named("report") if call["error"] == 0]

    def order(self):
        return [call["call"] for call in self.calls]


def utf16(text):
    """JSON has the halves of a pair of surrogates one by one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def traced(trace):
    """The events of Wine's trace: the arguments of each call, and the string, which stands in a line of its own."""
    events = []
    for line in trace.splitlines():
        call = re.search(r"ReportEventW \(([^)]*)\)", line)
        text = re.search(r':ReportEventW L"(.*)"$', line)
        if call:
            handle, kind, category, event, user, count, size = call[1].split(",")[:7]
            numbers = [int(number, 16) for number in (kind, category, event, user, count, size)]
            events.append({"handle": int(handle, 16), "numbers": numbers, "strings": []})
        elif text:
            events[-1]["strings"].append(unescaped(text[1]))
    return events


def unescaped(text):
    """A unit of UTF-16 is four digits; line ends and quotes are as in C."""
    named = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
    plain = re.sub(r"\\([0-9a-f]{4}|.)", lambda code: named.get(code[1]) or chr(int(code[1], 16)), text)
    return utf16(plain)


class EveryArgument(unittest.TestCase):
    maxDiff = None

    def test_as_the_double_gets_them(self):
        run = Run("shop", *(told for told, _ in EVENTS))
        self.assertEqual(run.order(), ["open"] + ["report"] * len(EVENTS) + ["close"])
        self.assertEqual((run.calls[0]["server"], run.calls[0]["source"]), (None, "shop"))
        for call, (_, (kind, category, event, strings, data)) in zip(run.named("report"), EVENTS, strict=True):
            self.assertEqual((call["type"], call["category"], call["id"], call["user"]), (kind, category, event, None))
            self.assertEqual([utf16(string) for string in call["strings"]], strings)
            self.assertEqual((call["data"], call["size"]), (data or None, len(data) // 2))
        self.assertIn("delivered 7, pending 0, dropped 0; 0 cut", run.said)

    def test_as_wine_traces_them(self):
        run = Run("shop", *(told for told, _ in EVENTS), double=False)
        self.assertIn('RegisterEventSourceW ((null),L"shop")', run.trace)
        events = traced(run.trace)
        for found, (_, (kind, category, event, strings, data)) in zip(events, EVENTS, strict=True):
            self.assertEqual(found["numbers"], [kind, category, event, 0, len(strings), len(data) // 2])
            self.assertEqual(found["strings"], strings)
        handles = {found["handle"] for found in events}
        self.assertEqual(len(handles), 1, "one source for all")
        self.assertIn(f"DeregisterEventSource ({handles.pop():016X})", run.trace)


class NTEventLogHandlerTest(unittest.TestCase):
    """CPython's, as far as it can be had: it reads the event back, which no log of Wine can."""

    def test_basic(self):
        for double in (True, False):
            run = Run("test_logging", "info:1:0:Test Log Message", double=double)
            events = run.named("report") if double else traced(run.trace)
            self.assertEqual(len(events), 1)
            self.assertEqual(events[0]["strings"], ["Test Log Message"])
            self.assertIn("delivered 1", run.said)


class WhatWindowsRefuses(unittest.TestCase):
    def test_a_full_log_costs_the_event_alone(self):
        run = Run("shop", "info:1:0:one", "info:1:0:two", "info:1:0:three", DOUBLE_REPORT_ERRORS="0,1502")
        self.assertEqual((run.texts(), run.order()), (["one", "three"], ["open"] + ["report"] * 3 + ["close"]))
        self.assertRegex(run.said, r"failure: report an event of shop: .*\(os error 1502\); 1 lost")
        self.assertIn("delivered 2, pending 0, dropped 1 (failed: 1)", run.said)

    def test_a_bound_that_is_not_ours_costs_the_event_alone(self):
        run = Run("shop", "info:1:0:one", "info:1:0:two", DOUBLE_REPORT_ERRORS="1734")
        self.assertEqual(run.texts(), ["two"])
        self.assertRegex(run.said, r"\(os error 1734\); 1 lost")

    def test_a_service_that_is_not_there(self):
        run = Run("shop", "info:1:0:one", "info:1:0:two", DOUBLE_OPEN_ERRORS="1722")
        self.assertEqual((run.texts(), run.order()), (["two"], ["open", "open", "report", "close"]))
        self.assertRegex(run.said, r"failure: open the event source shop: .*\(os error 1722\); 1 lost")

    def test_a_service_that_went_away_and_came_back(self):
        run = Run("shop", "info:1:0:one", "info:1:0:two", DOUBLE_REPORT_ERRORS="0,1722")
        self.assertEqual(run.texts(), ["one", "two"])
        self.assertNotIn("failure", run.said)

    def test_a_handle_that_is_wrong_is_replaced_and_no_event_lost(self):
        run = Run("shop", "info:1:0:one", "info:1:0:two", "info:1:0:three", DOUBLE_RESTARTS_AFTER="1")
        self.assertEqual(run.texts(), ["one", "two", "three"])
        self.assertEqual([call["error"] for call in run.named("report")], [0, 6, 0, 0])
        self.assertNotIn("failure", run.said)

    def test_what_is_too_long_is_cut_with_a_mark_and_taken(self):
        run = Run("shop", "info:1:0:*40000:70000")
        (call,) = run.named("report")
        text = call["strings"][0]
        self.assertEqual(call["error"], 0)
        # A mark whose number has a digit less than it might have leaves a place empty.
        self.assertIn(len(text), (31_838, 31_839))
        self.assertIn(call["size"], (61_439, 61_440))
        self.assertRegex(text, r"^x+…\[\d+ characters cut\]$")
        self.assertEqual(text.count("x") + int(re.search(r"\d+", text)[0]), 40_000)
        self.assertRegex(bytes.fromhex(call["data"]).decode("latin-1"), r"\.\.\.\[\d+ bytes cut\]$")
        self.assertIn("delivered 1, pending 0, dropped 0; 1 cut", run.said)


class Registry(unittest.TestCase):
    KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\tracing-handlers shop"
    SOURCE = "tracing-handlers shop"

    def query(self):
        done = subprocess.run([WINE, "reg", "query", self.KEY], capture_output=True, env=dict(os.environ, WINEDEBUG="-all"))
        return done.stdout.decode().replace("\r", "") if done.returncode == 0 else None

    def test_an_entry_is_written_and_removed(self):
        self.assertEqual(Run("register", self.SOURCE, r"C:\shop\messages.dll", double=False).status, 0)
        self.assertRegex(self.query(), r"EventMessageFile\s+REG_EXPAND_SZ\s+C:\\shop\\messages\.dll\n")
        self.assertRegex(self.query(), r"TypesSupported\s+REG_DWORD\s+0x7\n")
        self.assertEqual(Run("unregister", self.SOURCE, double=False).status, 0)
        self.assertIsNone(self.query())

    def test_access_that_is_denied_is_reported_and_the_handler_works(self):
        run = Run("build", self.SOURCE, DOUBLE_REGISTRY_ERROR="5")
        self.assertRegex(run.said, r"failure: register the event source tracing-handlers shop in Application: .*\(os error 5\); 0 lost")
        self.assertEqual(run.texts(), ["all the same"])
        self.assertIsNone(self.query())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
