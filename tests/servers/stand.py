"""``python -m tests.servers.stand COMMAND …``: run it while a PostgreSQL and an S3 server of our own stand ready.

The command finds them in ``RETROSPEC_BENCH_DATABASE`` and ``RETROSPEC_BENCH_BLOBS``; they end with it.
"""

import os
import subprocess
import sys

from tests.servers.programs import postgres, s3


def main() -> int:
    """The command's exit code."""
    given = {"RETROSPEC_BENCH_DATABASE": postgres().new_database(), "RETROSPEC_BENCH_BLOBS": s3().new_store()}
    return subprocess.run(sys.argv[1:], env=os.environ | given, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
