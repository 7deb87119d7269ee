"""Orders to features: what each customer spent, over the last days and the last weeks."""

import sys

from pyspark.sql import SparkSession
from summary import summarise, write_summary

orders, target = sys.argv[1:3]
spark = SparkSession.builder.appName("daily-features").getOrCreate()
features = summarise(spark.read.parquet(orders))
features.write.mode("overwrite").parquet(f"file://{target}/latest")
write_summary(features, f"{target}/logs")
spark.stop()
