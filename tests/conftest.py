"""What all tests share."""

import os

# One thread for linear algebra: the matrices are small, and pytest-xdist has a process for each core already.
for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")

from hypothesis import settings  # noqa: E402

settings.register_profile("shared machine", deadline=None)  # no test asserts a time
settings.load_profile("shared machine")
