"""The devices that a rank computes on: its task's cores, and the GPU that Spark assigned to it."""

import os
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from mmdin.errors import ClusterError
from mmdin.training.ranks import Communicator


def configure_device(communicator: Communicator, threads: int) -> None:
    """Limit TensorFlow to a number of threads and to the GPU of this rank's task, if it has one.

    Prints which GPU that is.

    Raises:
        ClusterError: TensorFlow does not see the GPU that Spark assigned.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    gpus = tf.config.list_physical_devices("GPU")
    chosen = choose_gpu(communicator.gpu_addresses, [gpu.name for gpu in gpus])
    # A rank without a GPU must not use one that is assigned to another rank.
    tf.config.set_visible_devices([] if chosen is None else [gpus[chosen]], "GPU")
    if chosen is not None:
        tf.config.experimental.set_memory_growth(gpus[chosen], True)
        message = f"rank {communicator.rank} on {communicator.host} computes on GPU {chosen}"
        print(message, flush=True)


def choose_gpu(addresses: Sequence[str], visible: Sequence[str]) -> int | None:
    """Find the GPU that Spark assigned among those that TensorFlow sees.

    Spark's address is an index on the host. In a container that shows only the task's own GPU, the
    index can be beyond the GPUs that are visible; the only visible one is then the assigned one.

    Args:
        addresses: Spark's addresses of the task's GPUs, such as ["1"].
        visible: names of TensorFlow's GPUs.

    Returns:
        An index into `visible`, or None if Spark assigned no GPU.

    Raises:
        ClusterError: the assigned GPU is not among the visible ones.
    """
    if not addresses:
        return None
    address = addresses[0]
    if address.isdigit() and int(address) < len(visible):
        return int(address)
    if len(visible) == 1:
        return 0
    raise ClusterError(
        f"Spark assigned GPU {address} to a rank, and TensorFlow sees {len(visible)} GPUs on its "
        "host: install tensorflow[and-cuda], and a driver that fits it, on the executors' hosts"
    )


def pin_to_cores(local_rank: int, cores: int) -> None:
    """Pin this process, with its present and future threads, to as many cores as its task has.

    Without that, a single rank reads on cores that other ranks would compute on, and looks faster
    than it is. On a host with fewer cores than all of its ranks need, nothing is pinned.

    Args:
        local_rank: number of this rank among those of its host.
        cores: cores per rank.
    """
    pinned = sorted(os.sched_getaffinity(0))[local_rank * cores :][:cores]
    if len(pinned) == cores:
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setaffinity(int(thread.name), pinned)
