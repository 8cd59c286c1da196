"""Reads exported data with DuckDB and pandas, neither of which is told its types."""

import duckdb
import pandas

TEXTS = ["one, \"two\"\n漢 three", "hi", "a\nb"]

for read in ("read_json('all.jsonl')", "read_csv('all.csv')", "read_json('all.jsonl.zst')"):
    types = dict(
        (row[0], row[1])
        for row in duckdb.sql(f"DESCRIBE SELECT * FROM {read}").fetchall()
    )
    assert types["start"].startswith("TIMESTAMP"), (read, types)
    assert types["end"].startswith("TIMESTAMP"), (read, types)
    assert types["status"] == "BIGINT", (read, types)
    assert types["time"] == "DOUBLE", (read, types)
    assert types["truncated"] == "BOOLEAN", (read, types)
    assert types["output"] == "VARCHAR", (read, types)
    rows = duckdb.sql(f"SELECT output FROM {read} ORDER BY start").fetchall()
    assert [row[0] for row in rows] == TEXTS, (read, rows)
    slow = duckdb.sql(f"SELECT command FROM {read} WHERE \"end\" - start >= INTERVAL 1 SECOND AND status > 0")
    assert slow.fetchall() == [("make",)], read

lines = duckdb.sql("SELECT count(*) FROM read_csv('lines.csv') WHERE line = 'hi'").fetchall()
assert lines == [(1,)], lines

frames = {
    "json": pandas.read_json("all.jsonl", lines=True),
    "zstd": pandas.read_json("all.jsonl.zst", lines=True),
    "csv": pandas.read_csv("all.csv"),
}
for name, frame in frames.items():
    assert list(frame["output"]) == TEXTS, (name, frame)
    assert list(frame["status"]) == [2, 0, 0], (name, frame)
    starts = pandas.to_datetime(frame["start"])
    assert (pandas.to_datetime(frame["end"]) - starts).dt.total_seconds().tolist() == [1, 1, 1], name
    assert starts.dt.year.tolist() == [2023] * 3, name
    assert frame["truncated"].dtype == bool, (name, frame.dtypes)
