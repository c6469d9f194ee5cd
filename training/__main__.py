"""`python -m training`: makes cadence_app/consent/intent/weights.json from the lines, the same each time.

`python -m training --held-out` fits on four groups of five and scores the fifth, in turn, and prints what
each threshold would give; nothing is written.
"""

from __future__ import annotations

import argparse
import base64
import json
import zlib

import numpy as np

from cadence_app.consent.intent import classifier
from training import data, held_out
from training.fit import fitted, matrix

VERSION = 2
# From held-out groups, and frozen: a change is a new version.
_FLAGS_AT = 1.1
_SETS_ASIDE_BELOW = -2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true")
    options = parser.parse_args()
    rows = data.rows()
    if options.held_out:
        print(held_out.report(rows))
        return
    weights, bias = fitted(matrix([row.text for row in rows]), rows)
    step = float(np.abs(weights).max()) / 127
    whole = np.rint(weights / step).astype(np.int8)
    kept = {
        "version": VERSION,
        "flags_at": _FLAGS_AT,
        "sets_aside_below": _SETS_ASIDE_BELOW,
        "data": data.checksum(rows),
        "bias": round(bias, 6),
        "step": round(step, 8),
        "weights": base64.b64encode(zlib.compress(whole.tobytes(), 9)).decode(),
    }
    classifier.WEIGHTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="ascii")
    size = classifier.WEIGHTS.stat().st_size
    print(f"{len(rows):,} rows; {np.count_nonzero(whole):,} weights; {size:,} bytes")


if __name__ == "__main__":
    main()
