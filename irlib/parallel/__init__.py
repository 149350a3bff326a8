"""What several processes of one training share: sums, rows, batch statistics, shards of a table.

One process without a process group is a world of one, in which nothing is sent.

Every process computes the same scalar loss L from the batch of all, and calls backward on
L / size. Collectives differentiate as what they are, sums over processes. Then what one process
holds alone, such as its rows of the prototypes, gets its whole gradient; and what all hold alike,
such as the backbone, gets a part in each, and the sum of the parts is the gradient.
"""

from irlib.parallel.batch_norm import share_batch_norm
from irlib.parallel.collectives import exchanged, gathered, largest, summed
from irlib.parallel.shards import Shard
from irlib.parallel.world import rank, size

__all__ = [
    "Shard",
    "exchanged",
    "gathered",
    "largest",
    "rank",
    "share_batch_norm",
    "size",
    "summed",
]
