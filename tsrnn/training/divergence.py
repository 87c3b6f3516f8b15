"""What is said of a training whose loss explodes, by the trainer and by a diagnosis."""

CLIPPED = 1.0  # the norm that gradients are cut to by default, and that is advised


def exploded(epoch: int, loss: float) -> str:
    """What happened in the epoch, the end of a sentence that begins with "training"."""
    return f"diverged in epoch {epoch}: the loss exploded to {loss:.4g}"


def calm(learning_rate_init: float, max_grad_norm: float) -> str:
    """What to do against it: cut the gradients where nothing does, take shorter steps."""
    lower = f"ower learning_rate_init={learning_rate_init:g}."
    if max_grad_norm <= CLIPPED:
        return f"L{lower}"
    return f"Clip gradients (max_grad_norm={CLIPPED:g}) or l{lower}"
