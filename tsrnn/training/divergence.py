"""Messages about a training that diverges, for the trainer and for a diagnosis."""

CLIP_NORM = 1.0  # maximum gradient norm: the default, and the advice


def describe_divergence(epoch: int, loss: float) -> str:
    """What happened, as the end of a sentence that begins with "training"."""
    return f"diverged in epoch {epoch}: the loss exploded to {loss:.4g}"


def divergence_advice(learning_rate_init: float, max_grad_norm: float) -> str:
    """Remedy: clip gradients if they are not clipped yet, or lower the learning rate."""
    lower_rate = f"ower learning_rate_init={learning_rate_init:g}."
    if max_grad_norm <= CLIP_NORM:
        return f"L{lower_rate}"
    return f"Clip gradients (max_grad_norm={CLIP_NORM:g}) or l{lower_rate}"
