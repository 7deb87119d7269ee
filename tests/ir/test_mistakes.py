"""Packages from the SDK, broken by hand: one finding each, at its line, with what to do."""

from __future__ import annotations

import pytest

from kfspec.ir.checking import check
from tests.ir.editing import Change, changed, package_of, shown, text_of

TASKS = ("root", "dag", "tasks")
EXECUTORS = ("deploymentSpec", "executors")
SETTINGS = ("platforms", "kubernetes", "deploymentSpec", "executors")

# name, package, what is changed in it, the finding
MISTAKES: tuple[tuple[str, str, tuple[Change, ...], str], ...] = (
    (
        "schema-version",
        "parameters",
        (Change(("schemaVersion",), "2.0.0"),),
        "KF310 refuses 251: KFP takes schemaVersion 2.1.0 only, not '2.0.0' [compile it with kfp 2]",
    ),
    (
        "no-schema-version",
        "parameters",
        (Change(("schemaVersion",)),),
        "KF310 refuses 20: KFP takes schemaVersion 2.1.0 only, not none [compile it with kfp 2]",
    ),
    ("no-root", "exits", (Change(("root",)),), "KF310 refuses 6: the pipeline has no root"),
    (
        "name",
        "artifacts",
        (Change(("pipelineInfo", "name"), "Train it!"),),
        "KF312 refuses 187: 'Train it!' is no name of a pipeline [lower-case letters, digits and '-', 128 at most, such as 'train-it']",
    ),
    ("no-name", "artifacts", (Change(("pipelineInfo", "name")),), "KF312 refuses 186: the pipeline has no name"),
    (
        "unknown-top",
        "artifacts",
        (Change(("pipelineInfo",), key="pipelineinfo"),),
        "KF311 refuses 186: unknown field 'pipelineinfo' in a pipeline [did you mean 'pipelineInfo'?]",
    ),
    (
        "unknown-task-field",
        "exits",
        (Change((*TASKS, "notify", "dependentTasks"), key="dependantTasks"),),
        "KF311 refuses 230: unknown field 'dependantTasks' in a task [did you mean 'dependentTasks'?]",
    ),
    (
        "parameter-type",
        "parameters",
        (
            Change(
                ("components", "comp-describe", "inputDefinitions", "parameters", "count", "parameterType"), "INTEGER"
            ),
        ),
        "KF311 refuses 26: 'parameterType' must be one of NUMBER_DOUBLE, NUMBER_INTEGER, STRING, BOOLEAN, LIST, STRUCT, TASK_FINAL_STATUS, TASK_CONFIG, not 'INTEGER' [did you mean 'NUMBER_INTEGER'?]",
    ),
    (
        "number-for-text",
        "parameters",
        (Change(("sdkVersion",), "2.17"),),
        "KF311 refuses 252: 'sdkVersion' must be a string, not the number 2.17",
    ),
    (
        "text-for-list",
        "exits",
        (Change((*TASKS, "notify", "dependentTasks"), "exit-handler-1"),),
        "KF311 refuses 231: 'dependentTasks' must be a list, not 'exit-handler-1'",
    ),
    (
        "text-for-bool",
        "parameters",
        (Change(("root", "inputDefinitions", "parameters", "limit", "isOptional"), "'yes'"),),
        "KF311 refuses 232: 'isOptional' must be true or false, not 'yes'",
    ),
    (
        "oneof",
        "artifacts",
        (Change(("components", "comp-fit", "executorLabel"), "exec-fit\n    dag: {tasks: {}}"),),
        "KF311 refuses 30: 'executorLabel' and 'dag' exclude each other",
    ),
    (
        "duration",
        "exits",
        (
            Change(
                ("components", "comp-exit-handler-1", "dag", "tasks", "risky", "retryPolicy", "backoffDuration"), "1m"
            ),
        ),
        "KF311 refuses 45: 'backoffDuration' must be a duration in seconds, such as '60s', not '1m'",
    ),
    (
        "strategy",
        "exits",
        (Change((*TASKS, "notify", "triggerPolicy", "strategy"), "ALL_UPSTREAM_TASKS_DONE"),),
        "KF311 refuses 242: 'strategy' must be one of ALL_UPSTREAM_TASKS_SUCCEEDED, ALL_UPSTREAM_TASKS_COMPLETED, not 'ALL_UPSTREAM_TASKS_DONE' [did you mean 'ALL_UPSTREAM_TASKS_COMPLETED'?]",
    ),
    (
        "deployment-unknown",
        "platform",
        (Change((*EXECUTORS, "exec-extract", "container", "resources", "resourceMemoryLimit"), key="memLimit"),),
        "KF311 drops 162: unknown field 'memLimit' in the resources of a container [did you mean 'memoryLimit'?]",
    ),
    (
        "deployment-wrong",
        "platform",
        (Change((*EXECUTORS, "exec-extract", "container", "args"), "--table"),),
        "KF311 never-works 143: 'args' must be a list, not '--table'",
    ),
    (
        "component",
        "artifacts",
        (Change((*TASKS, "fit", "componentRef", "name"), "comp-fitt"),),
        "KF313 never-works 220: task 'fit' runs component 'comp-fitt', which is not defined [did you mean 'comp-fit'?]",
    ),
    (
        "no-component",
        "artifacts",
        (Change((*TASKS, "fit", "componentRef")),),
        "KF313 never-works 216: task 'fit' names no component",
    ),
    (
        "executor",
        "artifacts",
        (Change(("components", "comp-split", "executorLabel"), "exec-spilt"),),
        "KF313 never-works 63: component 'comp-split' runs executor 'exec-spilt', which is not defined [did you mean 'exec-split'?]",
    ),
    (
        "dependent-task",
        "exits",
        (Change((*TASKS, "notify", "dependentTasks", 0), "exit-handler-2"),),
        "KF313 never-works 231: task 'notify' waits for task 'exit-handler-2', which the pipeline does not have [did you mean 'exit-handler-1'?]",
    ),
    (
        "producer",
        "artifacts",
        (Change((*TASKS, "fit", "inputs", "parameters", "rows", "taskOutputParameter", "producerTask"), "spit"),),
        "KF313 never-works 233: task 'fit' takes an output of task 'spit', which the pipeline does not have [did you mean 'split'?]",
    ),
    (
        "output-parameter",
        "artifacts",
        (
            Change(
                (*TASKS, "evaluate", "inputs", "parameters", "auc", "taskOutputParameter", "outputParameterKey"), "acu"
            ),
        ),
        "KF313 never-works 212: task 'evaluate' takes parameter 'acu' of task 'fit', whose component 'comp-fit' has no such output [did you mean 'auc'?]",
    ),
    (
        "output-artifact",
        "artifacts",
        (
            Change(
                (*TASKS, "evaluate", "inputs", "artifacts", "data", "taskOutputArtifact", "outputArtifactKey"), "tests"
            ),
        ),
        "KF313 never-works 203: task 'evaluate' takes artifact 'tests' of task 'split', whose component 'comp-split' has no such output [did you mean 'test'?]",
    ),
    (
        "pipeline-parameter",
        "parameters",
        (Change((*TASKS, "describe", "inputs", "parameters", "rate", "componentInputParameter"), "rates"),),
        "KF313 never-works 167: task 'describe' takes parameter 'rates', which the pipeline does not have [did you mean 'rate'?]",
    ),
    (
        "component-artifact",
        "loops",
        (
            Change(
                (
                    "components",
                    "comp-for-loop-4",
                    "dag",
                    "tasks",
                    "fit",
                    "inputs",
                    "artifacts",
                    "data",
                    "componentInputArtifact",
                ),
                "pipelinechannel--prepare-ouch",
            ),
        ),
        "KF313 never-works 144: task 'fit' takes artifact 'pipelinechannel--prepare-ouch', which component 'comp-for-loop-4' does not have [did you mean 'pipelinechannel--prepare-out'?]",
    ),
    (
        "final-status",
        "exits",
        (Change((*TASKS, "notify", "inputs", "parameters", "status", "taskFinalStatus", "producerTask"), "guarded"),),
        "KF313 never-works 238: task 'notify' asks how task 'guarded' ended, which the pipeline does not have",
    ),
    (
        "loop-input",
        "loops",
        (Change((*TASKS, "for-loop-1", "parameterIterator", "items", "inputParameter"), "pipelinechannel--shards"),),
        "KF313 never-works 350: task 'for-loop-1' loops over input 'pipelinechannel--shards', which it is not given [did you mean 'pipelinechannel--shards-Output'?]",
    ),
    (
        "loop-item",
        "loops",
        (Change((*TASKS, "for-loop-1", "parameterIterator", "itemInput"), "pipelinechannel--item"),),
        "KF313 never-works 348: task 'for-loop-1' gives each item as 'pipelinechannel--item', which is no input of component 'comp-for-loop-1' [did you mean 'pipelinechannel--shards-Output-loop-item'?]",
    ),
    (
        "condition",
        "conditions",
        (
            Change(
                (*TASKS, "condition-5", "triggerPolicy", "condition"),
                "inputs.parameter_values['pipelinechannel--score'] > 0.9",
            ),
        ),
        "KF313 never-works 490: the condition of task 'condition-5' reads input 'pipelinechannel--score', which it is not given [did you mean 'pipelinechannel--score-Output'?]",
    ),
    (
        "subtask",
        "nested",
        (Change(("root", "dag", "outputs", "parameters", "Output", "valueFromParameter", "producerSubtask"), "bot"),),
        "KF313 never-works 652: output 'Output' of the pipeline comes from task 'bot', which it does not have [did you mean 'both'?]",
    ),
    (
        "subtask-key",
        "nested",
        (
            Change(
                ("root", "dag", "outputs", "parameters", "Output", "valueFromParameter", "outputParameterKey"), "output"
            ),
        ),
        "KF313 never-works 651: output 'Output' of the pipeline is parameter 'output' of task 'both', whose component 'comp-both' has no such output [did you mean 'Output'?]",
    ),
    (
        "oneof-selector",
        "conditions",
        (
            Change(
                (
                    "components",
                    "comp-condition-branches-1",
                    "dag",
                    "outputs",
                    "parameters",
                    "pipelinechannel--condition-branches-1-oneof-1",
                    "valueFromOneof",
                    "parameterSelectors",
                    1,
                    "producerSubtask",
                ),
                "condition-9",
            ),
        ),
        "KF313 never-works 153: output 'pipelinechannel--condition-branches-1-oneof-1' of component 'comp-condition-branches-1' comes from task 'condition-9', which it does not have [did you mean 'condition-4'?]",
    ),
    (
        "output-of-nothing",
        "nested",
        (Change(("components", "comp-train-one", "dag", "outputs", "parameters", "score")),),
        "KF313 never-works 344: output parameter 'score' of component 'comp-train-one' comes from no task",
    ),
    (
        "placeholder",
        "platform",
        (Change((*EXECUTORS, "exec-extract", "container", "args", 1), "\"{{$.inputs.parameters['tabel']}}\""),),
        "KF313 never-works 144: executor 'exec-extract' reads input parameter 'tabel', which component 'comp-extract' does not have [did you mean 'table'?]",
    ),
    (
        "cycle",
        "artifacts",
        (Change((*TASKS, "split", "dependentTasks", 0), "evaluate"),),
        "KF314 never-works 197: tasks wait for each other: evaluate -> fit -> split -> evaluate [each waits for the next one]",
    ),
    (
        "self",
        "exits",
        (Change(("components", "comp-exit-handler-1", "dag", "tasks", "risky-2", "dependentTasks", 0), "risky-2"),),
        "KF314 never-works 56: task 'risky-2' waits for itself",
    ),
    (
        "recursion",
        "conditions",
        (
            Change(
                ("components", "comp-condition-5", "dag", "tasks", "condition-6", "componentRef", "name"),
                "comp-condition-5",
            ),
        ),
        "KF314 never-works 99: component 'comp-condition-5' contains itself: comp-condition-5 -> comp-condition-5",
    ),
    (
        "missing-input",
        "parameters",
        (Change((*TASKS, "describe", "inputs", "parameters", "rate")),),
        "KF315 never-works 158: task 'describe' does not give parameter 'rate', which component 'comp-describe' requires",
    ),
    (
        "missing-artifact",
        "artifacts",
        (Change((*TASKS, "evaluate", "inputs", "artifacts", "model")),),
        "KF315 never-works 201: task 'evaluate' does not give artifact 'model', which component 'comp-evaluate' requires",
    ),
    (
        "renamed-input",
        "parameters",
        (Change((*TASKS, "describe", "inputs", "parameters", "count"), key="counts"),),
        "KF315 never-works 158: task 'describe' gives parameter 'counts', which component 'comp-describe' does not take [did you mean 'count'?]",
    ),
    (
        "surplus-input",
        "parameters",
        (Change((*TASKS, "describe-2", "inputs", "parameters", "note"), key="notes"),),
        "KF315 drops warning 189: task 'describe-2' gives parameter 'notes', which component 'comp-describe-2' does not take [did you mean 'note'?]",
    ),
    (
        "root-artifact",
        "artifacts",
        (
            Change(
                ("root", "inputDefinitions", "parameters", "uri", "parameterType"),
                "STRING\n    artifacts:\n      raw:\n        artifactType: {schemaTitle: system.Dataset}",
            ),
        ),
        "KF315 never-works 276: the pipeline needs artifact 'raw', which no run can give it [take its URI as a parameter, and import it]",
    ),
    (
        "constant-type",
        "nested",
        (
            Change(
                (
                    "components",
                    "comp-both",
                    "dag",
                    "tasks",
                    "train-one",
                    "inputs",
                    "parameters",
                    "epochs",
                    "runtimeValue",
                    "constant",
                ),
                "five",
            ),
        ),
        "KF316 never-works 52: 'epochs' of task 'train-one' must be a whole number, not 'five'",
    ),
    (
        "parameter-mismatch",
        "artifacts",
        (Change(("components", "comp-split", "outputDefinitions", "parameters", "Output", "parameterType"), "STRING"),),
        "KF316 never-works 232: 'rows' of task 'fit' must be a whole number, and is given a string",
    ),
    (
        "loop-of-text",
        "loops",
        (
            Change(
                (
                    "components",
                    "comp-for-loop-4",
                    "inputDefinitions",
                    "parameters",
                    "pipelinechannel--rates-loop-item",
                    "parameterType",
                ),
                "STRING",
            ),
        ),
        "KF316 never-works 150: 'rate' of task 'fit' must be a number, and is given a string [say what the list holds, as in List[float]]",
    ),
    (
        "default-type",
        "parameters",
        (Change(("root", "inputDefinitions", "parameters", "epochs", "defaultValue"), "ten"),),
        "KF316 never-works 211: the default of 'epochs' in the pipeline must be a whole number, not 'ten'",
    ),
    (
        "no-type",
        "parameters",
        (Change(("root", "inputDefinitions", "parameters", "epochs", "parameterType")),),
        "KF316 never-works 210: parameter 'epochs' of the pipeline has no parameterType",
    ),
    (
        "artifact-type",
        "artifacts",
        (
            Change(
                ("components", "comp-fit", "outputDefinitions", "artifacts", "model", "artifactType", "schemaTitle"),
                "system.Dataset",
            ),
        ),
        "KF316 advice warning 207: artifact 'model' of task 'evaluate' is meant to be a system.Model, and is given a system.Dataset",
    ),
    (
        "items",
        "loops",
        (
            Change(
                ("components", "comp-for-loop-2", "dag", "tasks", "for-loop-4", "parameterIterator", "items", "raw"),
                "'{\"depth\": 3}'",
            ),
        ),
        "KF317 never-works 119: the items of task 'for-loop-4' are no JSON list",
    ),
    (
        "loop-over-nothing",
        "loops",
        (Change((*TASKS, "for-loop-1", "parameterIterator", "items")),),
        "KF317 never-works 347: task 'for-loop-1' loops over nothing",
    ),
    (
        "importer-condition",
        "artifacts",
        (Change((*TASKS, "importer", "taskInfo"), "{name: importer}\n        triggerPolicy: {condition: 1 == 1}"),),
        "KF317 never-works 247: task 'importer' is an importer with a condition, which KFP cannot [put it into a component with a dag]",
    ),
    (
        "exit-of-nothing",
        "exits",
        (
            Change((*TASKS, "notify", "dependentTasks")),
            Change((*TASKS, "notify", "inputs", "parameters", "status")),
        ),
        "KF317 never-works 237: task 'notify' runs when others have ended, and waits for none: it never runs [name them in dependentTasks]",
    ),
    (
        "two-exits",
        "exits",
        (
            Change(
                ("components", "comp-exit-handler-1", "dag", "tasks", "risky-2", "taskInfo"),
                "{name: r}\n          triggerPolicy: {strategy: ALL_UPSTREAM_TASKS_COMPLETED}",
            ),
        ),
        "KF317 never-works warning 34: tasks 'clean' and 'risky-2' both run however 'risky' ends; only 'risky-2' does",
    ),
    (
        "only-exits",
        "exits",
        (
            Change(
                (*TASKS, "exit-handler-1", "taskInfo"),
                "{name: r}\n        triggerPolicy: {strategy: ALL_UPSTREAM_TASKS_COMPLETED}",
            ),
        ),
        "KF317 never-works 216: all tasks of the pipeline run at the end [one must run at the start]",
    ),
    (
        "no-implementation",
        "artifacts",
        (Change(("components", "comp-evaluate", "executorLabel")),),
        "KF317 never-works 7: component 'comp-evaluate' has neither tasks nor an executor",
    ),
    (
        "no-image",
        "artifacts",
        (Change((*EXECUTORS, "exec-fit", "container", "image")),),
        "KF317 never-works 118: the container of executor 'exec-fit' has no image",
    ),
    (
        "custom-job",
        "artifacts",
        (
            Change((*EXECUTORS, "exec-fit", "container"), "{}"),
            Change((*EXECUTORS, "exec-fit", "container"), key="customJob"),
        ),
        "KF317 never-works 118: executor 'exec-fit' is a customJob, which only Vertex AI runs",
    ),
    (
        "unused-parameter",
        "exits",
        (Change((*TASKS, "notify", "inputs", "parameters", "channel"), "{runtimeValue: {constant: ml}}"),),
        "KF318 advice warning 245: parameter 'channel' of the pipeline is used by nothing",
    ),
    (
        "unused-component-parameter",
        "platform",
        (Change((*EXECUTORS, "exec-extract", "container", "args", 3), "'10'"),),
        "KF318 advice warning 106: parameter 'limit' of component 'comp-extract' is used by nothing",
    ),
    (
        "unused-executor",
        "artifacts",
        (Change(("components", "comp-fit", "executorLabel"), "exec-evaluate"),),
        "KF318 advice warning 117: executor 'exec-fit' is run by no component",
    ),
    (
        "platform-executor",
        "platform",
        (Change((*SETTINGS, "exec-load"), key="exec-laod", platform=True),),
        "KF313 drops 349: the platform spec sets up executor 'exec-laod', which the pipeline does not have [did you mean 'exec-load'?]",
    ),
    (
        "platform-field",
        "platform",
        (Change((*SETTINGS, "exec-extract", "tolerations"), key="toleration", platform=True),),
        "KF311 never-works 345: unknown field 'toleration' in an executor's Kubernetes settings [did you mean 'tolerations'?]",
    ),
    (
        "platform-unknown",
        "platform",
        (Change(("platforms", "kubernetes", "deploymentSpec"), key="deployment", platform=True),),
        "KF311 drops 311: unknown field 'deployment' in the settings of a platform [did you mean 'deploymentSpec'?]",
    ),
    (
        "platform-other",
        "recent",
        (Change(("platforms", "kubernetes"), key="google", platform=True),),
        "KF311 drops 190: the platform spec says nothing of kubernetes, and KFP passes over all else",
    ),
    (
        "platform-parameter",
        "platform",
        (
            Change(
                (*SETTINGS, "exec-extract", "secretAsEnv", 0, "secretNameParameter", "componentInputParameter"),
                "secrets",
                platform=True,
            ),
        ),
        "KF313 never-works 344: task 'extract' takes parameter 'secrets', which the pipeline does not have [did you mean 'secret'?]",
    ),
    (
        "platform-task",
        "platform",
        (
            Change(
                (*SETTINGS, "exec-load", "pvcMount", 0, "pvcNameParameter", "taskOutputParameter", "producerTask"),
                "creatpvc",
                platform=True,
            ),
        ),
        "KF313 never-works 358: task 'load' takes an output of task 'creatpvc', which the pipeline does not have [did you mean 'createpvc'?]",
    ),
)


@pytest.mark.parametrize(("package", "changes", "finding"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_answered_once(package: str, changes: tuple[Change, ...], finding: str) -> None:
    text = text_of(package)
    for change in changes:
        text = changed(text, change)
    assert [shown(d) for d in check(package_of(text), "2.17.0")] == [finding]
