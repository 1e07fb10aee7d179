"""`python -m tests.benchmarks`: the ratios that the README shows, peers in turns, medians.

`python -m tests.benchmarks gpt` prints one of the tables.
"""

import argparse
import importlib
import os

TABLES = {
    "engine": "scalar_engine",
    "moons": "vectorized_moons",
    "gpt": "vectorized_gpt",
    "digits": "vectorized_digits",
    "compile": "vectorized_compile",
}
THREADS = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")  # NumPy's; PyTorch's are set where it is imported


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(TABLES)}; without one, all")
    names = parser.parse_args().tables or list(TABLES)
    if unknown := set(names) - set(TABLES):
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    os.environ.update(dict.fromkeys(THREADS, "1"))  # read when NumPy is imported, which is later
    from tests.benchmarks.timing import lacks, machine

    print(f"{machine()}\nlinear algebra on one thread, except where a row says otherwise; float64")
    for name in names:
        print(f"\n------------------------------------------------ {name}")
        if name == "engine" and lacks("micrograd", "this table, whose demo it is"):
            continue
        importlib.import_module(f"tests.benchmarks.{TABLES[name]}").main()


if __name__ == "__main__":
    main()
