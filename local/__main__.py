"""`python -m local`."""

import signal
import sys

if __name__ == "__main__":
    try:
        from local.cli import main

        code = main(sys.argv[1:])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all has ended: nothing is left to interrupt
        sys.exit(code)
    except KeyboardInterrupt:  # while the libraries load; `main` answers every later one
        print("Interrupted before anything was started.", file=sys.stderr)
        sys.exit(130)
