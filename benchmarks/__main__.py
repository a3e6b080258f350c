"""Run every benchmark."""

from benchmarks import loader, step

for benchmark in (step, loader):
    print(f"\n{benchmark.__doc__}")
    benchmark.main()
