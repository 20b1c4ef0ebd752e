"""`python -m bench`: every benchmark, one after the other. See bench/RESULTS.md for what was seen."""

from bench import cold_start, overhead

if __name__ == "__main__":
    cold_start.main()
    overhead.main()
