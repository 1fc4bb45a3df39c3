"""`python -m benchmarks [NAME ...]`: run benchmarks and print a row for each. It asserts nothing."""

import sys

from benchmarks import control_plane, definition, deploying, environment, invocations, jobs, rehearsal

BENCHMARKS = {
    "environment": environment.measure,
    "definition": definition.measure,
    "jobs": jobs.measure,
    "control": control_plane.measure,
    "invocations": invocations.measure,
    "deploy": deploying.measure,
    "rehearsal": rehearsal.measure,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; exit code 2 when a name is unknown."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            print(f"{name:<12} {row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
