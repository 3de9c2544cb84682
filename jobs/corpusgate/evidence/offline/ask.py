"""The assessor's questions over this bundle, by the SQLite that comes with Python.

python ask.py                       lists the questions
python ask.py 4                     answers one, as tab-separated lines
python ask.py 1 source=SOURCE       with a parameter
python ask.py sql "SELECT ..."      a question of your own; lists and maps are JSON texts
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bundle
from questions import CANNOT, QUESTIONS

#: Rows that are printed.
SHOWN = 1000


def database():
    """All tables of the bundle in memory, with `sha256(text)` for draws."""
    made = sqlite3.connect(":memory:")
    made.create_function("sha256", 1, lambda text: bundle.sha256(str(text)))
    for name, table in sorted(bundle.read_json("bundle.json")["tables"].items()):
        columns = table["columns"]
        made.execute("CREATE TABLE {} ({})".format(quoted(name), ", ".join(map(quoted, columns))))
        holes = ", ".join("?" * len(columns))
        made.executemany(
            f"INSERT INTO {quoted(name)} VALUES ({holes})",
            ([cell(row.get(c)) for c in columns] for row in bundle.rows(name)),
        )
    made.execute("PRAGMA query_only = 1")
    return made


def quoted(name):
    """A name in SQL."""
    return '"{}"'.format(name.replace('"', '""'))


def cell(value):
    """A value that SQLite holds: lists and maps as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def answer(number, given):
    """(columns, rows) of a question.

    Raises:
        KeyError: a parameter is missing.
    """
    _, sql, parameters = QUESTIONS[number]
    about = bundle.read_json("bundle.json")
    values = {"release": about["release_id"], **given}
    for name in parameters:
        if name not in values:
            raise KeyError(name)
    found = database().execute(sql, {k: values[k] for k in ("release", *parameters)} if ":" in sql else {})
    return [c[0] for c in found.description], found.fetchall()


def main(arguments):
    """Prints; 2 at a mistake of the caller."""
    if not arguments:
        for number in sorted({**QUESTIONS, **CANNOT}):
            if number in QUESTIONS:
                title, _, parameters = QUESTIONS[number]
                bundle.say(f"{number:3d}  {title}" + "".join(f"  {p}=..." for p in parameters))
            else:
                bundle.say(f"{number:3d}  {CANNOT[number]}")
        return 0
    given = dict(a.split("=", 1) for a in arguments[1:] if "=" in a and arguments[0] != "sql")
    try:
        if arguments[0] == "sql":
            found = database().execute(arguments[1])
            columns, rows = [c[0] for c in found.description or ()], found.fetchall()
        elif int(arguments[0]) in CANNOT:
            bundle.say(CANNOT[int(arguments[0])])
            return 2
        else:
            columns, rows = answer(int(arguments[0]), given)
    except KeyError as error:
        bundle.say(f"No such question, or it wants {error}: python ask.py lists them.")
        return 2
    except (ValueError, IndexError, sqlite3.Error) as error:
        bundle.say(f"{error}")
        return 2
    bundle.say("\t".join(columns).replace("\t", "    "))
    for row in rows[:SHOWN]:
        bundle.say("    ".join("" if v is None else str(v) for v in row))
    bundle.say(f"{len(rows)} rows" + (f", the first {SHOWN} shown" if len(rows) > SHOWN else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
