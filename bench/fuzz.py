"""Ten minutes of odd bytes, steered by coverage: reading, cutting and cleaning dossiers, the fence, and answers.

    python -m bench.fuzz [--minutes 10] [--target read|lines|clean|fence|answer|all] [--keep DIR]
    python -m bench.fuzz --target clean --replay FILE

What must hold is in tests/fuzz_targets.py; tests/test_fuzz.py tries the same with hypothesis for seconds. Needs
atheris (pip install atheris), which steers by the coverage of panel/. The seeds are the real dossiers and the sets of
tests/sets. An exception that is not the program's own, a rule that does not hold, and an input that takes over 2 s of
CPU for 64 KB (each grown input is the input over and over) is a finding: the smallest input of each is kept in DIR and
timed again without atheris. Exit 1 when there is one. One process, the targets one after the other.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
NAMES = ("read", "lines", "clean", "fence", "answer")
GROWN = 65536
SLOW_S = 2.0
GROWN_SHARE = 0.2
"""Of the time, for inputs grown to GROWN bytes."""
LONGEST = 8192
HANGS_S = 60
WORDS = (
    "<!--", "-->", "<div style='display:none'>", "</div>", "<p hidden>", "<script>", "</script>", "<svg>", "<template>",
    "&lt;", "&amp;", "&#8203;", "&#x202e;", "```\n", "~~~", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "[INST]",
    "<<SYS>>", "<think>", "</think>", "<<<dossier ", ">>>", "[999] ", "\u200b", "\u200d", "\u202e", "\u2028", "\ufe0f",
    "\U000e0041", "\ufeff", "\u0301", "\x1e", "\x1b[31m", "](", "![", "[x]: ", "|---|", "- ", "# ", "name: ",
    "tagline: ", "---\n", "{\"name\": ", "\"verdict\": \"ship\"", "\"score\": 100", "\"lines\": [1]", "\\u0000",
)  # fmt: skip


def rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def seeds(name: str) -> Iterator[bytes]:
    """What mutation starts from."""
    data, sets = ROOT.parent / "shared" / "data", ROOT / "tests" / "sets"
    texts = [row.get("text") or row["fields"]["description"]
             for kind in ("injections", "hidden", "benign") for row in rows(sets / f"{kind}.jsonl")]
    texts = [text[:2000] for text in texts]
    records = [json.loads(path.read_text("utf-8")) for path in sorted(data.glob("*/*.json"))]
    for record in records:
        record["description"] = record["description"][:1200]
    if name == "answer":
        yield from (row["answer"].encode() for row in rows(ROOT / "bench" / "quality" / "answers.jsonl"))
        yield from (text.encode("utf-8", "surrogatepass") for text in texts if "{" in text)
    elif name == "clean":
        yield from (text.encode("utf-8", "surrogatepass") for text in texts)
        yield from (record["description"].encode() for record in records)
    elif name == "read":
        yield from files(records)
    else:
        for number, record in enumerate(records):
            parts = (record["description"], record["name"], record["tagline"], "It folds.")
            yield bytes([number * 7 % 256]) + "\x1e".join(parts).encode()
        for text in texts:
            yield b"\x00" + f"{text}\x1eX\x1e{text[:80]}\x1e{text}".encode("utf-8", "surrogatepass")


def files(records: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """A record in each format; the first byte says which (fuzz_targets.KINDS)."""
    from fuzz_targets import KINDS

    for record in records:
        flat = {key: value for key, value in record.items() if isinstance(value, str)}
        yaml = "".join(f"{key}: {json.dumps(value)}\n" for key, value in flat.items())
        table = ",".join(flat) + "\n" + ",".join('"' + value.replace('"', '""') + '"' for value in flat.values())
        for number, kind in enumerate(KINDS):
            text = {"yaml": yaml, "yml": f"- {yaml.replace(chr(10), chr(10) + '  ')}", "csv": table, "-": yaml,
                    "tsv": table.replace(",", "\t"), "md": f"---\n{yaml}---\n{record['description']}",
                    }.get(kind.lstrip("."), json.dumps(record))  # fmt: skip
            yield bytes([number]) + text.encode()


class Findings:
    """What did not hold, one of a kind, each with the smallest input that shows it; written to a folder at once."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._sizes: dict[str, int] = {}

    def note(self, kind: str, why: str, data: bytes) -> None:
        if len(data) >= self._sizes.get(kind, sys.maxsize):
            return
        self._sizes[kind] = len(data)
        path = self._folder / f"{self._name}-{hashlib.sha256(kind.encode('utf-8', 'replace')).hexdigest()[:8]}"
        path.with_suffix(".bin").write_bytes(data)
        path.with_suffix(".txt").write_text(why, "utf-8", "backslashreplace")

    def broken(self, error: BaseException, data: bytes) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = str(error).partition(":")[0][:60]
        why = "".join(traceback.format_exception(error))[-3000:]
        self.note(f"{type(error).__name__} {Path(place.filename).name}:{place.lineno} {words}", why, data)


class Trial:
    """One input after the other through a target; now and then one that is grown to GROWN bytes."""

    def __init__(self, check: Callable[[bytes], None], findings: Findings) -> None:
        self._check = check
        self._findings = findings
        self._small = self._grown = 0.0

    def __call__(self, data: bytes) -> None:
        self._small += self._timed(data)
        if data and self._grown < GROWN_SHARE * self._small:
            self._grown += self._timed((data * (GROWN // len(data) + 1))[:GROWN])

    def _timed(self, data: bytes) -> float:
        started = time.process_time()
        try:
            self._check(data)
        except Exception as error:  # whatever it is, it is what is looked for
            self._findings.broken(error, data)
        took = time.process_time() - started
        if took > SLOW_S:
            self._findings.note("slow", f"{took:.1f} s of CPU for {len(data)} bytes, steered by atheris", data)
        return took


def fuzz(name: str, folder: Path, seconds: float) -> None:
    """In a process of its own: never returns, libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["panel"]):
        from fuzz_targets import TARGETS
    corpus = folder / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{"".join(f"{chr(92)}x{byte:02X}" for byte in word.encode())}"\n' for word in WORDS))
    options = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", f"-timeout={HANGS_S}", f"-dict={words}",
               f"-artifact_prefix={folder}/{name}-stopped-", "-print_final_stats=1", "-rss_limit_mb=3000", str(corpus)]
    atheris.Setup(["fuzz", *options], Trial(TARGETS[name], Findings(folder, name)))
    atheris.Fuzz()


def run(name: str, folder: Path, seconds: float) -> str:
    """One target for so long; a line of the table. What libFuzzer itself stopped (a hang, memory) is started again."""
    until, executions, first, last = time.monotonic() + seconds, 0, 0, 0
    while (left := until - time.monotonic()) > 5:
        words = [sys.executable, "-m", "bench.fuzz", "--target", name, "--child", str(left), "--keep", str(folder)]
        with tempfile.TemporaryFile("w+", errors="replace") as log:
            done = subprocess.run(words, cwd=ROOT, stderr=log, stdout=log, timeout=left + 4 * HANGS_S, check=False)
            log.seek(0)
            said = log.read()
        covered = [int(found) for found in re.findall(r"\bcov: (\d+)", said)]
        counted = re.findall(r"number_of_executed_units: (\d+)", said) or re.findall(r"^#(\d+)", said, re.MULTILINE)
        if not covered:
            raise SystemExit(f"{name}: atheris did not start:\n{said[-2000:]}")
        executions += int(counted[-1]) if counted else 0
        begun = re.search(r"INITED\s+cov: (\d+)", said)
        first, last = first or (int(begun[1]) if begun else covered[0]), max(last, covered[-1])
        if done.returncode != 0:
            print(f"  {name}: stopped with {done.returncode}: {said[-600:]}")
    found = len(list(folder.glob(f"{name}-*.bin")))
    return f"| {name} | {seconds:.0f} | {executions:,} | {first:,} to {last:,} | {found} |"


def replay(name: str, path: Path) -> str:
    """What one input does without atheris, and how long it takes."""
    from fuzz_targets import TARGETS

    started, said = time.process_time(), "holds"
    try:
        TARGETS[name](path.read_bytes())
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    return f"{said[:300]} ({time.process_time() - started:.2f} s, {path.stat().st_size} bytes)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--target", choices=(*NAMES, "all"), default="all")
    parser.add_argument("--keep", type=Path, help="where findings are kept; a new folder without it")
    parser.add_argument("--replay", type=Path, metavar="FILE")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.replay:
        print(replay(asked.target, asked.replay))
        return
    if importlib.util.find_spec("atheris") is None:
        raise SystemExit("bench.fuzz needs atheris, a tool for this bench only: run pip install atheris")
    if asked.child:
        fuzz(asked.target, asked.keep, asked.child)
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    names = NAMES if asked.target == "all" else (asked.target,)
    print("| target | seconds | executions | coverage | findings |\n|---|---|---|---|---|", flush=True)
    for name in names:
        print(run(name, folder, asked.minutes * 60 / len(names)), flush=True)
    found = sorted(folder.glob("*.bin")) + sorted(folder.glob("*-stopped-*"))
    for path in found:
        print(f"{path}: {replay(path.name.partition('-')[0], path)}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
