#!/usr/bin/env python3
"""Bars of medians, with a line from the lowest round to the highest, from the benchmark's JSON lines.

    python3 tests/bench/plot.py target/bench/1700000000.jsonl docs/plots

Writes one SVG for each plot for which the file has figures, and says which.
"""

import json
import statistics
import sys
from collections import defaultdict
from html import escape
from pathlib import Path

# File, title, measure, workload, producers, figure.
PLOTS = [
    ("caller-w1", "What the caller waits, median, W1 (ns)", "bursts", "W1", 1, "p50_ns"),
    ("caller-w2", "What the caller waits, median, in two spans, W2 (ns)", "bursts", "W2", 1, "p50_ns"),
    ("caller-w3", "What the caller waits, median, in eight spans, W3 (ns)", "bursts", "W3", 1, "p50_ns"),
    ("trickle-30", "One event every 30 µs: what the caller waits, median (ns)", "trickle_30", "W1", 1, "p50_ns"),
    ("trickle-200", "One event every 200 µs: what the caller waits, median (ns)", "trickle", "W1", 1, "p50_ns"),
    ("throughput-1", "Thousand events a second until all is in the file, one thread", "throughput", "W1", 1, "kilo_events_per_second"),
    ("throughput-2", "Thousand events a second until all is in the file, two threads", "throughput", "W1", 2, "kilo_events_per_second"),
]

LEFT, WIDTH, ROW, TOP = 230, 460, 22, 40
OURS, OTHERS, TEXT = "#2563eb", "#9ca3af", "#6b7280"


def read(path):
    """Figures by measure, workload, producers and figure, and then by contestant."""
    found = defaultdict(lambda: defaultdict(list))
    for line in Path(path).read_text().splitlines():
        row = json.loads(line)
        for figure, value in row["figures"].items():
            key = (row["measure"], row["workload"], row["producers"], figure)
            found[key][row["contestant"]].append(value)
    return found


def plot(title, rows):
    bars = sorted((statistics.median(values), min(values), max(values), name) for name, values in rows.items())
    longest = max(high for _, _, high, _ in bars) or 1
    height = TOP + ROW * len(bars) + 10
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 110}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{TEXT}">',
        f'<text x="10" y="22" font-size="14">{escape(title)}</text>',
    ]
    for at, (median, low, high, name) in enumerate(bars):
        y = TOP + ROW * at
        x = [LEFT + WIDTH * value / longest for value in (median, low, high)]
        color = OURS if name.startswith("ours") else OTHERS
        out += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y + 3}" width="{x[0] - LEFT:.1f}" height="{ROW - 8}" fill="{color}"/>',
            f'<line x1="{x[1]:.1f}" x2="{x[2]:.1f}" y1="{y + ROW / 2 - 1}" y2="{y + ROW / 2 - 1}" stroke="{TEXT}" stroke-width="2"/>',
            f'<text x="{x[2] + 6:.1f}" y="{y + 14}">{median:,.0f}</text>',
        ]
    return "\n".join(out + ["</svg>", ""])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    figures, folder = read(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, *key in PLOTS:
        rows = figures.get(tuple(key))
        if not rows:
            print(f"{name}: no figures")
            continue
        path = folder / f"{name}.svg"
        path.write_text(plot(title, rows))
        print(path)


if __name__ == "__main__":
    main()
