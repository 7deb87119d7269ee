"""Container components with resources, and what only Kubernetes knows."""

# ruff: noqa: B006  (the SDK wants it so)

from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input, Output


@dsl.container_component
def extract(table: str, limit: int, out: Output[Dataset], rows: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="ghcr.io/acme/extract:1.4",
        command=["extract"],
        args=["--table", table, "--limit", limit, "--out", out.path, "--rows", rows],
    )


@dsl.component(base_image="python:3.11")
def load(data: Input[Dataset], rows: int, model: str):
    print(data.path, rows, model)


@dsl.pipeline(name="platform")
def pipeline(
    table: str, secret: str = "warehouse", size: str = "5Gi", cpu: str = "2", selector: dict = {"pool": "cpu"}
):
    volume = kubernetes.CreatePVC(
        pvc_name_suffix="-work", access_modes=["ReadWriteOnce"], size=size, storage_class_name="standard"
    )
    data = extract(table=table, limit=10)
    data.set_cpu_request("500m").set_cpu_limit(cpu).set_memory_limit("4Gi").set_env_variable("MODE", "fast")
    kubernetes.use_secret_as_env(data, secret_name=secret, secret_key_to_env={"password": "DB_PASSWORD"})
    kubernetes.use_config_map_as_volume(data, config_map_name="warehouse", mount_path="/etc/warehouse")
    kubernetes.add_node_selector_json(data, node_selector_json=selector)
    kubernetes.mount_pvc(data, pvc_name=volume.outputs["name"], mount_path="/work")
    kubernetes.add_toleration(data, key="gpu", operator="Exists", effect="NoSchedule")
    kubernetes.set_image_pull_secrets(data, ["registry"])
    loaded = load(data=data.outputs["out"], rows=data.outputs["rows"], model="a")
    loaded.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
    kubernetes.mount_pvc(loaded, pvc_name=volume.outputs["name"], mount_path="/work")
    kubernetes.add_pod_label(loaded, "team", "ml")
    kubernetes.DeletePVC(pvc_name=volume.outputs["name"]).after(loaded)
