"""Run the simulations: `python -m customer_assets_tests.evidence [--draws N] [--only WORDS]`.

`--page` only writes the page anew from the record. Ends with status 1 where an interval covers less
or more often than it may.
"""

import argparse
import sys
import time

from customer_assets_tests.evidence.page import (
    PAGE,
    RECORD,
    STATEMENTS,
    found,
    page,
    read_record,
    write_record,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m customer_assets_tests.evidence")
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--only", default="", help="only the statements whose kind has these words")
    parser.add_argument("--page", action="store_true", help="write the page of what is recorded")
    options = parser.parse_args()
    if options.page:
        PAGE.write_text(page(read_record()))
        return 0
    record = read_record() if RECORD.exists() else {}
    wrong = []
    for statement in STATEMENTS:
        if options.only not in statement.kind:
            continue
        began = time.monotonic()
        each = record[statement.kind] = found(statement, options.draws)
        seconds = time.monotonic() - began
        print(f"{each.share:7.1%} of {each.n_draws:,}  {seconds:5.0f} s  {statement.kind}")
        sys.stdout.flush()
        if not statement.lowest <= each.share <= statement.highest:
            wrong.append(statement.kind)
    kinds = {statement.kind for statement in STATEMENTS}
    write_record({kind: each for kind, each in record.items() if kind in kinds})
    if kinds <= record.keys():
        PAGE.write_text(page(record))
        print(PAGE)
    for kind in wrong:
        print(f"does not cover as it says: {kind}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
