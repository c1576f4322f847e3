"""Let persons walk at random around orders and notices, and count what left without those whom the rule asks for.

Run: python -m tools.walk_orders --steps 100000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def main() -> int:
    """Walk; prints one JSON object, and fails where something left that must not."""
    from walking import Walk

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=float, default=0.01, help="how often something new is drawn up")
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="staydown-walk-") as folder:
        walk = Walk(Path(folder) / "home", asked.seed, draws=asked.draws)
        try:
            for at in range(asked.steps):
                walk.step()
                if at % 1000 == 999:
                    print(f"{at + 1} steps, {len(walk.violations)} violations", file=sys.stderr)
        finally:
            walk.close()
    row = {
        "steps": asked.steps,
        "seed": asked.seed,
        "violations": len(walk.violations),
        "counts": dict(sorted(walk.counts.items())),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(row))
    for line in walk.violations[:20]:
        print(line, file=sys.stderr)
    return 1 if walk.violations else 0


if __name__ == "__main__":
    sys.exit(main())
