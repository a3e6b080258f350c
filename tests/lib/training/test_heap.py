import ctypes
import subprocess
import sys

import pytest

COUNT = """
import ctypes, sys, threading
{shared}
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
all_there = threading.Barrier(3)
def take():
    all_there.wait()
    libc.malloc(1000)
    all_there.wait()
threads = [threading.Thread(target=take) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
file = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fflush(None)
"""


def heaps(shared: str) -> int:
    """How many heaps glibc has for a process whose threads take memory at the same time."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(shared=shared)], capture_output=True, check=True
    )
    return done.stdout.count(b"<heap ")


def test_threads_share_one_heap() -> None:
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_info"):
        pytest.skip("only glibc has heaps to count")
    assert heaps("") > 1
    assert heaps("from lib.training.heap import share_heap; share_heap()") == 1
