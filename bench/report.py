#!/usr/bin/env python3
"""Prints the measurements of some jobs as a Markdown table: report.py [--since 'YYYY-MM-DD HH:MM:SS'] RESULTS.jsonl [WORKLOAD:DATA:SIZE]...

Without jobs: all in the file. Of several measurements of the same thing, made since then, the one with the median time counts. Where the tools took turns,
a ratio is the median of the ratios within the turns: a machine that changes its pace changes it for all of a turn.
"""
import argparse
import json
import statistics

HEAD = ["job", "Nebula, M rows/s", "DuckDB, M rows/s", "best other tool, M rows/s", "times DuckDB", "times the best",
        "times DuckDB's rows per CPU second", "peak memory, MB"]
LABELS = {"pg": "PostgreSQL", "csv": "CSV", "csvgz": "gzip CSV", "json": "JSON array", "jsonl": "JSON Lines",
          "parquet": "Parquet", "parquet_snappy": "Parquet snappy", "parquet_zstd": "Parquet zstd", "arrow": "Arrow IPC", "avro": "Avro snappy"}
# told types and order beforehand, which a user of files does not know; they are in the results
TOLD = ("-schema-unordered", "-strptime")


def rows_of(size):
    return int(size.replace("K", "000").replace("M", "000000"))


def read(path, jobs, since):
    wanted = {(f"{kind}-{data}", rows_of(size)) for kind, data, size in (job.split(":") for job in jobs)}
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            m = json.loads(line)
            key = m["workload"], m["rows"]
            if m["at"] >= since and (not wanted or key in wanted):
                found.setdefault(key, {}).setdefault(m["peer"], []).append(m)
    return found


def median(turns):
    return sorted(turns, key=lambda m: m["wall"])[(len(turns) - 1) // 2]


def speed(turns):
    m = median(turns)
    return m["rows"] / m["wall"] / 1e6


def times(nebula, other, of="wall"):
    if not nebula or not other:
        return "-"
    # a tool that failed in a turn has none to pair, and which one it was is not known
    pairs = zip(nebula, other) if len(nebula) == len(other) else [(median(nebula), median(other))]
    return f"{statistics.median(b[of] / a[of] for a, b in pairs):.2f}"


def line(key, peers):
    workload, rows = key
    job, data = workload.split("-", 1)
    source, target = job.split("_", 1)
    nebula, duckdb = peers.get("nebula"), next((m for p, m in peers.items() if p in ("duckdb", "duckdb-snappy", "duckdb-zstd")), None)
    others = {p: m for p, m in peers.items() if p != "nebula" and not p.startswith("limit:") and not p.endswith(TOLD)}
    best = max(others, key=lambda p: speed(others[p]), default=None)
    size = f"{rows // 10**6} M" if rows >= 10**6 else f"{rows // 1000} K"
    return [f"{LABELS.get(source, source)} -> {LABELS.get(target, target)}, `{data}` {size}",
            f"{speed(nebula):.2f}" if nebula else "-",
            f"{speed(duckdb):.2f}" if duckdb else "-",
            f"{speed(others[best]):.2f} ({best})" if best else "-",
            times(nebula, duckdb),
            times(nebula, best and others[best]),
            times(nebula, duckdb, of="cpu"),
            f"{max(m['rss'] for m in nebula) / 1e6:.0f}" if nebula else "-"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--since", default="", metavar="TIME")
    parser.add_argument("results")
    parser.add_argument("jobs", nargs="*")
    given = parser.parse_args()
    found = read(given.results, given.jobs, given.since)
    print("| " + " | ".join(HEAD) + " |")
    print("| --- |" + " --: |" * (len(HEAD) - 1))
    for key, peers in found.items():
        if not key[0].startswith("limits-"):
            print("| " + " | ".join(line(key, peers)) + " |")
    limits = [(key, peer, median(turns)) for key, peers in found.items() for peer, turns in peers.items() if peer.startswith("limit:")]
    if limits:
        print("\n| limit of the machine | M rows/s | MB/s |\n| --- | --: | --: |")
        for (workload, _), peer, m in limits:
            print(f"| {peer[6:]}, {workload} | {m['rows'] / m['wall'] / 1e6:.2f} | {m['inp'] / m['wall'] / 1e6:.0f} |")


if __name__ == "__main__":
    main()
