"""Who is compared, and an environment of its own for each. Knows nothing of servers or tables."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
INSTALL_S = 1200
OURS = "ship-panel"


@dataclass(frozen=True)
class Peer:
    """A library: what pip is asked for, the script that does the job with it, and whether it gets the full size."""

    name: str
    script: str
    requirements: tuple[str, ...]
    distributions: tuple[str, ...]
    """Whose versions are told; the first is the peer's own."""
    licence: str
    slow: bool = False
    storm: bool = False


PEERS = (
    Peer("aiohttp", "ask_aiohttp.py", ("aiohttp", "pydantic"), ("aiohttp", "pydantic"), "Apache-2.0 and MIT",
         storm=True),
    Peer("litellm", "ask_litellm.py", ("litellm",), ("litellm", "openai"), "MIT", storm=True),
    Peer("instructor", "ask_instructor.py", ("instructor", "openai"), ("instructor", "openai"), "MIT", storm=True),
    Peer("curator", "ask_curator.py", ("bespokelabs-curator",), ("bespokelabs-curator", "litellm"), "Apache-2.0",
         storm=True),
    Peer("inspect-ai", "ask_inspect.py", ("inspect-ai", "openai"), ("inspect-ai", "openai"), "MIT", slow=True,
         storm=True),
    Peer("edsl", "ask_edsl.py", ("edsl[inference]",), ("edsl", "openai"), "MIT", slow=True),
    Peer("verdict", "ask_verdict.py", ("verdict",), ("verdict", "litellm", "instructor"), "MIT", slow=True),
)


def cache_folder() -> Path:
    """Where environments and results are kept, outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "ship-panel" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def python_of(peer: Peer) -> Path:
    """The interpreter of the peer's environment, made now if it is not there. Raises CalledProcessError."""
    folder = cache_folder() / peer.name
    python, stamp = folder / "bin" / "python", folder / ".ready"
    wanted = "\n".join(peer.requirements)
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"{peer.name}: installing {' '.join(peer.requirements)}", flush=True)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=INSTALL_S)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *peer.requirements], check=True, timeout=INSTALL_S,
                       capture_output=True)
        stamp.write_text(wanted)
    return python


def versions_of(python: Path, distributions: tuple[str, ...]) -> str:
    """"litellm 1.84.0, openai 2.1.0" as installed there."""
    code = "import importlib.metadata as m, sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *distributions], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def our_version() -> str:
    """The program's version, with the commit it is at and whether the checkout differs from it."""
    def told(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    changed = ", with changes" if told("status", "--porcelain", "--", "panel", "prompts", "personas") else ""
    return f"{versions_of(our_python(), (OURS,))} at {told('rev-parse', '--short', 'HEAD')}{changed}"


def our_python() -> Path:
    """The interpreter this repository is installed for."""
    return REPOSITORY / ".venv" / "bin" / "python"
