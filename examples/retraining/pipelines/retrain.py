"""Train the fraud model on yesterday's transactions, and say how good it has become."""

from kfp import dsl

IMAGE = "registry.example.com/fraud/train:1.4.2"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def extract(day: str, rows: dsl.Output[dsl.Dataset]) -> None:
    """The transactions of a day, as one file."""
    from fraud import features

    features.extract(day, rows.path)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(rows: dsl.Input[dsl.Dataset], epochs: int, lr: float, model: dsl.Output[dsl.Model]) -> float:
    """The model, and its area under the curve."""
    from fraud import training

    return training.fit(rows.path, model.path, epochs=epochs, lr=lr)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(auc: float) -> None:
    """Fail where the model is worse than a coin."""
    if auc < 0.5:
        raise SystemExit(f"auc {auc}")


@dsl.pipeline(name="retrain", description="Train the fraud model on a day's transactions.")
def retrain(day: str = "yesterday", epochs: int = 10, lr: float = 0.01) -> None:
    """Extract, train, report."""
    extracted = extract(day=day)
    trained = train(rows=extracted.outputs["rows"], epochs=epochs, lr=lr).set_cpu_limit("4").set_memory_limit("8Gi")
    report(auc=trained.outputs["Output"])
