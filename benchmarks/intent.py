"""How well free-text intent detection reads the lines of tests/consent/intent_lines.tsv, and how fast.

Speed is a ratio to reading keywords in the same run; growth is what twice as long a hostile text costs.
"""

from __future__ import annotations

import json
import statistics
import timeit
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from cadence_app.consent import keywords
from cadence_app.consent.intent import reads_like_opt_out
from tests.consent.intent_lines import FIRST_LOOK, Line, Score, held_out, lines, score

HOSTILE = (
    "stop ",
    "please stop ",
    "don't ",
    "no more ",
    "take my number off ",
    "s.t.o.",
    "!?",
    "\u4e0d\u8981",
)
# Ten segments of a text in GSM-7, rounded up.
_LONG = 1600


def report(folder: Path, rounds: int) -> str:
    """Measures, writes intent.json and intent.md to the folder and returns the latter's text."""
    results = measure(rounds)
    (folder / "intent.json").write_text(json.dumps(results, indent=2) + "\n")
    text = _markdown(results)
    (folder / "intent.md").write_text(text)
    return text


def measure(rounds: int) -> dict[str, Any]:
    every = lines()
    return {
        "lines": len(every),
        "others": sum(not line.opt_out for line in every),
        "first_look": {part: _figures(found) for part, found in FIRST_LOOK.items()},
        "first_looks_together": _figures(sum(FIRST_LOOK.values(), Score(0, 0, 0))),
        "held_out": _figures(score(held_out())),
        "now": _figures(score(every)),
        "languages": {
            language: _figures(score(line for line in every if line.language == language))
            for language in sorted({line.language for line in every})
        },
        "speed": _speed(every, rounds),
        "growth": {text.strip(): _growth(text, rounds) for text in HOSTILE},
    }


def _figures(found: Score) -> dict[str, float]:
    return {**asdict(found), "precision": found.precision, "recall": found.recall}


def _speed(every: list[Line], rounds: int) -> dict[str, float]:
    """Median microseconds a line, and the ratio to reading the line for a keyword."""
    intent, keyword = [], []
    for _ in range(rounds):
        intent.append(timeit.timeit(lambda: [reads_like_opt_out(line.text) for line in every], number=1))
        keyword.append(timeit.timeit(lambda: [keywords.read(line.text, {}) for line in every], number=1))
    ratios = [one / other for one, other in zip(intent, keyword, strict=True)]
    return {
        "intent_us": statistics.median(intent) / len(every) * 1e6,
        "keywords_us": statistics.median(keyword) / len(every) * 1e6,
        "ratio": statistics.median(ratios),
    }


def _growth(text: str, rounds: int) -> float:
    """How many times longer a hostile text of twice the length takes; 2 is as it should be."""
    short = (text * _LONG)[:_LONG]
    twice, once = (
        min(timeit.repeat(partial(reads_like_opt_out, text), number=1, repeat=5 * rounds))
        for text in (short * 2, short)
    )
    return twice / once


def _markdown(results: dict[str, Any]) -> str:
    speed = results["speed"]
    text = [
        f"# Free-text intent, {results['lines']:,} lines ({results['others']:,} that are no opt out)",
        "",
        "The method is in [docs/intent.md](../../docs/intent.md). A round's first look is its score when its",
        "lines were new to the phrases: the fair estimate of what a new text meets. Then it was learnt from.",
        "",
        "| Lines | Right | Flagged for nothing | Missed | Precision | Recall |",
        "|---|---|---|---|---|---|",
    ]
    text += [
        _row(f"{part.replace('_', ' ')}, first look", row) for part, row in results["first_look"].items()
    ]
    text += [_row("**first looks together**", results["first_looks_together"])]
    text += [_row("held out of phrases and classifier", results["held_out"])]
    text += [_row("all lines now (learnt from)", results["now"])]
    text += [
        "",
        "All lines now, by language:",
        "",
        "| Language | Right | For nothing | Missed | Precision | Recall |",
    ]
    text += ["|---|---|---|---|---|---|"]
    text += [_row(language, row) for language, row in results["languages"].items()]
    text += [
        "",
        f"One line takes {speed['intent_us']:.0f} microseconds (median), {speed['ratio']:.1f} times what"
        f" reading it for a keyword takes ({speed['keywords_us']:.0f}).",
        f"Hostile texts of {_LONG * 2:,} characters take, against {_LONG:,}: "
        + ", ".join(f"{growth:.1f} times (`{name}`)" for name, growth in results["growth"].items())
        + ".",
    ]
    return "\n".join(text) + "\n"


def _row(name: str, row: dict[str, float]) -> str:
    counts = " | ".join(str(row[key]) for key in ("right", "false", "missed"))
    return f"| {name} | {counts} | {row['precision']:.3f} | {row['recall']:.3f} |"
