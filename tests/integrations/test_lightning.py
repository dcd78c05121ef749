"""Lightning: the links of a plain loop, and training that resumes bit for bit from the end of an epoch."""

import copy
import pickle

import pytest
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

import topolearn as tl
from tests.integrations.small_loops import (
    BATCHES,
    EPOCHS,
    OFTEN,
    SEED,
    assert_same_training,
    batches,
    interval_of,
    links_of,
    loss_of,
    made,
    plain,
    rule_of,
)  # fmt: skip
from topolearn.errors import CheckpointError, ExistingFileError, InvalidTypeError, InvalidValueError
from topolearn.integrations.lightning import TopologyCallback

lightning = pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
EMA = get_ema_multi_avg_fn(0.9)


class Module(lightning.LightningModule):
    def __init__(self, method, backend="masked"):
        super().__init__()
        self.network, self._optimizer = made(method, backend)

    def configure_optimizers(self):
        return self._optimizer

    def training_step(self, batch, _):
        loss = loss_of(self.network, batch)
        self.log("loss", loss, on_epoch=True)
        return loss


class Links(lightning.Callback):
    """Notes the links after each update, and averages the weights."""

    def __init__(self, callback, module):
        self.callback, self.links, self.n_seen = callback, [], None
        self.average = tl.AveragedModel(module, multi_avg_fn=EMA)

    def on_train_batch_end(self, trainer, pl_module, *_):
        topology = self.callback.topology
        if self.n_seen is not None and topology.n_updates > self.n_seen:
            self.links.append(links_of(topology))
        self.n_seen = topology.n_updates
        self.average.update_parameters(pl_module)

    def on_train_epoch_start(self, trainer, pl_module):
        self.n_seen = self.callback.topology.n_updates


def callback_of(method, **options):
    return TopologyCallback(rule_of(method), interval=interval_of(method), seed=SEED, **options)


def trainer_of(folder, *callbacks, epochs=EPOCHS, **options):
    return lightning.Trainer(
        max_epochs=epochs, callbacks=list(callbacks), default_root_dir=folder, accelerator="cpu", logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, **options,
    )  # fmt: skip


class SaveAt(lightning.Callback):
    """Saves a checkpoint at the end of an epoch, as ``ModelCheckpoint`` does."""

    def __init__(self, path, epoch):
        self.path, self.epoch = path, epoch

    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == self.epoch:
            trainer.save_checkpoint(self.path)


def fit(method, backend, folder, ckpt=None, save=False, **options):
    module, callback = Module(method, backend), callback_of(method)
    links = Links(callback, module)
    more = [SaveAt(folder / "last.ckpt", 1)] if save else []
    trainer_of(folder, callback, links, *more, **options).fit(module, batches(), ckpt_path=ckpt)
    return callback.topology, links


@pytest.mark.parametrize(("method", "backend"), OFTEN)
def test_a_training_resumes_bit_for_bit(method, backend, tmp_path):
    topology, seen = fit(method, backend, tmp_path, save=True)
    by_hand, expected = plain(method, backend)
    assert seen.links == expected
    assert_same_training(topology, by_hand)
    again, later = fit(method, backend, tmp_path, ckpt=tmp_path / "last.ckpt")
    assert later.links == seen.links[len(seen.links) - len(later.links) :]
    assert len(later.links) < len(seen.links) or not seen.links
    assert_same_training(again, topology)


@pytest.mark.parametrize(("method", "backend"), [("chtss", "masked"), ("chtss", "csr"), ("rigl", "csr")])
def test_it_continues_with_accumulated_gradients(method, backend, tmp_path):
    topology, seen = fit(method, backend, tmp_path, save=True, accumulate_grad_batches=2)
    by_hand, expected = plain(method, backend, accumulate=2)
    assert seen.links == expected
    assert_same_training(topology, by_hand)
    again, _ = fit(method, backend, tmp_path, ckpt=tmp_path / "last.ckpt", accumulate_grad_batches=2)
    assert_same_training(again, topology)


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_an_average_follows_the_links(backend, tmp_path):
    topology, seen = fit("chts", backend, tmp_path)
    averaged = tl.sparse.sparse_layers(seen.average)
    for name, layer in topology.layers.items():
        assert set(layer.cells().tolist()) <= set(averaged[name].cells().tolist())


def test_it_records_and_logs(tmp_path):
    from lightning.pytorch.loggers import CSVLogger

    callback, module = callback_of("set", record=tmp_path / "run"), Module("set")
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], accelerator="cpu", logger=CSVLogger(tmp_path), log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(module, batches())
    run = tl.Run(tmp_path / "run")
    assert run.is_complete
    assert run.history.steps[1:] == [3, 6, 9]
    assert run.metrics["epoch"].tolist() == [0, 1]
    assert run.metrics["loss"].notna().all()
    told = (tmp_path / "lightning_logs" / "version_0" / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"topology/density", "topology/overlap", "topology/removed", "topology/active_neurons"} <= set(told)


def test_a_second_fit_continues(tmp_path):
    module, callback = Module("set"), callback_of("set")
    trainer = trainer_of(tmp_path, callback, epochs=2)
    trainer.fit(module, batches())
    trainer.fit_loop.max_epochs = EPOCHS
    trainer.fit(module, batches())
    assert callback.topology.n_steps == EPOCHS * BATCHES


def test_steps_after_the_training_are_not_counted(tmp_path):
    topology, _ = fit("set", "masked", tmp_path)
    loss_of(topology.model.network, next(iter(batches()))).backward()
    topology.optimizer.step()
    assert topology.n_steps == EPOCHS * BATCHES


@pytest.mark.parametrize("name", ["EMAWeightAveraging", "StochasticWeightAveraging"])
def test_averages_that_do_not_know_links_are_rejected(name, tmp_path):
    kind = getattr(lightning.pytorch.callbacks, name)
    other = kind(swa_lrs=0.1) if name.startswith("Stochastic") else kind()
    with pytest.raises(InvalidValueError, match=rf"the callback {name} averages weights .* tl\.AveragedModel"):
        trainer_of(tmp_path, callback_of("set"), other).fit(Module("set"), batches())


def test_a_dense_module_or_an_endless_training_is_rejected(tmp_path):
    with pytest.raises(InvalidValueError, match="the module has no sparse layer for method 'set'"):
        trainer_of(tmp_path, callback_of("set")).fit(Module("dense"), batches())
    with pytest.raises(InvalidValueError, match=r"the training has inf optimizer steps .* give Trainer\(max_steps"):
        trainer_of(tmp_path, callback_of("set"), epochs=-1).fit(Module("set"), batches())


def test_a_checkpoint_without_topology_or_of_another_method_is_rejected(tmp_path):
    trainer_of(tmp_path, SaveAt(tmp_path / "bare.ckpt", 0), epochs=1).fit(Module("set"), batches())
    fit("mest", "masked", tmp_path, save=True)
    for name, words in (("bare", "without a TopologyCallback"), ("last", "with 'mest', and this trainer .* 'set'")):
        with pytest.raises(CheckpointError, match=f"the checkpoint was saved {words}"):
            fit("set", "masked", tmp_path, ckpt=tmp_path / f"{name}.ckpt")


class LinksOfRank(lightning.Callback):
    """Writes the links and weights of each rank to a file."""

    def __init__(self, callback, folder):
        self.callback, self.folder = callback, folder

    def on_train_end(self, trainer, pl_module):
        topology = next(each for each in trainer.callbacks if isinstance(each, TopologyCallback)).topology
        weights = {name: layer.dense_weight() for name, layer in topology.layers.items()}
        told = links_of(topology), weights, topology.n_updates, topology.process_group is not None
        torch.save(told, self.folder / f"{trainer.global_rank}.pt")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["rigl", "chtss"])
def test_ranks_of_ddp_have_the_same_links(method, tmp_path):
    callback = callback_of(method, record=tmp_path / "run")
    trainer = trainer_of(tmp_path, callback, LinksOfRank(callback, tmp_path), strategy="ddp_spawn", devices=2)
    trainer.fit(Module(method), batches())
    (links, weights, n_updates, shared), other = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert shared
    assert n_updates > 1
    assert links == other[0]
    assert all(torch.equal(weight, other[1][name]) for name, weight in weights.items())
    assert tl.Run(tmp_path / "run").is_complete


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))])
def test_a_copy_is_a_callback_that_has_not_begun(copied):
    callback = copied(callback_of("set"))
    assert isinstance(callback, lightning.Callback)
    assert isinstance(callback, TopologyCallback)
    assert (callback.method, callback.interval, callback.seed) == (rule_of("set"), 3, SEED)


def test_bad_arguments():
    with pytest.raises(InvalidTypeError, match="method must be a Method or the name of one, not int"):
        TopologyCallback(3, interval=2)
    with pytest.raises(InvalidValueError, match="seed=-1 must be at least 0"):
        TopologyCallback("set", interval=2, seed=-1)
    with pytest.raises(InvalidTypeError, match=r"total_steps=2\.5 must be an integer"):
        TopologyCallback("set", interval=2, total_steps=2.5)


class Manual(Module):
    """Optimizes by hand, and accumulates the gradients of two batches."""

    def __init__(self, method):
        super().__init__(method)
        self.automatic_optimization = False

    def training_step(self, batch, index):
        self.manual_backward(loss_of(self.network, batch) / 2)
        if index % 2:
            self.optimizers().step()
            self.optimizers().zero_grad()


def test_manual_optimization_needs_the_number_of_steps(tmp_path):
    with pytest.raises(InvalidValueError, match=r"optimizes manually, .* give TopologyCallback\(total_steps=\.\.\.\)"):
        trainer_of(tmp_path, callback_of("set")).fit(Manual("chtss"), batches())
    callback = callback_of("chtss", total_steps=EPOCHS * BATCHES // 2)
    trainer_of(tmp_path, callback).fit(Manual("chtss"), batches())
    assert_same_training(callback.topology, plain("chtss", accumulate=2)[0])
    with pytest.warns(UserWarning, match=r"took 12 optimizer steps, .* scaled to 24: give .*\(total_steps=12\)"):
        trainer_of(tmp_path, callback_of("chtss", total_steps=24)).fit(Manual("chtss"), batches())


@pytest.mark.parametrize("resumes", [False, True])
def test_another_trainer_continues_and_its_steps_count_on_top(resumes, tmp_path):
    module, callback = Module("chts"), callback_of("chts")
    trainer_of(tmp_path, callback, epochs=2).fit(module, batches())
    trainer_of(tmp_path, callback, SaveAt(tmp_path / "last.ckpt", 0), epochs=3).fit(module, batches())
    if resumes:
        callback = callback_of("chts")
        trainer_of(tmp_path, callback, epochs=3).fit(Module("chts"), batches(), ckpt_path=tmp_path / "last.ckpt")
    topology = callback.topology
    assert topology.n_steps == topology.total_steps == 5 * BATCHES
    assert topology.last_update_step == topology.plan.last_update


def test_steps_of_an_earlier_module_do_not_count(tmp_path):
    module, callback = Module("set"), callback_of("set")
    for _ in range(2):
        trainer_of(tmp_path, callback, epochs=2).fit(module, batches())
    trainer_of(tmp_path, callback, epochs=3).fit(Module("set"), batches())
    assert callback.topology.n_steps == callback.topology.total_steps == 3 * BATCHES


class Tunable(Module):
    lr, batch_size = 0.01, 8

    def train_dataloader(self):
        return torch.utils.data.DataLoader(batches().dataset, batch_size=self.batch_size)


@pytest.mark.parametrize("first", ["tuner", "finder", "topology"])
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_search_for_a_learning_rate_or_batch_size_leaves_no_trace(backend, first, tmp_path):
    from lightning.pytorch.callbacks import LearningRateFinder
    from lightning.pytorch.tuner import Tuner

    module, callback = Tunable("chtss", backend), callback_of("chtss")
    finder = [] if first == "tuner" else [LearningRateFinder(num_training_steps=8, update_attr=False)]
    trainer = trainer_of(tmp_path, *([callback, *finder] if first == "topology" else [*finder, callback]))
    if first == "tuner":
        Tuner(trainer).lr_find(module, num_training=8, update_attr=False)
        Tuner(trainer).scale_batch_size(module, max_trials=1)
        assert callback.topology is None
    trainer.fit(module, batches())
    by_hand, _ = plain("chtss", backend)
    assert links_of(callback.topology) == links_of(by_hand)
    assert callback.topology.n_steps == by_hand.n_steps


def test_a_recording_is_not_overwritten(tmp_path):
    callback = callback_of("set", record=tmp_path / "run")
    trainer_of(tmp_path, callback, epochs=1).fit(Module("set"), batches())
    with pytest.raises(ExistingFileError, match=r"record='.*run' already exists: remove it, .* resuming from a checkp"):
        trainer_of(tmp_path, callback_of("set", record=tmp_path / "run"), epochs=1).fit(Module("set"), batches())
