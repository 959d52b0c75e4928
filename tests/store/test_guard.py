"""What a guard started ends when its owner does, also where it would rather not."""

import signal
import subprocess
import sys
from pathlib import Path

from store import guard

SLEEPS = "import time; time.sleep(600)"
STUBBORN = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGQUIT)]; print(flush=True); "
HASTY = "import sys; from store import guard; guard.FAST_S = guard.CUT_S = 0.2; sys.exit(guard.main())"
ROOT = Path(__file__).parents[2]


def ignoring() -> None:
    """As a shell does with what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def test_a_server_started_where_ctrl_c_is_ignored_ends_with_its_owner() -> None:
    words = [sys.executable, "-I", "-S", guard.__file__, "-1", sys.executable, "-c", SLEEPS]
    with subprocess.Popen(words, stdin=subprocess.PIPE, preexec_fn=ignoring) as guarding:  # noqa: PLW1509 - no other thread here
        assert guarding.stdin is not None
        guarding.stdin.close()
        assert guarding.wait(60) != 0


def test_a_server_that_heeds_nothing_is_killed() -> None:
    words = [sys.executable, "-c", HASTY, "-1", sys.executable, "-c", STUBBORN + SLEEPS]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as guarding:
        assert guarding.stdin is not None
        assert guarding.stdout is not None
        guarding.stdout.readline()
        guarding.stdin.close()
        guarding.wait(60)
