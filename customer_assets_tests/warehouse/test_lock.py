import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from customer_assets.warehouse.lock import writer_lock
from customer_assets.warehouse.process import Process

HOLD = """
import sys, time
from pathlib import Path
from customer_assets.warehouse.lock import writer_lock
with writer_lock(Path(sys.argv[1]), "run 7"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_waits_and_says_for_whom(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "shop")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = []

        def tell(text):
            told.append(text)
            # The system releases a dead process's lock.
            holder.kill()

        with writer_lock(tmp_path / "shop", "run 8", tell):
            pass
    who = f"process {holder.pid} on {socket.gethostname()}"
    assert told == [f"shop: waiting for run 7 ({who}), which is writing"]


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="boots are told by /proc")
def test_a_process_from_before_a_reboot_is_gone_though_its_number_is_in_use_again():
    process = Process.current()
    boot, ticks = process.started.split()
    assert not process.is_gone()
    assert replace(process, started=f"{boot[::-1]} {ticks}").is_gone()
    assert not replace(process, host="elsewhere", started="?").is_gone()
