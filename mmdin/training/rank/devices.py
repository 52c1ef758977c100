"""What a rank computes on: its task's cores, and the GPU that Spark assigned to its task."""

from collections.abc import Sequence

import tensorflow as tf

from mmdin.errors import ClusterError
from mmdin.training.ranks import Ranks


def take_device(ranks: Ranks, threads: int) -> None:
    """Bind TensorFlow to so many threads and to the GPU of this rank's task, if it has one.

    Says which GPU. Raises ClusterError where TensorFlow does not see the GPU that Spark assigned.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    gpus = tf.config.list_physical_devices("GPU")
    chosen = choose_gpu(ranks.gpu_addresses, [gpu.name for gpu in gpus])
    # Without a GPU of its own a rank must not take one that is another's.
    tf.config.set_visible_devices([] if chosen is None else [gpus[chosen]], "GPU")
    if chosen is not None:
        tf.config.experimental.set_memory_growth(gpus[chosen], True)
        print(f"rank {ranks.rank} on {ranks.host} computes on GPU {chosen}", flush=True)


def choose_gpu(addresses: Sequence[str], seen: Sequence[str]) -> int | None:
    """Index, among the GPUs that TensorFlow sees, of the one that Spark assigned.

    None where Spark assigned none. Where a container shows nothing but the task's own GPU, Spark's
    address, an index on the host, can lie beyond those seen: then the only one seen is it.

    Args:
        addresses: Spark's addresses of the task's GPUs, such as ["1"].
        seen: names of TensorFlow's GPUs.

    Raises ClusterError where the GPU is not among those seen.
    """
    if not addresses:
        return None
    address = addresses[0]
    if address.isdigit() and int(address) < len(seen):
        return int(address)
    if len(seen) == 1:
        return 0
    raise ClusterError(
        f"Spark assigned GPU {address} to a rank, and TensorFlow sees {len(seen)} GPUs on its "
        "host: install tensorflow[and-cuda], and a driver that fits it, where executors run"
    )
