"""Turns the end of our process, however it comes, into an orderly stop of the database server it started.

Run as a script of its own (``python -I -S guard.py UID COMMAND...``) with a pipe as its standard input whose other end only the
owner holds. While the pipe is open the server runs; when it closes, by ``stop()`` or because the owner was killed, the server
gets SIGINT (PostgreSQL's fast shutdown: sessions are cut, everything is written). Should the guard itself be killed, the kernel
sends the server the same signal. A guard is needed because that kernel promise is bound to the *thread* that started the
server: asked for by the owner directly, it would stop the database when a worker thread of the event loop ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1  # prctl(2), Linux
FAST_S = 120  # a fast shutdown writes a checkpoint; after this long it is cut short, and the next start recovers from the log
CUT_S = 10  # for PostgreSQL SIGQUIT cuts it short; of a JVM it asks no more than where its threads are


def main() -> int:
    """Run the server until it ends or the owner does; its exit code is ours."""
    uid, command = int(sys.argv[1]), sys.argv[2:]
    guard = os.getpid()
    # Loaded here: between fork and exec nothing may be allocated that another thread could hold a lock on.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def die_with_guard() -> None:
        # In the background of a shell Ctrl-C is ignored, by whatever is started there too: a JVM then passes over what we send.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != guard:  # the guard went first
                os._exit(1)

    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd="/",
        user=uid if uid >= 0 else None,
        group=uid if uid >= 0 else None,
        extra_groups=[] if uid >= 0 else None,
        preexec_fn=die_with_guard,  # noqa: PLW1509 (this process has no other thread yet)
    )

    def stop_at_end_of_pipe() -> None:
        # By number: a thread that waits inside sys.stdin holds its lock, and the interpreter aborts at its end.
        while os.read(0, 4096):
            pass
        server.send_signal(signal.SIGINT)
        try:
            server.wait(FAST_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            try:
                server.wait(CUT_S)
            except subprocess.TimeoutExpired:
                server.kill()

    threading.Thread(target=stop_at_end_of_pipe, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
