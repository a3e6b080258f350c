"""Run every benchmark."""

from benchmarks import loader, save, step

for benchmark in (step, loader, save):
    print(f"\n{benchmark.__doc__}")
    benchmark.main()
