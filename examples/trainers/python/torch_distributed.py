"""
One peer that is several processes: `python3 torch_distributed.py mine.py --processes 2` trains what torch_module.py does, each process on its
part of every batch. The node starts this launcher; it starts `torchrun` and hands the node's descriptors to rank 0, which speaks for
all. Ranks 1 and up hear from rank 0 what to do. A rank that dies takes the others along, and the node starts all of them again.
"""

import argparse
import ctypes
import datetime
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile

DESCRIPTORS = "STARLINGS_DESCRIPTORS"
# Ranks wait for as long as a round may last; that rank 0 is gone they hear from the end of its connection.
PATIENCE = datetime.timedelta(days=2)


def launch(processes):
    """Ends as torchrun does."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command += ["--nproc-per-node", str(processes), *sys.argv]
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        path = os.path.join(folder, "rank-0")
        door.bind(path)
        door.listen(1)
        door.settimeout(1)
        environment = {"GLOO_SOCKET_IFNAME": "lo", **os.environ, DESCRIPTORS: path, "OMP_NUM_THREADS": "1"}
        run = subprocess.Popen(command, env=environment)
        # Asked to end, torchrun ends its ranks, which are in sessions of their own.
        signal.signal(signal.SIGTERM, lambda *_: run.terminate())
        while run.poll() is None:
            try:
                caller, _ = door.accept()
            except TimeoutError:
                continue
            with caller:
                socket.send_fds(caller, [b"."], [3, 4])
            # Ours must not keep the node's pipes open.
            os.close(3)
            os.close(4)
            break
    return run.wait()


def take_descriptors(path):
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        _, given, _, _ = socket.recv_fds(door, 1, 2)
    # What is given may lie at 3 and 4 itself: out of the way first.
    for place, fd in zip((3, 4), [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in given]):
        os.dup2(fd, place)
        os.close(fd)
    for fd in given:
        if fd > 4:
            os.close(fd)


def die_with_parent():
    """Linux tells a process of the end of the one that started it: a torchrun that is killed cannot end its ranks."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def rank_of_many(path):
    die_with_parent()
    rank = int(os.environ["RANK"])
    print(f"rank {rank} of {os.environ['WORLD_SIZE']} is process {os.getpid()}", flush=True)
    if rank == 0:
        take_descriptors(os.environ[DESCRIPTORS])
    import torch.distributed as dist
    from distributed_module import DistributedTrainer, follow
    from starlings_trainer import serve

    dist.init_process_group("gloo", timeout=PATIENCE)
    trainer = DistributedTrainer(path)
    if rank == 0:
        serve(trainer)
    follow(trainer)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="a trainer of several processes")
    options.add_argument("module", help="file as torch_module.py takes it")
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args()
    if "RANK" in os.environ:
        rank_of_many(chosen.module)
    else:
        sys.exit(launch(chosen.processes))
