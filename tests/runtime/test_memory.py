"""Keeping freed memory: in processes of their own, for it changes them."""

import platform
import subprocess
import sys

import pytest

from jaxcodec.runtime import memory

# Pages that the system hands out for twenty blocks of 64 MB, each written and freed, after a first
# one.
FAULTS = """
import resource
from jaxcodec.runtime import memory
{call}
count = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
write = lambda: bytes([1]) * 2**26
write(); start = count()
for _ in range(20): write()
print(count() - start)
"""


def faults(call):
    run = subprocess.run(
        [sys.executable, "-c", FAULTS.format(call=call)], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep what is freed"
)
def test_freed_memory_is_used_again():
    assert faults("assert memory.keep_freed_memory()") < faults("") / 10


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory.keep_freed_memory() is False
