"""What the features are, and how they look from day to day."""

from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

WINDOWS = (7, 28)


def summarise(orders: DataFrame) -> DataFrame:
    """One row for each customer."""
    age = f.datediff(f.current_date(), f.col("day"))
    spent = [f.sum(f.when(age <= days, f.col("amount")).otherwise(0)).alias(f"spent_{days}d") for days in WINDOWS]
    return orders.groupBy("customer").agg(*spent)


def write_summary(features: DataFrame, logs: str) -> None:
    """The means of today, for the Tensorboard."""
    from torch.utils.tensorboard import SummaryWriter

    means = features.agg(*(f.avg(f"spent_{days}d").alias(f"spent_{days}d") for days in WINDOWS)).first()
    with SummaryWriter(str(Path(logs) / "daily")) as writer:
        for name, value in means.asDict().items():
            writer.add_scalar(name, value or 0.0, date.today().toordinal())
