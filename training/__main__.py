"""`python -m training`: makes cadence_app/consent/intent/weights.json from the lines, the same each time.

Three ways to measure, which write nothing: `--leave-one-out` reads each author by weights that do not know
them; `--held-out` fits on four groups of lines of five and scores the fifth, in turn; `--read FILE` reads
lines that nobody here may look into by the weights that ship, and says only how many were read rightly.
"""

from __future__ import annotations

import argparse
import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path

from cadence_app.consent.intent import classifier
from training import data, fit, held_out, leave_one_out

VERSION = 4
# From authors left out, and frozen: a change is a new version.
_FLAGS_AT = 1.4
_SETS_ASIDE_BELOW = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--read", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.read:
        print(leave_one_out.read(options.read, classifier.load()))
        return
    rows = data.rows()
    if options.held_out:
        print(held_out.report(rows))
    elif options.leave_one_out:
        frozen = replace(classifier.load(), flags_at=_FLAGS_AT, sets_aside_below=_SETS_ASIDE_BELOW)
        print(leave_one_out.report(rows, frozen))
    else:
        _write(rows)


def _write(rows: list[data.Row]) -> None:
    made = fit.classifier(*fit.fitted(fit.matrix([row.text for row in rows]), rows))
    kept = {
        "version": VERSION,
        "flags_at": _FLAGS_AT,
        "sets_aside_below": _SETS_ASIDE_BELOW,
        "data": data.checksum(rows),
        "bias": made.bias,
        "step": made.step,
        "weights": base64.b64encode(zlib.compress(made.weights.tobytes(), 9)).decode(),
    }
    classifier.WEIGHTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="ascii")
    size = classifier.WEIGHTS.stat().st_size
    known = len(made.weights) - made.weights.count(0)
    print(f"{len(rows):,} rows; {known:,} weights; {size:,} bytes")


if __name__ == "__main__":
    main()
