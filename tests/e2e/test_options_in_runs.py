"""Options of a run, seen in what real runs leave: scores, weights, precision, sizes."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest

from faceswap.cli import main

PLUGINS = str(Path(__file__).parents[1] / "fixtures" / "plugins")


class Run:
    """Runs ``faceswap train`` on rendered faces, in a folder."""

    def __init__(self, faces: dict[str, Path], folder: Path, capsys: Any) -> None:
        self.faces, self.folder, self._capsys = faces, folder, capsys

    def __call__(self, *more: str, model: str = "tiny", at: str = "model") -> str:
        """What a run prints that goes well."""
        assert self.code(*more, model=model, at=at) == 0, self.error
        return self.said

    def code(self, *more: str, model: str = "tiny", at: str = "model") -> int:
        self._capsys.readouterr()
        code = main(
            [
                *("train", "-A", str(self.faces["a"]), "-B", str(self.faces["b"]), "-b", "4"),
                *("-m", str(self.folder / at), "-t", model, "--plugin-dir", PLUGINS, *more),
            ]
        )
        self.said, self.error = self._capsys.readouterr()
        return code

    def load(self, model: str = "tiny", at: str = "model") -> keras.Model:
        return keras.saving.load_model(self.folder / at / f"{model}.keras", compile=False)

    def events(self, model: str = "tiny") -> list[dict[str, Any]]:
        """Held-out scores and what comes of them."""
        lines = (self.folder / "model" / f"{model}_log.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["event"] in ("held_out", "plateau")]


@pytest.fixture
def run(rendered: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(rendered, tmp_path, capsys)


def configured(folder: Path, text: str) -> list[str]:
    (folder / "train.ini").write_text(text)
    return ["-C", str(folder / "train.ini")]


@pytest.mark.parametrize(
    ("model", "sizes", "outputs"),
    [("unequal", (16, 32), [1, 1]), ("several", (16, 16), [3, 3])],
)
def test_a_model_of_unusual_shape_trains_shows_resumes_and_swaps(
    run: Run, model: str, sizes: tuple[int, int], outputs: list[int], tmp_path: Path
) -> None:
    faces = ["-A", str(run.faces["a"]), "-B", str(run.faces["b"])]
    lapse = ["-tia", faces[1], "-tib", faces[3], "-to", str(tmp_path / "lapse")]
    run("-it", "4", "-s", "2", "-w", "--allow-few", *lapse, model=model)
    run(
        "-it", "2", "-w", "--holdout", "0.1", "--evaluate-interval", "1", "--allow-few", model=model
    )
    assert "resumed at iteration 4" in run.said
    assert [event["iteration"] for event in run.events(model)] == [5, 6]
    kept = run.load(model)
    assert tuple(tensor.shape[1] for tensor in kept.inputs) == sizes
    assert len(kept.outputs) == sum(outputs)
    sheet = cv2.imread(str(tmp_path / "model" / "training_preview.png"))
    assert sheet.std() > 10
    assert len(list((tmp_path / "lapse").iterdir())) == 3  # iterations 1, 2 and 4
    picture = str(tmp_path / "swap.png")
    words = ["evaluate", *faces, "-m", str(tmp_path / "model"), "-o", picture]
    assert main([*words, "--plugin-dir", PLUGINS]) == 0
    assert cv2.imread(picture) is not None


def test_faces_held_out_are_not_trained_on_and_their_scores_are_logged(
    run: Run, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = run("-it", "6", "--holdout", "0.2", "--evaluate-interval", "2", "--allow-few")
    assert "Side A: 24 faces" in said
    told = re.findall(r"Held out at iteration (\d): ([\d.]+) dB / ([\d.-]+)", said)
    events = run.events()
    assert [event["event"] for event in events] == ["held_out"] * 3
    assert [event["iteration"] for event in events] == [2, 4, 6] == [int(i) for i, *_ in told]
    assert [f"{event['psnr']:.1f}" for event in events] == [psnr for _, psnr, _ in told]
    log = EventAccumulator(str(tmp_path / "model" / "tiny_logs" / "session_1" / "train"))
    log.Reload()
    for name in ("psnr", "ssim", "loss_a", "loss_b"):
        scalars = log.Scalars(f"held_out/{name}")
        assert [scalar.step for scalar in scalars] == [2, 4, 6]
        np.testing.assert_allclose(
            [scalar.value for scalar in scalars], [event[name] for event in events], rtol=1e-5
        )


def test_a_plateau_is_told_and_ends_a_run_that_is_to_stop_there(run: Run, tmp_path: Path) -> None:
    # A model with no rate to speak of does not get better.
    still = configured(tmp_path, "[global]\nlearning_rate = 1e-6\n")
    options = ["--holdout", "0.1", "--evaluate-interval", "2", "--plateau", "6", "--allow-few"]
    said = run("-it", "9", *options, *still)
    assert f"Options: {tmp_path / 'train.ini'}\n" in said
    assert "WARNING: Held-out score no better for 6 iterations" in said
    assert "Stopped at iteration 9" in said
    said = run("-it", "50", *options, "--stop-on-plateau", *still)
    assert "no better for 12 iterations" in said, "a resumed run goes on counting"
    assert "Stopped at iteration 14" in said
    assert run.events()[-1]["event"] == "plateau"


def test_other_faces_held_out_are_warned_of_and_a_plateau_starts_anew(run: Run) -> None:
    warning = "The faces held out are not those of the last run"
    holdout = ["--evaluate-interval", "1", "--plateau", "3", "--allow-few", "--holdout"]
    assert warning not in run("-it", "2", *holdout, "0.1")
    assert warning not in run("-it", "1", *holdout, "0.1")
    said = run("-it", "1", *holdout, "0.2")
    assert warning in said
    assert "no better for" not in said
    run("-it", "1")
    assert warning in run("-it", "1", *holdout, "0.2"), "they were trained on since"


def test_a_model_that_goes_on_with_other_people_says_so(
    run: Run, plain: dict[str, Path], tmp_path: Path
) -> None:
    known = run.faces
    run("-it", "1")
    run.faces = {side: tmp_path / f"moved_{side}" for side in "ab"}
    for side, folder in run.faces.items():
        folder.mkdir()
        for number, face in enumerate(sorted(known[side].iterdir())[4:]):
            shutil.copy(face, folder / f"renamed_{number}.png")
    assert "trained on last" not in run("-it", "1", "--holdout", "0.1", "--allow-few")
    run.faces = {"a": plain["a"], "b": run.faces["b"]}
    said = run("-it", "1")
    assert "WARNING: Side A: none of the pictures that this model was trained on last" in said
    assert "Side B: none" not in said
    run.faces = {"a": run.faces["b"], "b": plain["a"]}
    assert run("-it", "1").count("are -A and -B swapped?") == 2


def test_a_score_is_called_held_out_where_the_run_held_the_same_faces_out(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def evaluate(*more: str) -> str:
        faces = ["-A", str(run.faces["a"]), "-B", str(run.faces["b"])]
        words = ["evaluate", *faces, "-m", str(tmp_path / "model"), "--plugin-dir", PLUGINS]
        assert main([*words, *more]) == 0
        return capsys.readouterr().out

    said = run("-it", "2", "--holdout", "0.1", "--evaluate-interval", "2", "--allow-few")
    (score,) = re.findall(r"Held out at iteration 2: (.* dB / [\d.-]+)", said)
    held_out = evaluate("--holdout", "0.1")
    assert re.findall(r"Held-out score: +(.*)", held_out) == [score]
    assert "may have been trained" not in held_out
    everything, others = evaluate(), evaluate("--holdout", "0.2")
    for printed, advice in (everything, "--holdout scores"), (others, "its last run did not"):
        assert re.search("^Score: ", printed, re.MULTILINE)
        assert f"The model may have been trained on these faces: {advice}" in printed


def test_a_damaged_state_of_a_run_is_one_line(run: Run, tmp_path: Path) -> None:
    autoclip = configured(tmp_path, "[global.optimizer]\ngradient_clipping = autoclip\n")
    run("-it", "1", *autoclip)
    file = tmp_path / "model" / "tiny_state.json"
    good = json.loads(file.read_text())
    shutil.rmtree(tmp_path / "model" / "tiny_saves")  # as the first versions left it
    for damaged in (["norms"], {"norms": ["x"]}, {"norms": 5}, "x", None, {"norms": [10**400]}):
        file.write_text(json.dumps({**good, "run": {"clipping": damaged}}))
        assert run.code("-it", "1", *autoclip) == 1
        assert "is damaged: go back to another save" in run.error
        assert len(run.error.splitlines()) == 1


def test_a_learning_rate_is_found_and_drawn_and_nothing_else_is_left(
    run: Run, tmp_path: Path
) -> None:
    said = run("--find-learning-rate", "-n")
    rate = float(re.search(r"Suggested: learning_rate = (\S+) \(now 5.0e-05\)", said)[1])
    assert 1e-5 < rate < 1e-1
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["tiny_learning_rate.png"]
    assert cv2.imread(str(tmp_path / "model" / "tiny_learning_rate.png")).shape == (600, 1080, 3)
    run("-it", "1")
    assert run.code("--find-learning-rate") == 1
    assert "needs a new model" in run.error


def test_weights_are_taken_from_another_model_and_kept_frozen(run: Run, tmp_path: Path) -> None:
    run("-it", "3", at="first")
    source = run.load(at="first").get_layer("encoder").get_weights()
    said = run("-it", "4", "-l", str(tmp_path / "first"), "-f", at="second")
    assert "encoder: 2 of 2 weights" in said
    averaged = run.load(at="second").get_layer("encoder").get_weights()
    decoder = run.load(at="second").get_layer("decoder_a").get_weights()
    for taken, theirs in zip(averaged, source, strict=True):
        np.testing.assert_allclose(taken, theirs, atol=1e-3)
    said = run("-it", "2", "-l", str(tmp_path / "first"), at="second")
    assert "--load-weights is for new models" in said
    moved = run.load(at="second").get_layer("encoder").get_weights()
    assert any(not np.array_equal(x, y) for x, y in zip(moved, averaged, strict=True))
    assert any(
        not np.array_equal(x, y)
        for x, y in zip(
            run.load(at="second").get_layer("decoder_a").get_weights(), decoder, strict=True
        )
    )


def test_frozen_weights_stay_bit_for_bit(run: Run) -> None:
    run("-it", "2")
    before = run.load().get_layer("encoder").get_weights()
    run("-it", "3", "-f")
    for kept, was in zip(run.load().get_layer("encoder").get_weights(), before, strict=True):
        np.testing.assert_array_equal(kept, was)


def test_freezing_what_has_learned_nothing_is_warned_of(run: Run, tmp_path: Path) -> None:
    warning = "WARNING: --freeze-weights keeps weights of a new model that have learned nothing"
    assert warning in run("-it", "1", "-f")
    assert warning not in run("-it", "1", "-f")
    assert warning not in run("-it", "1", "-f", "-l", str(tmp_path / "model"), at="second")


def test_precision_may_change_on_resume(run: Run, tmp_path: Path) -> None:
    run("-it", "2")
    for kind in ("float16", "bfloat16"):
        half = f"[global]\nmixed_precision = True\nmixed_precision_type = {kind}\n"
        said = run("-it", "2", *configured(tmp_path, half))
        state = json.loads((tmp_path / "model" / "tiny_state.json").read_text())
        assert ("loss_scale" in state["run"]) == (kind == "float16")
        policies = {layer.dtype_policy.name for layer in run.load()._flatten_layers()}
        assert policies == {f"mixed_{kind}", "float32"}
    assert "Option mixed_precision_type: float16 -> bfloat16" in said
    said = run("-it", "2", *configured(tmp_path, ""))
    assert "Option mixed_precision: True -> False" in said
    assert {layer.dtype_policy.name for layer in run.load()._flatten_layers()} == {"float32"}


@pytest.mark.parametrize("model", ["tiny", "several"])
def test_float16_trains_with_masks_and_with_losses_far_above_one(
    run: Run, tmp_path: Path, model: str
) -> None:
    ini = (
        "[global]\nmixed_precision = True\nmixed_precision_type = float16\n[global.loss]\n"
        "learn_mask = True\nloss_function_2 = pixel_gradient_diff\nloss_weight_2 = 400\n"
        "eye_multiplier = 40\n"
    )
    run("-it", "60", *configured(tmp_path, ini), model=model)
    loaded = keras.saving.load_model(tmp_path / "model" / f"{model}.keras")
    assert int(loaded.optimizer.iterations) > 0


def test_changeable_options_are_applied_and_logged_and_others_stay(
    run: Run, tmp_path: Path
) -> None:
    run("-it", "1", *configured(tmp_path, "[global]\ncoverage = 70\n"))
    changed = "[global]\ncoverage = 80\nlearning_rate = 1e-4\n[global.optimizer]\nbeta_1 = 0.9\n"
    said = run("-it", "1", *configured(tmp_path, changed + "average_momentum = 0\n"))
    assert "Option learning_rate: 5e-05 -> 0.0001" in said
    assert "Option beta_1: 0.5 -> 0.9" in said
    assert "Option average_momentum: 0.99 -> 0" in said
    assert "Option coverage stays 70.0, not 80.0" in said
    state = json.loads((tmp_path / "model" / "tiny_state.json").read_text())
    assert (state["config"]["coverage"], state["config"]["learning_rate"]) == (70, 1e-4)
    loaded = keras.saving.load_model(tmp_path / "model" / "tiny.keras")
    assert loaded.optimizer.beta_1 == 0.9
    assert float(loaded.optimizer.learning_rate) == pytest.approx(1e-4)
    assert not loaded.optimizer.use_ema
    assert int(loaded.optimizer.iterations) == 2


ALL_FUNCTIONS = [
    ("ssim", "mae", "mse", "logcosh"),
    ("ms_ssim", "smooth_loss", "l_inf_norm", "gmsd"),
    ("pixel_gradient_diff", "laploss", "ffl", "flip"),
]


@pytest.mark.parametrize("functions", ALL_FUNCTIONS, ids="+".join)
@pytest.mark.parametrize("optimizer", ["adam", "lion"])
def test_four_loss_functions_train_together(
    run: Run, tmp_path: Path, functions: tuple[str, ...], optimizer: str
) -> None:
    slots = "".join(f"loss_function_{n} = {name}\n" for n, name in enumerate(functions[1:], 2))
    run(
        *("-it", "3"),
        *configured(
            tmp_path,
            f"[global]\noptimizer = {optimizer}\n[global.loss]\nloss_function = {functions[0]}\n"
            f"{slots}loss_weight_2 = 50\nlearn_mask = True\n",
        ),
    )
    assert "nan" not in run.said


@pytest.mark.parametrize("optimizer", ["adamw", "nadam", "adabelief", "rms-prop", "lion"])
def test_each_optimizer_trains_and_resumes(run: Run, tmp_path: Path, optimizer: str) -> None:
    chosen = (
        f"[global]\noptimizer = {optimizer}\n[global.optimizer]\nweight_decay = 0.01\n"
        "gradient_clipping = autoclip\ngradient_accumulation = 2\nwarmup_iterations = 3\n"
        "decay_iterations = 4\n"
    )
    said = run("-it", "3", *configured(tmp_path, chosen))
    assert ("hardly learns with epsilon_exponent = -7" in said) == (optimizer == "adabelief")
    run("-it", "3", *configured(tmp_path, chosen))
    state = json.loads((tmp_path / "model" / "tiny_state.json").read_text())
    assert state["iterations"] == 6
    assert len(state["run"]["clipping"]["norms"]) == 6


@pytest.mark.parametrize(
    ("options", "ini", "words"),
    [
        (["-M", "-W"], "", "--warp-to-landmarks and --no-warp contradict"),
        (["--find-learning-rate", "-d"], "", "searches in one process"),
        (["--stop-on-plateau"], "", "--stop-on-plateau needs faces held out"),
        (["-l", "nowhere"], "", "there is no 'nowhere'"),
        ([], "[global.loss]\nmask_type = bisenet\n", "mask_type = bisenet: 30 of 30 faces"),
        ([], "[global.loss]\nmask_type =\n", "mask_type is empty"),
        ([], "[global.loss]\nloss_weight_2 = 0\n", "loss_weight_2 = '0': must be a whole number"),
        ([], "[global.loss]\nloss_function = none\n", "loss_function = 'none': must be one of"),
        ([], "[global]\noptimizer = sgd\n", "optimizer = 'sgd': must be one of: adam, adamw"),
        (
            [],
            "[global]\noptimizer = lion\n[global.optimizer]\nbeta_1 = 0\n",
            "beta_1 = 0: 'lion' needs more than 0",
        ),
        ([], "[global.loss]\nmask_type = none\n", "penalized_mask_loss needs a mask"),
        (["--holdout", "0.5"], "", "at least 25 are needed"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    run: Run, tmp_path: Path, options: list[str], ini: str, words: str
) -> None:
    assert run.code("-it", "1", *options, *configured(tmp_path, ini)) == 1
    assert words in run.error
    assert len(run.error.splitlines()) == 1
    assert not (tmp_path / "model").exists()


def test_weights_of_another_architecture_are_a_mistake(run: Run, tmp_path: Path) -> None:
    run("-it", "1", at="first")
    wide = configured(tmp_path, "[model.tiny]\nwidth = 16\n")
    assert run.code("-it", "1", "-l", str(tmp_path / "first"), *wide) == 1
    assert "holds no weights that fit" in run.error
    assert len(run.error.splitlines()) == 1
    assert not (tmp_path / "model").exists()
