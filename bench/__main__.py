"""`python -m bench`: the benchmarks that take minutes, one after the other. bench/RESULTS.md has what was seen.

By hand, because they take longer: `bench.budget`, `bench.estimate`, `bench.batch`, `bench.resume`, `bench/store.py
1000000`, `bench.peers`, `bench.injection`, `bench.fuzz`, `bench/starter.py`, `bench.token_rate`.
"""

from bench import claims, cold_start, launches, limits, overhead, storm

if __name__ == "__main__":
    claims.main(["--set", "dev"])
    claims.main(["--set", "held-out"])
    cold_start.main()
    overhead.main([])
    launches.main()
    limits.main([])
    storm.main([])
