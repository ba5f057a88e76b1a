#!/usr/bin/env python3
"""Builds the message file of the crate event-log: a DLL that holds nothing but the sentences 1 to 1000, each of which is `%1`.

    messages.py DLL      builds it with windres and gcc of mingw
    messages.py --check DLL    fails unless the DLL holds these sentences
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

FIRST, LAST = 1, 1000
UNICODE = 1


def table():
    """MESSAGE_RESOURCE_DATA: one block, and behind it an entry for each of its ids."""
    text = "%1\r\n\0".encode("utf-16-le")
    text += b"\0" * (-len(text) % 4)
    entry = struct.pack("<HH", 4 + len(text), UNICODE) + text
    header = struct.pack("<IIII", 1, FIRST, LAST, 16)
    return header + entry * (LAST - FIRST + 1)


def build(dll):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "table.bin").write_bytes(table())
        # 11 is RT_MESSAGETABLE.
        (folder / "messages.rc").write_text('1 11 "table.bin"\n')
        run = lambda *command: subprocess.run(command, cwd=folder, check=True)
        run("x86_64-w64-mingw32-windres", "messages.rc", "-o", "messages.o")
        options = ["-shared", "-nostdlib", "-s", "-Wl,--entry=0", "-Wl,--no-insert-timestamp"]
        run("x86_64-w64-mingw32-gcc", *options, "-o", "messages.dll", "messages.o")
        pathlib.Path(dll).write_bytes((folder / "messages.dll").read_bytes())


def check(dll):
    if table() not in pathlib.Path(dll).read_bytes():
        sys.exit(f"{dll}: does not hold the sentences that messages.py makes")


if sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    build(sys.argv[1])
