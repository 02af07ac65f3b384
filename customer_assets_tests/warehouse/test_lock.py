import socket
import subprocess
import sys

from customer_assets.warehouse.lock import writer_lock

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
