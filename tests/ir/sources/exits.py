"""An exit handler that is told how it went; a task that runs in spite of failures."""

from kfp import dsl
from kfp.dsl import PipelineTaskFinalStatus


@dsl.component(base_image="python:3.11")
def notify(channel: str, status: PipelineTaskFinalStatus):
    print(channel, status.state)


@dsl.component(base_image="python:3.11")
def risky(text: str = "a") -> str:
    return text


@dsl.component(base_image="python:3.11")
def clean(text: str = "nothing"):
    print(text)


@dsl.pipeline(name="exits")
def pipeline(channel: str = "#ml", text: str = "b"):
    done = notify(channel=channel)
    with dsl.ExitHandler(exit_task=done, name="guarded"):
        one = risky(text=text).set_retry(num_retries=3, backoff_duration="60s", backoff_factor=2.0)
        clean(text=one.output).ignore_upstream_failure()
        risky().after(one).set_caching_options(False)
