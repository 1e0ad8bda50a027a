"""Time to the next vertebral fracture as a network learns it: two losses, censoring accounted for.

The paper gives risks at 2, 3 and 5 years and does not say by which head. Discrete hazards of five
yearly intervals are the default (ours): they need no table of a baseline. Cox's partial likelihood
(1972; ties as Breslow 1974) is the other.
"""

import torch
from torch import Tensor

#: Intervals, of a year each.
YEARS = 5


def hazards_loss(logits: Tensor, years: Tensor, event: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of discrete hazards.

    Who has the event in an interval adds the log of its hazard, and of each interval before it the
    log of having passed it. Who is lost within an interval has passed that part of it that was
    observed, the hazard being even within an interval; at five years observation ends for all.

    Parameters
    ----------
    logits : Tensor
        float32, shape (N, 5): log odds of the hazard in each year.
    years : Tensor
        float32, shape (N,), at least 0: to the event or to the end of observation; NaN is unknown
        and counts for nothing.
    event : Tensor
        float32, shape (N,): 1 if it was the event.
    """
    known = torch.isfinite(years) & torch.isfinite(event)
    if not known.any():
        return logits.sum() * 0
    logits, years, event = logits[known], years[known], event[known]
    starts = torch.arange(YEARS, device=years.device)
    observed = (years[:, None] - starts).clamp(0, 1)
    happened = (event[:, None] > 0) & (years[:, None] > starts) & (years[:, None] <= starts + 1)
    # log(1 - h) and log(h), exact for large logits
    passed, came = -torch.nn.functional.softplus(logits), -torch.nn.functional.softplus(-logits)
    told = torch.where(happened, came, observed * passed)
    return -told.sum(dim=1).mean()


def cox_loss(log_risks: Tensor, years: Tensor, event: Tensor) -> Tensor:
    """Return the negative log partial likelihood of a batch, per event.

    Parameters
    ----------
    log_risks : Tensor
        float32, shape (N,): log of the hazard against the baseline.
    years, event : Tensor
        As for :func:`hazards_loss`.
    """
    known = torch.isfinite(years) & torch.isfinite(event)
    log_risks, years, happened = log_risks[known], years[known], event[known] > 0
    if not happened.any():
        return log_risks.sum() * 0
    at_risk = years[None, :] >= years[happened][:, None]
    among = log_risks[None, :].masked_fill(~at_risk, -torch.inf).logsumexp(dim=1)
    return (among - log_risks[happened]).mean()


def fracture_free(logits: Tensor) -> Tensor:
    """Return the probability of no fracture by the end of each year, shape (N, 5)."""
    return torch.exp(-torch.nn.functional.softplus(logits).cumsum(dim=1))
