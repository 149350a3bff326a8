"""Training as a straightforward script does it, to compare with.

Images are decoded, mirrored and normalised one by one on the processor, by torch's DataLoader; the
network takes them with channels first; the margin is put on the whole (B, C) matrix by its formula,
and the Inter-Prototype term on the whole (n, n) one; the optimizer is torch's SGD as it comes; and
the loss is read in each step. Precision and arithmetic of the network are those of ours.

Shapes: B batch, D embedding, C classes.
"""

import io
import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.inter_prototype import naive_loss
from irlib.data.faces import Faces

SCALE, MARGIN = 64.0, 0.5


class Pictures(Dataset):
    """An image and its class at a time."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces

    def __len__(self) -> int:
        """Number of images."""
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """The image, perhaps mirrored, in [-1, 1], and its class."""
        file = io.BytesIO(self.faces.images.encoded(index))
        pixels = np.asarray(Image.open(file).convert("RGB"), dtype=np.float32)
        image = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        return image, int(self.faces.labels[index])


class PlainTraining:
    """One step a call.

    Args:
        backbone: freshly built, on its device.
        faces: what it is trained on.
        classes: C.
        chosen: (n,) classes of the Inter-Prototype term.
        batch_size: B.
        in_bf16: let autocast choose bf16 for the network.
        workers: processes that decode.
    """

    def __init__(
        self,
        backbone: nn.Module,
        faces: Faces,
        classes: int,
        chosen: NDArray[np.int64],
        *,
        batch_size: int,
        in_bf16: bool,
        workers: int,
    ) -> None:
        self.backbone, self.in_bf16 = backbone.train(), in_bf16
        self.device = next(backbone.parameters()).device
        with torch.no_grad():
            size = backbone.eval()(torch.zeros(1, 3, 112, 112, device=self.device)).shape[1]
        backbone.train()
        self.prototypes = nn.Parameter(torch.randn(classes, size, device=self.device))
        self.chosen = torch.from_numpy(chosen).to(self.device)
        self.optimizer = torch.optim.SGD(
            [*backbone.parameters(), self.prototypes], lr=1e-3, momentum=0.9, weight_decay=5e-4
        )
        self.loader = DataLoader(
            Pictures(faces), batch_size, shuffle=True, drop_last=True, num_workers=workers
        )
        self.batches: Iterator[tuple[Tensor, Tensor]] = iter(self.loader)

    def __call__(self) -> None:
        """Take a step."""
        images, labels = (part.to(self.device) for part in next(self.batches))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            embeddings = self.backbone(images)
        loss = F.cross_entropy(self.logits(embeddings.float(), labels), labels)
        loss = loss + naive_loss(self.prototypes[self.chosen])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.loss = loss.item()

    def logits(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """ArcFace (B, C) by cos(t + m) = cos t cos m - sin t sin m."""
        cosine = F.linear(F.normalize(embeddings), F.normalize(self.prototypes))
        sine = (1 - cosine.square()).clamp(min=1e-9).sqrt()
        shifted = cosine * math.cos(MARGIN) - sine * math.sin(MARGIN)
        past = cosine < math.cos(math.pi - MARGIN)
        shifted = torch.where(past, cosine - MARGIN * math.sin(MARGIN), shifted)
        own = torch.zeros_like(cosine).scatter(1, labels[:, None], 1.0)
        return SCALE * (own * shifted + (1 - own) * cosine)
