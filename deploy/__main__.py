"""`python -m deploy`."""

import sys

if __name__ == "__main__":
    try:
        from deploy.cli import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # while the libraries load; `main` answers every later one
        print("Interrupted before anything was sent.", file=sys.stderr)
        sys.exit(130)
